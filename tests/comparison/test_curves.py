"""Learning curves of runs: which numbers are drawn, and in which panel."""

import json

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from helpers.run_folders import MAE, MAX_F, MEAN, RMSE, VOC10, WITHIN, write_log, write_run
from ubernet_jax.comparison.columns import compare
from ubernet_jax.comparison.curve_picture import draw_curves, running_mean
from ubernet_jax.comparison.curves import CurveKey, choose_scores, read_curves
from ubernet_jax.comparison.runs import keep_run, read_run
from ubernet_jax.metrics.metric import Score

SALIENCY = CurveKey('saliency', 'pascal_s:test')
NORMALS = CurveKey('normals', 'folder/kitchen:test')


@pytest.fixture
def run(tmp_path):
    """A run with scores at two steps, a log, and scores on subsets during training."""
    folder = tmp_path / 'run'
    for step, max_f in ((2, 0.5), (4, 0.6)):
        write_run(folder, {'saliency': {MAX_F: max_f, MAE: 0.2}}, step=step)
    write_log(
        folder,
        {'step': 1, 'loss/saliency': 3.0, 'updates/saliency': 1, 'images_per_second': 1.0},
        {'step': 3, 'loss/saliency': 1.0, 'images_per_second': 1.0},
        {'step': 3, 'saliency/pascal_s:test/max_f': 0.7, 'saliency/pascal_s:test/mae': 0.1},
        {'step': 3, 'normals/folder/kitchen:test/median': 9, 'normals/folder/kitchen:test/mean': 4},
    )
    return folder


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """A function that draws runs and returns the figure."""
    figures, save = [], Figure.savefig
    monkeypatch.setattr(
        Figure, 'savefig', lambda figure, path: (figures.append(figure), save(figure, path))
    )

    def draw(*folders):
        runs = [read_run(folder) for folder in folders]
        draw_curves(compare(runs, [run.name for run in runs]), tmp_path / 'a.png')
        assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')
        return figures.pop()

    return draw


def titles(figure: Figure) -> list[str]:
    """Returns the titles of the panels with a line, in their order."""
    return [axes.get_title() for axes in figure.findobj(Axes) if axes.lines]


def lines(figure: Figure, title: str) -> list[tuple]:
    """Returns images seen, values and colour of every non-empty line in the panel with a title."""
    (axes,) = [axes for axes in figure.findobj(Axes) if axes.get_title() == title]
    return [
        (list(line.get_xdata()), list(line.get_ydata()), line.get_color())
        for line in axes.lines
        if len(line.get_xdata())
    ]


def test_curves_are_functions_of_images_seen(run):
    curves = read_curves(run)
    assert curves.losses == {'saliency': {2: 3.0, 6: 1.0}}
    assert curves.full == {SALIENCY: {'max_f': {4: 0.5, 8: 0.6}, 'mae': {4: 0.2, 8: 0.2}}}
    assert curves.subset == {
        SALIENCY: {'max_f': {6: 0.7}, 'mae': {6: 0.1}},
        NORMALS: {'median': {6: 9}, 'mean': {6: 4}},
    }


def test_all_micro_batches_of_a_step_count(run):
    write_run(run, {'saliency': {MAX_F: 0.6}}, micro_batches_per_step=5)
    curves = read_curves(run)
    assert curves.losses == {'saliency': {10: 3.0, 30: 1.0}}
    assert curves.full[SALIENCY]['max_f'] == {20: 0.5, 40: 0.6}
    assert curves.subset[SALIENCY]['max_f'] == {30: 0.7}


def test_a_task_may_be_called_loss(tmp_path):
    folder = write_run(tmp_path / 'run', {'loss': {MAX_F: 0.6}})
    write_log(folder, {'step': 1, 'loss/loss': 3.0, 'loss/custom:test/max_f': 0.5})
    curves = read_curves(folder)
    assert curves.losses == {'loss': {2: 3.0}}
    assert curves.subset == {CurveKey('loss', 'custom:test'): {'max_f': {2: 0.5}}}


def test_results_define_which_score_is_drawn(run, tmp_path):
    curves = read_curves(run)
    chosen = choose_scores([], [curves])
    assert chosen == {SALIENCY: MAX_F, NORMALS: Score(name='median', label='median')}
    results = {'normals': {MEAN: 30.0}, 'detection_voc10': {VOC10: 1}}
    evaluated = write_run(tmp_path / 'evaluated', results)
    kept = read_run(keep_run(read_run(evaluated), tmp_path))
    assert choose_scores([kept.results], [curves]) == {SALIENCY: MAX_F, NORMALS: MEAN}


def test_a_result_without_a_main_score_has_no_panel(tmp_path):
    folder = write_run(tmp_path / 'run', {'detection_voc10': {VOC10: 0.5}})
    write_log(folder, {'step': 1, 'detection_voc10/voc2007:test/map': 0.5})
    assert choose_scores([], [read_curves(folder)]) == {}


def test_a_figure_of_two_runs(run, tmp_path, draw):
    results = {'how_far': {RMSE: 0.5, WITHIN: 1.0}, 'saliency': {MAX_F: 0.9}}
    second = write_run(tmp_path / 'second', results, step=5)
    write_log(second, {'step': 1, 'loss/how_far': 1.0, 'loss/saliency': 2.0})
    figure = draw(run, second)
    assert titles(figure) == [
        'saliency: training loss',
        'how_far: training loss',
        'saliency: max F\npascal_s:test',
        'how_far: RMSE (lower is better)\ncustom:test',
        'normals: median\nfolder/kitchen:test',
    ]
    assert {'run', 'second', 'm'} <= {text.get_text() for text in figure.findobj(Text)}
    assert lines(figure, 'saliency: max F\npascal_s:test') == [
        ([4, 8], [0.5, 0.6], 'C0'),
        ([10], [0.9], 'C1'),
        ([6], [0.7], 'C0'),
    ]
    assert lines(figure, 'how_far: RMSE (lower is better)\ncustom:test') == [([10], [0.5], 'C1')]


def test_an_undefined_score_is_not_drawn(run, draw):
    file = run / 'results' / '00000002' / 'pascal_s-test-saliency.json'
    report = json.loads(file.read_text())
    report['scores'][0]['value'] = None
    file.write_text(json.dumps(report))
    full, *_ = lines(draw(run), 'saliency: max F\npascal_s:test')
    assert full == ([8], [0.6], 'C0')


def test_the_running_mean_starts_with_fewer_values():
    actual = running_mean(np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0]))
    np.testing.assert_allclose(actual, [1, 2, 3, 4, 5, 7])
