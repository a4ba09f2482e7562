"""Runs against each other, from folders of results that these tests write."""

import json
import re

import numpy as np
import pytest
from run_folders import PROVENANCE, write_log, write_run

from ubernet_jax.compare import main
from ubernet_jax.comparison.columns import Comparison, Spread, compare
from ubernet_jax.comparison.markdown import format_score, format_tables
from ubernet_jax.comparison.published import PAPER
from ubernet_jax.comparison.runs import TASK_OF, read_run
from ubernet_jax.config import EvaluationConfig
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.evaluators import headline, make_metrics
from ubernet_jax.metrics.boxes import Detections, Objects
from ubernet_jax.metrics.multitask import delta_m
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth
from ubernet_jax.tasks import TASKS

SEVEN = {
    'segmentation': {'miou': 0.55},  # 10 % up
    'normals': {'mean': 27.0, 'median': 20.0, 'below_30': 60.0},  # 10 % less error
    'saliency': {'max_f': 0.6, 'mae': 0.1},  # 25 % down
}
ALONE = {
    'segmentation': {'miou': 0.5},
    'normals': {'mean': 30.0, 'median': 20.0, 'below_30': 50.0},
    'saliency': {'max_f': 0.8, 'mae': 0.2},
}


@pytest.fixture
def seven(tmp_path):
    """A run with three tasks."""
    return write_run(tmp_path / 'seven', SEVEN)


@pytest.fixture
def alone(tmp_path):
    """A run for each of these tasks."""
    return [write_run(tmp_path / task, {task: scores}) for task, scores in ALONE.items()]


def rows(text: str) -> list[list[str]]:
    """Cells of all Markdown tables, without the lines under their heads."""
    lines = [line for line in text.splitlines() if line.startswith('|') and '---' not in line]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]


def mean_changes(comparison: Comparison) -> dict[str, float]:
    """Of the first column."""
    changes = comparison.changes(comparison.columns[0])
    return {task: change.mean for task, change in changes.items()}


def test_delta_m_of_a_network_against_single_tasks(seven, alone):
    comparison = compare([read_run(seven)], ['all'], [read_run(path) for path in alone])
    changes = {
        task: change.mean for task, change in comparison.changes(comparison.columns[0]).items()
    }  # noqa: E501
    assert changes == pytest.approx(
        {'segmentation': 10, 'normals': 10, 'saliency': -25, 'delta_m': -5 / 3}
    )
    files = {path.stem.split('-')[-1]: path for path in seven.rglob('results/*/*.json')}
    singles = {one.name: next(one.rglob('results/*/*.json')) for one in alone}
    assert changes['delta_m'] == pytest.approx(delta_m(files, singles).delta_m)


def test_the_tables(seven, alone, capsys):
    main([str(seven), '--baseline', *map(str, alone)])
    text = capsys.readouterr().out
    table = rows(text)
    assert table[0] == ['task', 'benchmark', 'images', 'score', 'baseline (3 runs)', 'seven']
    assert table[1:7] == [
        ['normals', 'nyudv2:test', '5', 'mean angle ↓', '30.0°', '27.0°'],
        ['', '', '', 'median angle ↓', '20.0°', '20.0°'],
        ['', '', '', 'below 30°', '50.0 %', '60.0 %'],
        ['saliency', 'pascal_s:test', '5', 'max F', '.800', '.600'],
        ['', '', '', 'MAE ↓', '.200', '.100'],
        ['segmentation', 'voc2012:val', '5', 'mIoU', '.500', '.550'],
    ]
    assert table[7:12] == [
        ['change against the baseline, %', 'seven'],
        ['normals', '+10.0'],
        ['saliency', '-25.0'],
        ['segmentation', '+10.0'],
        ['delta_m', '-1.7'],
    ]
    facts = ['tiny', '0', '4', '8', '-', *PROVENANCE.values()]
    assert table[13:] == [['baseline', *facts]] * 3 + [['seven', *facts]]
    assert '- saliency on pascal_s:test: k: 1' in text


