"""python -m ubernet_jax.metrics: an interrupted run continues with the images not yet measured."""

import os

import numpy as np

from helpers.scorer import SHAPE, save, write_boundaries
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


def test_newer_predictions_are_measured_again(scorer, monkeypatch):
    write_boundaries(scorer)
    assert scorer.scores('boundaries', '--thresholds', '5')['ods'] == 1
    monkeypatch.setattr(BoundaryMetric, 'compute', _interrupt)
    assert scorer.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.undo()
    for name in 'ab':
        path = scorer.predictions / f'{name}.png'
        save(path, np.zeros(SHAPE, np.uint8))
        later = path.stat().st_mtime + 60
        os.utime(path, (later, later))
    assert scorer.scores('boundaries', '--thresholds', '5')['ods'] == 0


def _interrupt(self):
    raise KeyboardInterrupt
