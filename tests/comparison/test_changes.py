"""Changes relative to a baseline: which scores and tasks count, and delta_m."""

import json
import math

import pytest

from helpers.run_folders import (
    MAE,
    MAX_F,
    MEAN,
    MEDIAN,
    MIOU,
    RMSE,
    VOC07,
    VOC10,
    WITHIN,
    table_rows,
    write_run,
)
from ubernet_jax.compare import main
from ubernet_jax.comparison.changes import find_changes
from ubernet_jax.comparison.columns import Comparison, compare
from ubernet_jax.comparison.markdown import format_tables
from ubernet_jax.comparison.runs import Run, read_run
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.multitask import delta_m

THREE = {
    'segmentation': {MIOU: 0.55},  # 10 % up
    'normals': {MEAN: 27.0, MEDIAN: 20.0},  # 10 % less error
    'saliency': {MAX_F: 0.6, MAE: 0.1},  # 25 % down
}
ALONE = {
    'normals': {MEAN: 30.0, MEDIAN: 20.0},
    'saliency': {MAX_F: 0.8, MAE: 0.2},
    'segmentation': {MIOU: 0.5},
}


@pytest.fixture
def three(tmp_path):
    """A run with three tasks."""
    return write_run(tmp_path / 'three', THREE)


def mean_changes(comparison: Comparison) -> dict[str, float]:
    """Returns the mean changes of the first column."""
    changes = find_changes(comparison, comparison.columns[0])
    means = {task: change.mean for task, change in changes.tasks.items()}
    return {**means, 'delta_m': changes.delta_m.mean}


def test_delta_m_of_a_network_against_single_tasks(tmp_path, three):
    alone = [write_run(tmp_path / task, {task: scores}) for task, scores in ALONE.items()]
    comparison = compare([read_run(three)], ['all'], [read_run(path) for path in alone])
    changes = mean_changes(comparison)
    assert changes == pytest.approx(
        {'segmentation': 10, 'normals': 10, 'saliency': -25, 'delta_m': -5 / 3}
    )
    assert find_changes(comparison, comparison.columns[0]).left_out == {}
    files = {path.stem.split('-')[-1]: path for path in three.rglob('results/*/*.json')}
    single_task = {folder.name: next(folder.rglob('results/*/*.json')) for folder in alone}
    assert changes['delta_m'] == pytest.approx(delta_m(files, single_task).delta_m)


def test_a_baseline_of_several_seeds_is_averaged(tmp_path):
    baseline = [
        read_run(write_run(tmp_path / str(seed), {'saliency': {MAX_F: score}}, seed=seed))
        for seed, score in enumerate((0.4, 0.6))
    ]
    multitask = read_run(write_run(tmp_path / 'multitask', {'saliency': {MAX_F: 0.6}}))
    comparison = compare([multitask], ['multitask'], baseline)
    assert mean_changes(comparison) == pytest.approx({'saliency': 20, 'delta_m': 20})


def read_seeds(folder, scores: dict[int, dict]) -> list[Run]:
    """Writes and reads a run with each of these seeds, and its results."""
    return [
        read_run(write_run(folder / f'{seed}-{number}', results, seed=seed))
        for number, (seed, results) in enumerate(scores.items())
    ]


SEEDS = {
    0: {'saliency': {MAX_F: 0.55}, 'normals': {MEAN: 27.0}},
    1: {'saliency': {MAX_F: 0.36}, 'normals': {MEAN: 22.0}},
}
SALIENCY_ALONE = {0: {'saliency': {MAX_F: 0.5}}, 1: {'saliency': {MAX_F: 0.4}}}
NORMALS_ALONE = {0: {'normals': {MEAN: 30.0}}, 1: {'normals': {MEAN: 20.0}}}


def test_seeds_are_paired_with_the_baselines_of_the_same_seed(tmp_path):
    runs = read_seeds(tmp_path / 'all', SEEDS)
    baseline = read_seeds(tmp_path / 'saliency', {9: SALIENCY_ALONE[0], **SALIENCY_ALONE})
    baseline += read_seeds(tmp_path / 'normals', NORMALS_ALONE)
    comparison = compare(runs, ['a', 'a'], baseline)
    changes = find_changes(comparison, comparison.columns[0])
    assert changes.seeds_paired
    # Seed 0: +10 and +10 %, seed 1: -10 and -10 %; the baseline of seed 9 does not count.
    assert changes.tasks['saliency'][:2] == pytest.approx((0, math.sqrt(200)), abs=1e-9)
    assert changes.delta_m[:2] == pytest.approx((0, math.sqrt(200)), abs=1e-9)
    half_width = 12.7062047 * 10
    assert changes.delta_m.interval == pytest.approx((-half_width, half_width))
    text = ' '.join(format_tables(comparison).split())
    assert 'a pair each seed with the baseline of that seed' in text
    assert '+0.0 ± 14.1 [-127.1, +127.1]' in text


