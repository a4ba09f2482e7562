"""What is said while a program is compiled, and the times that are kept."""

import pathlib
import time
from collections.abc import Callable

import jax
import pytest

from ubernet_jax import compilation_notice
from ubernet_jax.compilation_notice import CompilationNotice
from ubernet_jax.progress import Progress

Call = Callable[..., list[str]]


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """The folder of the times that are kept; notices come after hundredths of seconds."""
    monkeypatch.setattr(compilation_notice, '_PATIENCE', 0.01)
    monkeypatch.setattr(compilation_notice, '_INTERVAL', 0.01)
    before = jax.config.values['jax_compilation_cache_dir']
    jax.config.update('jax_compilation_cache_dir', str(tmp_path / 'cache'))
    yield tmp_path / 'cache' / 'seconds'
    jax.config.update('jax_compilation_cache_dir', before)


@pytest.fixture
def call(monkeypatch, kept) -> Call:
    """Calls a program that takes until some lines are said; returns all lines."""
    said: list[str] = []
    monkeypatch.setattr(compilation_notice, '_write', said.append)

    def call(notice: CompilationNotice, size: tuple[int, int], lines: int = 1) -> list[str]:
        said.clear()
        with notice.calling(size):
            deadline = time.monotonic() + 10
            while len(said) < lines and time.monotonic() < deadline:
                time.sleep(0.02)
        return [*said]

    return call


def test_compiling_is_said_once_for_a_size_with_signs_of_life(call):
    notice = CompilationNotice('network', {'width': 1})
    first, *alive, last = call(notice, (33, 65), lines=3)
    assert 'network for 33x65' in first and '(once for this size)' in first
    assert len(alive) >= 2 and all(line.startswith('still compiling') for line in alive)
    assert last.startswith('compiled in')
    assert call(notice, (33, 65), lines=0) == []


def test_lines_go_to_stderr(kept, capsys):
    with CompilationNotice('network', {}).calling((33, 65)):
        time.sleep(0.02)
    assert 'compiled in 0 s\n' in capsys.readouterr().err


def test_a_program_from_the_cache_is_not_announced(call, monkeypatch):
    monkeypatch.setattr(compilation_notice, '_PATIENCE', 10)
    assert call(CompilationNotice('network', {}), (33, 65), lines=0) == []


def test_times_are_named_only_if_they_are_known(call, kept: pathlib.Path):
    notice = CompilationNotice('network', {'width': 1})
    call(notice, (33, 65))
    assert '33x65 took 0 s' in call(notice, (65, 33))[0]
    for path in kept.iterdir():
        path.write_text('104.2')
    later = CompilationNotice('network', {'width': 1})  # of another process
    assert 'up to 2 min before' in call(later, (33, 65))[0]
    assert {path.read_text() for path in kept.iterdir()} == {'104.2'}  # the longest is kept
    assert 'before' not in call(CompilationNotice('network', {'width': 2}), (33, 65))[0]


def test_a_damaged_time_is_not_an_error(call, kept):
    call(CompilationNotice('network', {}), (33, 65))
    (file,) = kept.iterdir()
    file.write_text('a lot')
    assert 'before' not in call(CompilationNotice('network', {}), (33, 65))[0]


def test_nothing_is_said_by_silent_notices(call):
    assert call(CompilationNotice('network', {}, silent=True), (33, 65), lines=0) == []


def test_compiling_does_not_count_for_the_time_that_is_left(call):
    before = Progress.excluded
    call(CompilationNotice('network', {}), (33, 65))
    assert Progress.excluded >= before + 0.01
