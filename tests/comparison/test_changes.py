"""Changes against a baseline: which score counts, which tasks, and delta_m."""

import json

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
from ubernet_jax.comparison.runs import read_run
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
    """Of the first column."""
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
    singles = {one.name: next(one.rglob('results/*/*.json')) for one in alone}
    assert changes['delta_m'] == pytest.approx(delta_m(files, singles).delta_m)


def test_a_baseline_of_several_seeds_is_their_mean(tmp_path):
    baseline = [
        read_run(write_run(tmp_path / str(seed), {'saliency': {MAX_F: score}}, seed=seed))
        for seed, score in enumerate((0.4, 0.6))
    ]
    ours = read_run(write_run(tmp_path / 'ours', {'saliency': {MAX_F: 0.6}}))
    comparison = compare([ours], ['ours'], baseline)
    assert mean_changes(comparison) == pytest.approx({'saliency': 20, 'delta_m': 20})


def test_a_task_counts_once_whatever_its_results(tmp_path):
    detection = {'detection_voc07': {VOC07: 0.6}, 'detection_voc10': {VOC10: 0.9}}
    ours = read_run(write_run(tmp_path / 'ours', {**detection, 'saliency': {MAX_F: 0.9}}))
    theirs = {'detection_voc07': {VOC07: 0.5}, 'detection_voc10': {VOC10: 0.3}}
    theirs = read_run(write_run(tmp_path / 'theirs', {**theirs, 'saliency': {MAX_F: 0.9}}))
    comparison = compare([ours], ['ours'], [theirs])
    assert mean_changes(comparison) == pytest.approx(
        {'detection': 20, 'saliency': 0, 'delta_m': 10}
    )
    assert 'Of detection it takes detection_voc07.' in format_tables(comparison)


def test_two_benchmarks_of_a_task_count_as_their_mean(tmp_path):
    runs = []
    for name, first, second in (('ours', 0.6, 0.8), ('theirs', 0.5, 0.8)):
        folder = write_run(tmp_path / name, {'saliency': {MAX_F: first}, 'normals': {MEAN: 30}})
        other = folder / 'results' / '00000004' / 'ecssd-test-saliency.json'
        report = json.loads((other.parent / 'pascal_s-test-saliency.json').read_text())
        report['scores'][0]['value'] = second
        other.write_text(json.dumps({**report, 'dataset': 'ecssd'}))
        runs.append(read_run(folder))
    comparison = compare(runs[:1], ['ours'], runs[1:])
    assert mean_changes(comparison) == pytest.approx({'saliency': 10, 'normals': 0, 'delta_m': 5})


def test_a_task_of_the_users_own_needs_no_registration(tmp_path, capsys):
    ours = write_run(tmp_path / 'ours', {'how_far': {RMSE: 0.5123, WITHIN: 81.24}, **THREE})
    baseline = [
        write_run(tmp_path / str(seed), {'how_far': {RMSE: rmse, WITHIN: 90.0}}, seed=seed)
        for seed, rmse in enumerate((0.4, 0.6))
    ]
    main([str(ours), '--baseline', *map(str, baseline)])
    table = table_rows(capsys.readouterr().out)
    assert table[1:3] == [
        ['how_far', 'own:test', '5', 'RMSE ↓', '0.500 ± 0.141 m', '0.512 m'],
        ['', '', '', 'within 25 %', '90.0 ± 0.0 %', '81.2 %'],
    ]
    assert ['how_far', '-2.5'] in table  # 0.5123 is worse than 0.5
    assert ['delta_m', '-2.5'] in table


def test_a_task_that_the_baseline_lacks_is_left_out(tmp_path, three, capsys):
    both = write_run(tmp_path / 'both', {'saliency': {MAX_F: 0.4}, 'detection_voc07': {VOC07: 0.5}})
    main([str(three), '--baseline', str(both)])
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
    main([str(three), str(three), '--names', 'a', 'b', '--baseline', str(both)])
    text = ' '.join(capsys.readouterr().out.split())
    assert 'delta_m of a and b leaves out segmentation (not in the baseline), normals' in text


def test_nothing_to_compare_is_refused(tmp_path, three):
    other = write_run(tmp_path / 'other', {'detection_voc07': {VOC07: 0.5}})
    with pytest.raises(UserError) as error:
        main([str(three), '--baseline', str(other)])
    assert f'{three} and the baseline have nothing to compare' in str(error.value)
    assert 'normals (not in the baseline)' in str(error.value)
    assert 'detection (only in the baseline)' in str(error.value)


def test_a_task_that_another_column_has_is_no_ones_omission(tmp_path):
    runs = [
        read_run(write_run(tmp_path / name, {'saliency': {MAX_F: 0.5}, **more}))
        for name, more in (('a', {}), ('b', {'how_far': {RMSE: 1.0}}), ('base', {}))
    ]
    comparison = compare(runs[:2], ['a', 'b'], runs[2:])
    assert find_changes(comparison, comparison.columns[0]).left_out == {}
    assert find_changes(comparison, comparison.columns[1]).left_out == {
        'how_far': 'not in the baseline'
    }


@pytest.mark.parametrize(
    ('ours', 'theirs', 'reason'),
    [
        ({MIOU: 0.5}, {MIOU: 0.0}, 'mIoU on voc2012:val is 0 in the baseline'),
        ({MIOU: 0.5}, {MIOU: None}, 'mIoU on voc2012:val is undefined'),
        ({MIOU: None}, {MIOU: 0.5}, 'mIoU on voc2012:val is undefined'),
        ({MAE: 0.5}, {MAE: 0.5}, 'without a main score'),
    ],
)
def test_a_score_without_relative_change_is_left_out(tmp_path, ours, theirs, reason):
    ours, theirs = (
        read_run(write_run(tmp_path / name, {'segmentation': scores, 'saliency': {MAX_F: max_f}}))
        for name, scores, max_f in (('ours', ours, 0.6), ('theirs', theirs, 0.5))
    )
    comparison = compare([ours], ['ours'], [theirs])
    assert mean_changes(comparison) == pytest.approx({'saliency': 20, 'delta_m': 20})
    text = format_tables(comparison)
    assert ['segmentation', '-'] in table_rows(text)
    assert f'delta_m of ours leaves out segmentation ({reason}).' in ' '.join(text.split())