def test_seeds_become_a_mean_and_a_spread(tmp_path, seven):
    seeds = [
        write_run(tmp_path / f'seed{seed}', {'saliency': {'max_f': score}}, seed=seed)
        for seed, score in enumerate((0.60, 0.66))
    ]
    comparison = compare([read_run(path) for path in seeds], ['a', 'a'], [read_run(seven)])
    (column,) = comparison.columns
    ((benchmark, _),) = column.runs[0].results.items()
    assert column.score(benchmark, 'max_f') == pytest.approx((0.63, 0.0424264))
    assert comparison.changes(column)['delta_m'] == pytest.approx((5, 7.0710678))
    text = format_tables(comparison)
    assert ['saliency', 'pascal_s:test', '5', 'max F', '.600', '.630 ± .042'] in rows(text)
    assert ['delta_m', '+5.0 ± 7.1'] in rows(text)
    assert 'a (2 runs)' in text and '± is the standard deviation' in text


def test_a_baseline_of_several_seeds_is_their_mean(tmp_path, seven):
    baseline = [
        read_run(write_run(tmp_path / str(seed), {'saliency': {'max_f': score}}, seed=seed))
        for seed, score in enumerate((0.4, 0.6))
    ]
    ours = read_run(write_run(tmp_path / 'ours', {'saliency': {'max_f': 0.6}}))
    comparison = compare([ours], ['ours'], baseline)
    assert mean_changes(comparison) == pytest.approx({'saliency': 20, 'delta_m': 20})


def test_a_task_counts_once_whatever_its_results(tmp_path):
    detection = {'detection_voc07': {'map': 0.6}, 'detection_voc10': {'map': 0.9}}
    ours = read_run(write_run(tmp_path / 'ours', {**detection, 'saliency': {'max_f': 0.9}}))
    theirs = {'detection_voc07': {'map': 0.5}, 'detection_voc10': {'map': 0.3}}
    theirs = read_run(write_run(tmp_path / 'theirs', {**theirs, 'saliency': {'max_f': 0.9}}))
    comparison = compare([ours], ['ours'], [theirs])
    assert mean_changes(comparison) == pytest.approx(
        {'detection': 20, 'saliency': 0, 'delta_m': 10}
    )
    assert 'Of detection it takes detection_voc07.' in format_tables(comparison)


def test_two_benchmarks_of_a_task_count_as_their_mean(tmp_path):
    runs = []
    for name, first, second in (('ours', 0.6, 0.8), ('theirs', 0.5, 0.8)):
        folder = write_run(tmp_path / name, {'saliency': {'max_f': first}, 'normals': {'mean': 30}})
        other = folder / 'results' / '00000004' / 'ecssd-test-saliency.json'
        scores = json.loads((other.parent / 'pascal_s-test-saliency.json').read_text())
        other.write_text(json.dumps({**scores, 'dataset': 'ecssd', 'max_f': second}))
        runs.append(read_run(folder))
    comparison = compare(runs[:1], ['ours'], runs[1:])
    assert mean_changes(comparison) == pytest.approx({'saliency': 10, 'normals': 0, 'delta_m': 5})


def test_different_protocols_are_refused_by_name(tmp_path, seven):
    other = write_run(tmp_path / 'other', SEVEN, protocol={'k': 2, 'new': 'x'})
    with pytest.raises(UserError) as error:
        main([str(seven), str(other)])
    assert 'k: 1, not 2; new: None, not x' in str(error.value)
    for folder in (seven, other):
        assert str(folder / 'results' / '00000004') in str(error.value)


def test_different_numbers_of_images_are_refused(tmp_path, seven):
    other = write_run(tmp_path / 'other', {'saliency': {'max_f': 0.5}}, images=4)
    with pytest.raises(
        UserError, match='saliency on pascal_s:test was not scored alike .*: images: 4, not 5'
    ):
        main([str(seven), '--baseline', str(other)])


def test_a_missing_result_is_refused_unless_the_task_was_not_trained(tmp_path, seven, capsys):
    part = write_run(tmp_path / 'part', {'saliency': {'max_f': 0.5}})
    main([str(seven), str(part)])
    assert ['segmentation', 'voc2012:val', '5', 'mIoU', '.550', '-'] in rows(
        capsys.readouterr().out
    )
    (seven / 'results' / '00000004' / 'pascal_s-test-saliency.json').unlink()
    with pytest.raises(UserError, match=r'seven has no scores of saliency on pascal_s:test'):
        main([str(seven), str(part)])