def test_seeds_are_compared_with_the_mean_if_a_task_lacks_the_baseline_of_a_seed(tmp_path):
    runs = read_seeds(tmp_path / 'all', SEEDS)
    baseline = read_seeds(tmp_path / 'saliency', SALIENCY_ALONE)
    baseline += read_seeds(tmp_path / 'normals', {0: NORMALS_ALONE[0]})
    comparison = compare(runs, ['a', 'a'], baseline)
    changes = find_changes(comparison, comparison.columns[0])
    assert not changes.seeds_paired
    # The mean of the baseline is .45: .55 is 22.2 % more, .36 is 20 % less.
    assert changes.tasks['saliency'].mean == pytest.approx((100 * (0.55 / 0.45 - 1) - 20) / 2)
    assert 'a are against the mean of the baseline' in ' '.join(format_tables(comparison).split())


def test_a_task_that_has_no_change_for_one_seed_is_left_out_for_all(tmp_path):
    runs = read_seeds(tmp_path / 'all', SEEDS)
    baseline = read_seeds(tmp_path / 'saliency', SALIENCY_ALONE | {1: {'saliency': {MAX_F: 0.0}}})
    baseline += read_seeds(tmp_path / 'normals', NORMALS_ALONE)
    comparison = compare(runs, ['a', 'a'], baseline)
    changes = find_changes(comparison, comparison.columns[0])
    assert [*changes.tasks] == ['normals'] and changes.delta_m == changes.tasks['normals']
    assert changes.left_out == {'saliency': 'max F on pascal_s:test is 0 in the baseline'}


def test_a_task_with_several_results_counts_once(tmp_path):
    def read(name: str, voc07: float, voc10: float):
        detection = {'detection_voc07': {VOC07: voc07}, 'detection_voc10': {VOC10: voc10}}
        return read_run(write_run(tmp_path / name, {**detection, 'saliency': {MAX_F: 0.9}}))

    comparison = compare([read('multitask', 0.6, 0.9)], ['multitask'], [read('baseline', 0.5, 0.3)])
    assert mean_changes(comparison) == pytest.approx(
        {'detection': 20, 'saliency': 0, 'delta_m': 10}
    )
    assert 'The change of detection is that of detection_voc07.' in format_tables(comparison)


def test_two_benchmarks_of_a_task_count_as_their_mean(tmp_path):
    runs = []
    for name, first, second in (('multitask', 0.6, 0.8), ('baseline', 0.5, 0.8)):
        folder = write_run(tmp_path / name, {'saliency': {MAX_F: first}, 'normals': {MEAN: 30}})
        ecssd = folder / 'results' / '00000004' / 'ecssd-test-saliency.json'
        report = json.loads((ecssd.parent / 'pascal_s-test-saliency.json').read_text())
        report['scores'][0]['value'] = second
        ecssd.write_text(json.dumps({**report, 'dataset': 'ecssd'}))
        runs.append(read_run(folder))
    comparison = compare(runs[:1], ['multitask'], runs[1:])
    assert mean_changes(comparison) == pytest.approx({'saliency': 10, 'normals': 0, 'delta_m': 5})


def test_a_task_of_a_plugin_need_not_be_registered(tmp_path, capsys):
    run = write_run(tmp_path / 'run', {'how_far': {RMSE: 0.5123, WITHIN: 81.24}, **THREE})
    baseline = [
        write_run(tmp_path / str(seed), {'how_far': {RMSE: rmse, WITHIN: 90.0}}, seed=seed)
        for seed, rmse in enumerate((0.4, 0.6))
    ]
    main([str(run), '--baseline', *map(str, baseline)])
    table = table_rows(capsys.readouterr().out)
    assert table[1:3] == [
        ['how_far', 'custom:test', '5', 'RMSE ↓', '0.500 ± 0.141 m', '0.512 m'],
        ['', '', '', 'within 25 %', '90.0 ± 0.0 %', '81.2 %'],
    ]
    assert ['how_far', '-2.5'] in table  # 0.5123 is worse than 0.5
    assert ['delta_m', '-2.5'] in table


def test_a_task_that_the_baseline_lacks_is_left_out(tmp_path, three, capsys):
    results = {'saliency': {MAX_F: 0.4}, 'detection_voc07': {VOC07: 0.5}}
    baseline = write_run(tmp_path / 'baseline', results)
    main([str(three), '--baseline', str(baseline)])
    text = capsys.readouterr().out
    table = table_rows(text)
    start = table.index(['change against the baseline, %', 'three'])
    assert table[start + 1 : start + 5] == [
        ['segmentation', '-'],
        ['normals', '-'],
        ['saliency', '+50.0'],
        ['delta_m', '+50.0'],
    ]
    assert (
        'delta_m of three leaves out segmentation (not in the baseline), normals (not in the '
        'baseline), detection (only in the baseline).'
    ) in ' '.join(text.split())
    main([str(three), str(three), '--names', 'a', 'b', '--baseline', str(baseline)])
    text = ' '.join(capsys.readouterr().out.split())
    assert 'delta_m of a and b leaves out segmentation (not in the baseline), normals' in text


