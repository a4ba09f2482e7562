"""Whatever a file from outside holds, it is read, or refused with a message that names it."""

import collections
import contextlib
import pathlib
import resource
import signal
import tempfile
from collections.abc import Iterator

import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed: pip install .[test]')

from hypothesis import given  # noqa: E402

from helpers.fuzz.effort import effort  # noqa: E402
from helpers.fuzz.readers import make_readers  # noqa: E402
from helpers.fuzz.run_readers import make_run_readers  # noqa: E402
from helpers.fuzz.weight_readers import make_weight_readers  # noqa: E402
from ubernet_jax.errors import UserError  # noqa: E402
from ubernet_jax.metrics.metric import MetricError  # noqa: E402

SECONDS = 10  # of processor time that a file may take
MEMORY = 2 * 2**30  # bytes that it may take

_FOLDER = tempfile.TemporaryDirectory()
READERS = {
    name: reader
    for make in (make_readers, make_weight_readers, make_run_readers)
    for name, reader in make(pathlib.Path(_FOLDER.name)).items()
}
SHARES = sum(reader.share for reader in READERS.values())


class TooSlow(BaseException):
    """Not an Exception: no reader shall catch it."""


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """What takes more fails with a MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def little_time() -> Iterator[None]:
    def give_up(number: int, frame: object) -> None:
        raise TooSlow(f'{SECONDS} s were not enough')

    previous = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


@pytest.mark.parametrize('name', READERS)
def test_a_damaged_file_is_read_or_refused(name, tmp_path):
    reader = READERS[name]
    path = tmp_path / reader.name
    path.parent.mkdir(exist_ok=True)
    ends = collections.Counter()

    @effort(reader.share / SHARES)
    @given(reader.contents)
    def check(content: bytes) -> None:
        path.write_bytes(content)
        with little_time():
            try:
                result = reader.read(path)
            except (UserError, MetricError) as error:
                assert str(path) in str(error) or not reader.named
                ends['refused'] += 1
            else:
                assert isinstance(result, reader.returns)
                ends['read'] += 1

    check()
    print(f'{name}: {ends.total()} files, {ends["read"]} read, {ends["refused"]} refused')
