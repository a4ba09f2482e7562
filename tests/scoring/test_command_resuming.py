"""python -m ubernet_jax.metrics: an interrupted run continues with the images not yet measured."""

import os

import numpy as np
import pytest

from helpers.scorer import SHAPE, line, save, save_bsds, write_boundaries
from ubernet_jax.metrics.boundaries import BoundaryMetric


def test_an_interrupted_run_is_continued(scorer, monkeypatch, capsys):
    write_boundaries(scorer)
    uninterrupted = scorer.scores('boundaries', '--thresholds', '5')
    measure, measured = BoundaryMetric.measure, []

    def interrupted(self, prediction, truth):
        if measured:
            raise KeyboardInterrupt
        measured.append(1)
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    assert scorer.run('boundaries', '--thresholds', '5') == 130
    assert 'again' in capsys.readouterr().err

    def counted(self, prediction, truth):
        measured.append(1)
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', counted)
    assert scorer.scores('boundaries', '--thresholds', '5') == uninterrupted
    assert len(measured) == 2  # 1 before the interruption, 1 after it

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    measured.clear()
    assert scorer.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.setattr(BoundaryMetric, 'measure', counted)
    measured.clear()
    scorer.scores('boundaries', '--thresholds', '4')  # different settings: nothing is reused
    assert len(measured) == 2


@pytest.mark.parametrize('replaced', ['predictions', 'truths'])
@pytest.mark.parametrize('age', [-1000, 1000])
def test_files_that_were_replaced_are_measured_again(scorer, monkeypatch, replaced, age):
    """Also if the new files are older, as copies and files from archives are."""
    write_boundaries(scorer)
    assert scorer.scores('boundaries', '--thresholds', '5')['ods'] == 1
    monkeypatch.setattr(BoundaryMetric, 'compute', _interrupt)
    assert scorer.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.undo()
    for name in 'ab':
        path = getattr(scorer, replaced) / (
            f'{name}.png' if replaced == 'predictions' else f'{name}.mat'
        )
        time = path.stat().st_mtime + age
        if replaced == 'predictions':
            save(path, np.zeros(SHAPE, np.uint8))
        else:
            save_bsds(path, line(35))
        os.utime(path, (time, time))
    assert scorer.scores('boundaries', '--thresholds', '5')['ods'] == 0


def test_touched_files_are_not_measured_again(scorer, monkeypatch):
    write_boundaries(scorer)
    monkeypatch.setattr(BoundaryMetric, 'compute', _interrupt)
    assert scorer.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.undo()
    for name in 'ab':
        os.utime(scorer.predictions / f'{name}.png')
    monkeypatch.setattr(BoundaryMetric, 'measure', _interrupt)
    assert scorer.scores('boundaries', '--thresholds', '5')['ods'] == 1


def _interrupt(self, *_):
    raise KeyboardInterrupt
