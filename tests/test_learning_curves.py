"""Curves of runs: which numbers are drawn, and where."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from run_folders import write_log, write_run

from ubernet_jax.comparison.columns import compare
from ubernet_jax.comparison.curves import (
    _running_mean,
    draw_curves,
    read_losses,
    read_quick_scores,
    read_scores,
)
from ubernet_jax.comparison.runs import Benchmark, read_run

SALIENCY = Benchmark('saliency', 'pascal_s', 'test')


@pytest.fixture
def run(tmp_path):
    """A run with scores at two steps, a log, and scores of a part while training."""
    folder = tmp_path / 'run'
    for step, max_f in ((2, 0.5), (4, 0.6)):
        write_run(folder, {'saliency': {'max_f': max_f, 'mae': 0.2}}, step=step)
    write_log(
        folder,
        {'step': 1, 'loss/saliency': 3.0, 'updates/saliency': 1, 'images_per_second': 1.0},
        {'step': 3, 'loss/saliency': 1.0, 'images_per_second': 1.0},
        {'step': 3, 'saliency/pascal_s:test/max_f': 0.7, 'saliency/pascal_s:test/mae': 0.1},
        {'step': 3, 'normals/folder/kitchen:test/mean': 40.0, 'proposals/a:b/recall_100': 0.1},
    )
    return folder


def test_curves_are_over_images_seen(run):
    assert read_losses(run) == {'saliency': {2: 3.0, 6: 1.0}}
    assert read_scores(run) == {SALIENCY: {4: 0.5, 8: 0.6}}
    assert read_quick_scores(run) == {
        SALIENCY: {6: 0.7},
        Benchmark('normals', 'folder/kitchen', 'test'): {6: 40.0},
    }


def test_a_picture_of_two_runs(run, tmp_path, monkeypatch):
    other = write_run(tmp_path / 'other', {'saliency': {'max_f': 0.9}}, step=5)
    figures, save = [], Figure.savefig
    monkeypatch.setattr(
        Figure, 'savefig', lambda figure, path: (figures.append(figure), save(figure, path))
    )
    draw_curves(compare([read_run(run), read_run(other)], ['one', 'two']), tmp_path / 'a.png')
    (figure,) = figures
    words = {text.get_text() for text in figure.findobj(Text)}
    assert {'one', 'two', 'saliency: training loss', 'saliency: max F\npascal_s:test'} <= words
    assert 'normals: mean angle (lower is better)\nfolder/kitchen:test' in words
    panels = [axes for axes in figure.findobj(Axes) if axes.lines]
    scores = [
        (list(line.get_xdata()), list(line.get_ydata()), line.get_color())
        for axes in panels
        if 'max F' in axes.get_title()
        for line in axes.lines
        if len(line.get_xdata())
    ]
    assert scores == [([4, 8], [0.5, 0.6], 'C0'), ([10], [0.9], 'C1'), ([6], [0.7], 'C0')]
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')


def test_the_running_mean_begins_with_what_there_is():
    actual = _running_mean(np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0]))
    np.testing.assert_allclose(actual, [1, 2, 3, 4, 5, 7])