def test_a_baseline_without_a_task_is_refused(alone, seven):
    with pytest.raises(
        UserError, match='max_f of saliency on pascal_s:test .* trained for saliency'
    ):
        main([str(seven), '--baseline', str(alone[1])])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'seed': 0}, 'has the same seed 0'),
        ({'seed': 1, 'experiment': 'else'}, 'experiment differs: tiny, else'),
        ({'seed': 1, 'step': 2}, 'step differs: 4, 2'),
    ],
)
def test_runs_that_are_no_seeds_of_one_do_not_share_a_name(tmp_path, seven, change, message):
    other = write_run(tmp_path / 'other', SEVEN, **change)
    with pytest.raises(UserError, match=message):
        main([str(seven), str(other), '--names', 'a', 'a'])


def test_what_cannot_be_read_is_named(tmp_path, seven):
    for arguments, message in (
        ([], 'no RUN to compare'),
        (['none'], 'none does not exist'),
        ([seven, '--names', 'a', 'b'], '2 names for 1 runs'),
    ):
        with pytest.raises(UserError, match=message):
            main(list(map(str, arguments)))
    whole, part = seven / 'results' / '00000004', seven / 'results' / '00000004-limit2'
    whole.rename(part)
    with pytest.raises(UserError, match=r'evaluate --checkpoint .*seven; or .*00000004-limit2'):
        read_run(seven)
    assert (read_run(part).step, read_run(part).name) == (4, 'seven-00000004-limit2')
    file = part / 'pascal_s-test-saliency.json'
    for text, message in (
        ('{', 'saliency.json is not JSON'),
        ('{"task": "saliency"}', "saliency.json is not a result of evaluate: it has no 'dataset'"),
        (
            '{"task": "x", "dataset": "a", "split": "b", "images": 1, "protocol": {}}',
            "unknown result 'x'",
        ),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=message):
            read_run(part)
    (seven / 'log.jsonl').write_text('{"step": 1}\n{"st')
    file.unlink()
    with pytest.raises(UserError, match='log.jsonl:2 is not JSON'):
        read_run(part)
    part = part.rename(part.with_name('best'))
    with pytest.raises(UserError, match='best is not RUN/results/STEP'):
        read_run(part)
    (seven / 'config.json').unlink()
    with pytest.raises(UserError, match='config.json does not exist'):
        read_run(part)


def test_the_newest_results_count_and_different_lengths_are_said(tmp_path, seven):
    write_run(tmp_path / 'long', SEVEN, step=2, steps=10)
    long = write_run(tmp_path / 'long', SEVEN, step=6, steps=10)
    assert read_run(long).step == 6
    assert read_run(long / 'results' / '00000002').step == 2
    text = format_tables(compare([read_run(seven), read_run(long)], ['a', 'b']))
    text = ' '.join(text.split())  # whatever the lines
    assert 'The runs saw different numbers of images' in text
    assert 'long is not finished: step 6 of 10' in text
    text = format_tables(compare([read_run(seven)] * 2, ['a', 'b']))
    assert 'different numbers' not in text and 'not finished' not in text


def test_time_is_that_of_the_steps_before_the_scores(seven):
    write_log(
        seven,
        {'step': 2, 'images_per_second': 0.01, 'loss/normals': 1.0},
        {'step': 2, 'normals/nyudv2:test/mean': 40.0},
        {'step': 4, 'images_per_second': 9.0},  # then it was killed, and went on from step 2
        {'step': 4, 'images_per_second': 0.02},
        {'step': 6, 'images_per_second': 0.01},
    )
    assert read_run(seven).seconds == 2 * 2 / 0.01 + 2 * 2 / 0.02


def test_a_kept_run_is_read_back(tmp_path, seven, capsys):
    main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept = tmp_path / 'kept' / 'seven.json'
    assert read_run(kept).to_json() == read_run(seven).to_json()
    capsys.readouterr()
    main([str(kept), str(seven), '--names', 'a', 'b'])
    table = rows(capsys.readouterr().out)
    assert ['saliency', 'pascal_s:test', '5', 'max F', '.600', '.600'] in table
    (seven / 'provenance.json').unlink()
    with pytest.raises(UserError, match='seven does not say its command, commit, machine'):
        main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept.write_text('{"results": []}')
    with pytest.raises(UserError, match='seven.json is not a run that compare --keep wrote'):
        read_run(kept)


