"""Any file of unknown origin is read, or refused with a message that names it."""

import collections
import contextlib
import pathlib
import resource
import signal
import tempfile
import time
from collections.abc import Iterator

import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed: pip install .[test]')

from hypothesis import given  # noqa: E402

from helpers.fuzz.effort import effort  # noqa: E402
from helpers.fuzz.import_readers import make_import_readers  # noqa: E402
from helpers.fuzz.readers import make_readers  # noqa: E402
from helpers.fuzz.run_readers import make_run_readers  # noqa: E402
from helpers.fuzz.weight_readers import make_weight_readers  # noqa: E402
from ubernet_jax.errors import UserError  # noqa: E402
from ubernet_jax.metrics.metric import MetricError  # noqa: E402

pytestmark = pytest.mark.slow

SECONDS = 10  # limit of the processor time for a file
MEMORY = 2 * 2**30  # limit of the additional memory in bytes

_FOLDER = tempfile.TemporaryDirectory()
READERS = {
    name: reader
    for make in (make_readers, make_import_readers, make_weight_readers, make_run_readers)
    for name, reader in make(pathlib.Path(_FOLDER.name)).items()
}
SHARES = sum(reader.share for reader in READERS.values())


class TooSlow(BaseException):
    """Not an Exception, so that readers do not catch it."""


@pytest.fixture(autouse=True)
def memory_limit() -> Iterator[None]:
    """Readers that exceed the limit fail with a MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    def give_up(number: int, frame: object) -> None:
        raise TooSlow(f'more than {SECONDS} s')

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
    outcomes, slowest = collections.Counter(), 0.0

    @effort(reader.share / SHARES)
    @given(reader.contents)
    def check(content: bytes) -> None:
        nonlocal slowest
        path.write_bytes(content)
        start = time.process_time()
        with time_limit():
            try:
                result = reader.read(path)
            except (UserError, MetricError) as error:
                assert str(path) in str(error) or not reader.named
                outcomes['refused'] += 1
            else:
                assert isinstance(result, reader.returns)
                outcomes['read'] += 1
        slowest = max(slowest, time.process_time() - start)

    check()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f'{name}: {outcomes.total()} files, {outcomes["read"]} read, {outcomes["refused"]} '
        f'refused, slowest {slowest:.1f} s; {peak:.1f} GB resident since the start'
    )