def test_a_task_on_which_the_baseline_was_not_evaluated_is_left_out(tmp_path, three, capsys):
    baseline = write_run(tmp_path / 'baseline', {'saliency': {MAX_F: 0.4}, 'normals': {MEAN: 30}})
    (baseline / 'results' / '00000004' / 'nyudv2-test-normals.json').unlink()
    for run, base, change, reason in (
        (three, baseline, '+50.0', 'not evaluated in the baseline'),
        (baseline, three, '-33.3', 'evaluated in the baseline only'),
    ):
        main([str(run), '--baseline', str(base)])
        text = capsys.readouterr().out
        assert ['normals', '-'] in table_rows(text) and ['delta_m', change] in table_rows(text)
        assert f'normals ({reason})' in ' '.join(text.split())


def test_a_benchmark_on_which_the_baseline_was_not_evaluated_is_left_out(tmp_path):
    runs = [
        write_run(tmp_path / name, {'saliency': {MAX_F: score}})
        for name, score in (('multitask', 0.6), ('baseline', 0.5))
    ]
    first = runs[0] / 'results' / '00000004' / 'pascal_s-test-saliency.json'
    report = json.loads(first.read_text())
    first.with_name('ecssd-test-saliency.json').write_text(
        json.dumps({**report, 'dataset': 'ecssd'})
    )
    multitask, baseline = map(read_run, runs)
    comparison = compare([multitask], ['multitask'], [baseline])
    assert mean_changes(comparison) == pytest.approx({'saliency': 20, 'delta_m': 20})
    changes = find_changes(comparison, comparison.columns[0])
    assert changes.left_out == {'saliency on ecssd:test': 'not evaluated in the baseline'}


def test_runs_of_a_baseline_must_be_evaluated_on_the_same_benchmarks(tmp_path, three):
    baseline = [write_run(tmp_path / str(seed), THREE, seed=seed) for seed in range(2)]
    (baseline[1] / 'results' / '00000004' / 'nyudv2-test-normals.json').unlink()
    with pytest.raises(UserError, match=rf'{baseline[1]} .*normals on nyudv2:test'):
        main([str(three), '--baseline', *map(str, baseline)])


def test_runs_without_common_tasks_are_an_error(tmp_path, three):
    baseline = write_run(tmp_path / 'baseline', {'detection_voc07': {VOC07: 0.5}})
    with pytest.raises(UserError) as error:
        main([str(three), '--baseline', str(baseline)])
    for part in (str(three), 'normals (not in the baseline)', 'detection (only in the baseline)'):
        assert part in str(error.value)


def test_a_task_that_only_another_column_has_is_not_listed_as_left_out(tmp_path):
    runs = [
        read_run(write_run(tmp_path / name, {'saliency': {MAX_F: 0.5}, **results}))
        for name, results in (('a', {}), ('b', {'how_far': {RMSE: 1.0}}), ('baseline', {}))
    ]
    comparison = compare(runs[:2], ['a', 'b'], runs[2:])
    assert find_changes(comparison, comparison.columns[0]).left_out == {}
    assert find_changes(comparison, comparison.columns[1]).left_out == {
        'how_far': 'not in the baseline'
    }


@pytest.mark.parametrize(
    ('scores', 'baseline_scores', 'reason'),
    [
        ({MIOU: 0.5}, {MIOU: 0.0}, 'mIoU on voc2012:val is 0 in the baseline'),
        ({MIOU: 0.5}, {MIOU: None}, 'mIoU on voc2012:val is undefined'),
        ({MIOU: None}, {MIOU: 0.5}, 'mIoU on voc2012:val is undefined'),
        ({MAE: 0.5}, {MAE: 0.5}, 'without a main score'),
    ],
)
def test_a_score_without_relative_change_is_left_out(tmp_path, scores, baseline_scores, reason):
    results = {'segmentation': scores, 'saliency': {MAX_F: 0.6}}
    baseline_results = {'segmentation': baseline_scores, 'saliency': {MAX_F: 0.5}}
    run = read_run(write_run(tmp_path / 'multitask', results))
    baseline = read_run(write_run(tmp_path / 'baseline', baseline_results))
    comparison = compare([run], ['multitask'], [baseline])
    assert mean_changes(comparison) == pytest.approx({'saliency': 20, 'delta_m': 20})
    text = format_tables(comparison)
    assert ['segmentation', '-'] in table_rows(text)
    assert f'delta_m of multitask leaves out segmentation ({reason}).' in ' '.join(text.split())
