"""What is said while a program is compiled, and the times that are kept."""

import time

import jax
import pytest

from ubernet_jax import compilation_notice
from ubernet_jax.compilation_notice import CompilationNotice
from ubernet_jax.progress import Progress


@pytest.fixture(autouse=True)
def fast(monkeypatch, tmp_path):
    """Notices after hundredths of seconds; times in a new folder."""
    monkeypatch.setattr(compilation_notice, '_PATIENCE', 0.01)
    monkeypatch.setattr(compilation_notice, '_INTERVAL', 0.02)
    before = jax.config.values['jax_compilation_cache_dir']
    jax.config.update('jax_compilation_cache_dir', str(tmp_path / 'cache'))
    yield
    jax.config.update('jax_compilation_cache_dir', before)


def call(notice: CompilationNotice, size: tuple[int, int], seconds: float = 0.1) -> None:
    with notice.calling(size):
        time.sleep(seconds)


def test_compiling_is_said_once_for_a_size_with_signs_of_life(capsys):
    notice = CompilationNotice('network', {'width': 1})
    call(notice, (33, 65))
    first, *alive, last = capsys.readouterr().err.splitlines()
    assert 'network for 33x65' in first and '(once for this size)' in first
    assert alive and all(line.startswith('still compiling') for line in alive)
    assert last.startswith('compiled in')
    call(notice, (33, 65))
    assert capsys.readouterr().err == ''


def test_a_program_from_the_cache_is_not_announced(capsys, monkeypatch):
    monkeypatch.setattr(compilation_notice, '_PATIENCE', 10)
    call(CompilationNotice('network', {}), (33, 65), seconds=0)
    assert capsys.readouterr().err == ''


def test_times_are_named_only_if_they_are_known(capsys, tmp_path):
    notice = CompilationNotice('network', {'width': 1})
    call(notice, (33, 65))
    call(notice, (65, 33))
    assert '33x65 took 0 s' in capsys.readouterr().err
    kept = list((tmp_path / 'cache' / 'seconds').iterdir())
    for path in kept:
        path.write_text('104.2')
    call(CompilationNotice('network', {'width': 1}), (33, 65))  # of a later process
    assert 'up to 2 min before' in capsys.readouterr().err
    assert {path.read_text() for path in kept} == {'104.2'}  # a shorter time replaces none
    call(CompilationNotice('network', {'width': 2}), (33, 65))
    assert 'before' not in capsys.readouterr().err


def test_a_damaged_or_missing_time_is_not_an_error(capsys, tmp_path):
    call(CompilationNotice('network', {}), (33, 65))
    (file,) = (tmp_path / 'cache' / 'seconds').iterdir()
    file.write_text('a lot')
    capsys.readouterr()
    call(CompilationNotice('network', {}), (33, 65))
    assert 'before' not in capsys.readouterr().err


def test_nothing_is_said_by_silent_notices(capsys):
    call(CompilationNotice('network', {}, silent=True), (33, 65))
    assert capsys.readouterr().err == ''


def test_compiling_does_not_count_for_the_time_that_is_left():
    before = Progress.excluded
    call(CompilationNotice('network', {}), (33, 65))
    assert Progress.excluded >= before + 0.1
