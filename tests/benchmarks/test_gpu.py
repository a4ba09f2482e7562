"""A section of the measurements on a GPU cannot stop the others."""

import os
import time

import numpy as np
import pytest

from benchmarks.agreement import difference
from benchmarks.gpu import Section, make_sections, run_section

# A process that starts another, which keeps the output open.
HANGS = 'import subprocess; print("started", flush=True); subprocess.run(["sleep", "60"])'


def test_a_section_that_takes_too_long_is_ended_with_its_processes():
    start = time.monotonic()
    text = run_section(Section('slow', 1.0, [('-c', HANGS), ('-c', 'print("ready")')]), 3)
    assert time.monotonic() - start < 20
    assert 'started' in text and 'ended after 3 s' in text
    assert 'ready' in text and 'exit code 0' in text


def test_a_section_that_fails_is_reported():
    text = run_section(Section('wrong', 1.0, [('-c', 'raise SystemExit(7)')]), 30)
    assert 'exit code 7' in text


def test_flags_of_a_section_are_added_to_those_of_the_user(monkeypatch):
    monkeypatch.setenv('XLA_FLAGS', '--first=1')
    command = ('-c', 'import os; print(os.environ["XLA_FLAGS"])')
    assert '--first=1 --second=2' in run_section(Section('x', 1.0, [command], '--second=2'), 30)
    assert os.environ['XLA_FLAGS'] == '--first=1'


@pytest.mark.parametrize('flags', ['', '--second=2'])
def test_no_flags_are_not_a_blank(monkeypatch, flags):
    monkeypatch.delenv('XLA_FLAGS')
    command = ('-c', 'import os; print([os.environ.get("XLA_FLAGS", "unset")])')
    text = run_section(Section('flags', 1.0, [command], flags), 20.0)
    assert f"['{flags or 'unset'}']" in text


def test_the_shares_of_the_sections_add_up():
    for rehearse in (True, False):
        assert sum(section.share for section in make_sections(rehearse)) == pytest.approx(1)


def test_the_relative_difference():
    expected = [np.array([3.0]), np.array([4.0])]
    assert difference(expected, expected) == 0
    assert difference([np.array([3.0]), np.array([4.5])], expected) == pytest.approx(0.1)
