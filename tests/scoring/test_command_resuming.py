"""python -m ubernet_jax.metrics: what an interrupted run has measured is not measured again."""

import os

import numpy as np

from helpers.workplace import SHAPE, save, write_boundaries
from ubernet_jax.metrics.boundaries import BoundaryMetric


def test_interrupted_run_goes_on_where_it_stopped(place, monkeypatch, capsys):
    write_boundaries(place)
    plain = place.scores('boundaries', '--thresholds', '5')
    measure, measured = BoundaryMetric.measure, []

    def interrupted(self, prediction, truth):
        if measured:
            raise KeyboardInterrupt
        measured.append(1)
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    assert place.run('boundaries', '--thresholds', '5') == 130
    assert 'run it again to go on' in capsys.readouterr().err

    def counted(self, prediction, truth):
        measured.append(1)
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', counted)
    assert place.scores('boundaries', '--thresholds', '5') == plain
    assert len(measured) == 2  # one before, one after

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    measured.clear()
    assert place.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.setattr(BoundaryMetric, 'measure', counted)
    measured.clear()
    place.scores('boundaries', '--thresholds', '4')  # other settings: nothing is taken over
    assert len(measured) == 2


def test_newer_predictions_are_measured_again(place, monkeypatch):
    write_boundaries(place)
    plain = place.scores('boundaries', '--thresholds', '5')
    monkeypatch.setattr(BoundaryMetric, 'compute', _interrupt)
    assert place.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.undo()
    for name in 'ab':
        path = place.predictions / f'{name}.png'
        save(path, np.zeros(SHAPE, np.uint8))
        later = path.stat().st_mtime + 60
        os.utime(path, (later, later))
    assert plain['ods'] == 1
    assert place.scores('boundaries', '--thresholds', '5')['ods'] == 0


def _interrupt(self):
    raise KeyboardInterrupt
