"""Progress without a terminal: lines with the state and the time that is left."""

import pytest

from ubernet_jax import progress
from ubernet_jax.progress import Progress, describe_seconds


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, in seconds, as a list of a single number that tests change."""
    now = [0.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    return now


def test_lines_at_the_start_and_at_intervals_have_the_time_that_is_left(clock, capsys):
    with Progress('image', 100, 'garden:test') as images:
        for _ in range(40):
            clock[0] += 2.0
            images.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == 'garden:test: image 0/100'
    assert lines[1:] == ['garden:test: image 15/100, 3 min left',
                         'garden:test: image 30/100, 2 min left']  # fmt: skip


def test_steps_of_an_earlier_process_and_compiling_say_nothing_about_the_time_left(
    clock, capsys, monkeypatch
):
    with Progress('step', 150, done=100) as steps:
        clock[0] += 500
        monkeypatch.setattr(Progress, 'excluded', Progress.excluded + 499)
        steps.advance()
        steps.note('normals 0.3')
    printed = capsys.readouterr()
    assert printed.out == 'step 101/150, 49 s left: normals 0.3\n'
    assert printed.err.splitlines()[0] == 'step 100/150'


@pytest.mark.parametrize(
    ('seconds', 'text'), [(0.4, '0 s'), (99, '99 s'), (100, '2 min'), (12_600, '3.5 h')]
)
def test_durations(seconds, text):
    assert describe_seconds(seconds) == text