def test_the_papers_column_is_for_its_benchmarks_and_protocols_only(tmp_path):
    official = {'thresholds': '99, 0.01 to 0.99', 'max_distance': '0.0075 of the diagonal',
                'nms': 'smoothed'}  # fmt: skip
    scores = {'boundaries': {'ods': 0.7, 'ois': 0.71, 'ap': 0.72}}

    def table(images, protocol):
        name = f'{images}{protocol["nms"]}'
        run = read_run(write_run(tmp_path / name, scores, images=images, protocol=protocol))
        return format_tables(compare([run], ['a']))

    text = table(200, official)
    assert rows(text)[0][-2:] == ['paper, 1 task', 'paper, 7 tasks']
    assert [row[-3:] for row in rows(text)[1:4]] == [
        ['.700', '.791', '.785'],
        ['.710', '.809', '.805'],
        ['.720', '.849', '.837'],
    ]
    assert 'Paper: arXiv 1609.02132, as recalled, not measured here' in text
    assert 'paper' not in table(40, official).lower()
    assert 'paper' not in table(200, {**official, 'nms': 'none'}).lower()


LINE = np.eye(9, dtype=bool)
BOXES = np.array([[0.0, 0, 5, 5]])
UP = np.tile([0.0, 0, 1], (2, 2, 1))
CLASS_LINES = SemanticTruth(boundaries=np.tile(LINE, (20, 1, 1)), regions=np.ones((20, 9, 9), bool))
INPUTS = {
    'boundaries': (LINE * 1.0, LINE),
    'semantic_boundaries': (CLASS_LINES.boundaries * 1.0, CLASS_LINES),
    'detection_voc07': (
        Detections(boxes=BOXES, scores=np.ones(1), classes=np.zeros(1, int)),
        Objects(boxes=BOXES, classes=np.zeros(1, int), difficult=np.zeros(1, bool)),
    ),
    'saliency': (LINE * 1.0, LINE),
    'parts': (LINE.astype(np.uint8), LINE.astype(np.uint8)),
    'normals': (UP, UP),
}


@pytest.mark.parametrize('published', PAPER, ids=lambda published: published.benchmark.result)
def test_evaluate_scores_by_the_papers_protocols(published):
    result = published.benchmark.result
    metric = make_metrics(TASKS[TASK_OF[result]], EvaluationConfig().thresholds)[result]
    metric.update(*INPUTS[result])
    scores = metric.compute()
    assert published.protocol.items() <= scores.protocol.items()
    assert published.one_task.keys() == published.seven_tasks.keys() <= headline(scores).keys()


@pytest.mark.parametrize(
    ('name', 'values', 'text'),
    [
        ('miou', (0.2862, None), '.286'),
        ('max_f', (1.0, None), '1.000'),
        ('ods', (0.7, 0.0123), '.700 ± .012'),
        ('mean', (28.46, 0.5), '28.5 ± 0.5°'),
        ('below_30', (63.28, None), '63.3 %'),
    ],
)
def test_scores_are_written_as_papers_do(name, values, text):
    assert format_score(name, Spread(*values)) == text
    assert format_score(name, None) == '-'


def test_files_for_others(tmp_path, seven, alone):
    write_log(seven, {'step': 2, 'loss/normals': 1.0, 'images_per_second': 1.0})
    out = tmp_path / 'out'
    main([str(seven), '--baseline', *map(str, alone), '--out', str(out)])
    assert rows((out / 'comparison.md').read_text())[8] == ['normals', '+10.0']
    (column,) = json.loads((out / 'comparison.json').read_text())['columns']
    assert column['change']['delta_m']['mean'] == pytest.approx(-5 / 3)
    assert column['runs'][0]['results'][0]['protocol'] == {'k': 1}
    assert (out / 'comparison.png').stat().st_size > 10_000
    assert not re.search(r'"(source|path|workdir)"', (out / 'comparison.json').read_text())
