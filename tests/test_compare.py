"""python -m ubernet_jax.compare: tables, errors and output files."""

import dataclasses
import json
import re

import pytest

from helpers.run_folders import (
    BELOW_30,
    MAE,
    MAX_F,
    MEAN,
    MEDIAN,
    MIOU,
    PROVENANCE,
    RMSE,
    table_rows,
    write_log,
    write_run,
)
from ubernet_jax.compare import main
from ubernet_jax.comparison.changes import find_changes
from ubernet_jax.comparison.columns import compare
from ubernet_jax.comparison.markdown import format_score, format_tables
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.comparison.spread import Spread
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Score

SEVEN = {
    'segmentation': {MIOU: 0.55},  # 10 % up
    'normals': {MEAN: 27.0, MEDIAN: 20.0, BELOW_30: 60.0},  # 10 % less error
    'saliency': {MAX_F: 0.6, MAE: 0.1},  # 25 % down
}
ALONE = {
    'normals': {MEAN: 30.0, MEDIAN: 20.0, BELOW_30: 50.0},
    'saliency': {MAX_F: 0.8, MAE: 0.2},
    'segmentation': {MIOU: 0.5},
}


@pytest.fixture
def seven(tmp_path):
    """A run with three tasks."""
    return write_run(tmp_path / 'seven', SEVEN)


@pytest.fixture
def alone(tmp_path):
    """A run for each of these tasks."""
    return [write_run(tmp_path / task, {task: scores}) for task, scores in ALONE.items()]


def test_the_tables(seven, alone, capsys):
    main([str(seven), '--baseline', *map(str, alone)])
    text = capsys.readouterr().out
    table = table_rows(text)
    assert table[0] == ['task', 'benchmark', 'images', 'score', 'baseline (3 runs)', 'seven']
    assert table[1:7] == [  # in the order of the run's tasks, not of the baseline's
        ['segmentation', 'voc2012:val', '5', 'mIoU', '.500', '.550'],
        ['normals', 'nyudv2:test', '5', 'mean angle ↓', '30.0°', '27.0°'],
        ['', '', '', 'median angle ↓', '20.0°', '20.0°'],
        ['', '', '', 'below 30°', '50.0 %', '60.0 %'],
        ['saliency', 'pascal_s:test', '5', 'max F', '.800', '.600'],
        ['', '', '', 'MAE ↓', '.200', '.100'],
    ]
    assert table[7:12] == [
        ['change against the baseline, %', 'seven'],
        ['segmentation', '+10.0'],
        ['normals', '+10.0'],
        ['saliency', '-25.0'],
        ['delta_m', '-1.7'],
    ]
    description = ['tiny', '0', '4', '8', '-', *PROVENANCE.values()]
    assert table[13:] == [['baseline', *description]] * 3 + [['seven', *description]]
    assert '- saliency on pascal_s:test: k: 1' in text
    assert 'leaves out' not in text


def test_seeds_are_shown_as_mean_standard_deviation_and_interval(tmp_path, seven):
    seeds = [
        write_run(tmp_path / f'seed{seed}', {'saliency': {MAX_F: score}}, seed=seed)
        for seed, score in enumerate((0.60, 0.66))
    ]
    comparison = compare([read_run(path) for path in seeds], ['a', 'a'], [read_run(seven)])
    (column,) = comparison.columns
    ((benchmark, _),) = column.runs[0].results.items()
    assert column.score(benchmark, 'max_f')[:2] == pytest.approx((0.63, 0.0424264))
    assert find_changes(comparison, column).delta_m[:2] == pytest.approx((5, 7.0710678))
    text = format_tables(comparison)
    assert ['saliency', 'pascal_s:test', '5', 'max F', '.600', '.630 ± .042'] in table_rows(text)
    # t is 12.706 for two seeds: 12.706 * 7.0710678 / sqrt(2) = 63.53.
    assert ['delta_m', '+5.0 ± 7.1 [-58.5, +68.5]'] in table_rows(text)
    assert 'The changes of a are against the mean' in ' '.join(text.split())
    assert 'a (2 runs)' in text and '± is the standard deviation' in text


def test_different_protocols_are_an_error(tmp_path, seven):
    protocol = {'k': 0.12345678901234567, 'new': 'x'}
    changed = write_run(tmp_path / 'changed', SEVEN, protocol=protocol)
    with pytest.raises(UserError) as error:
        main([str(seven), str(changed)])
    assert 'k: 1, not 0.123457; new: none, not x' in str(error.value)
    for folder in (seven, changed):
        assert str(folder / 'results' / '00000004') in str(error.value)


def test_scores_of_different_presets_are_not_compared(tmp_path):
    runs = [
        str(write_run(tmp_path / preset, SEVEN, protocol={'preset': preset}))
        for preset in ('ours', 'invpt')
    ]
    with pytest.raises(UserError, match='preset: ours, not invpt'):
        main(runs)


def test_numbers_within_a_list_or_an_object_of_a_protocol_are_short(tmp_path, seven):
    protocol = {'k': [0.1 + 0.2, {'x': 1 / 3}]}
    changed = write_run(tmp_path / 'changed', SEVEN, protocol=protocol)
    with pytest.raises(UserError, match=r'k: 1, not \[0\.3, \{"x": 0\.333333\}\]'):
        main([str(seven), str(changed)])


def test_different_numbers_of_images_are_an_error(tmp_path, seven):
    changed = write_run(tmp_path / 'changed', {'saliency': {MAX_F: 0.5}}, images=4)
    with pytest.raises(UserError, match='saliency on pascal_s:test.*images: 4, not 5'):
        main([str(changed), '--baseline', str(seven)])


@pytest.mark.parametrize(
    'change', [{'unit': 'mm'}, {'lower_is_better': False}, {'main': False}], ids=str
)
def test_different_descriptions_of_a_score_are_an_error(tmp_path, change):
    run = write_run(tmp_path / 'run', {'how_far': {RMSE: 0.5}})
    changed_score = dataclasses.replace(RMSE, **change)
    changed = write_run(tmp_path / 'changed', {'how_far': {changed_score: 1}})
    ((field, value),) = change.items()
    difference = f'{field} of rmse: {getattr(RMSE, field)!r}, not {value!r}'
    with pytest.raises(UserError, match=f'how_far on custom:test.*{difference}'):
        main([str(run), str(changed)])


def test_a_missing_result_is_an_error_unless_the_task_was_not_trained(tmp_path, seven, capsys):
    saliency = write_run(tmp_path / 'saliency_only', {'saliency': {MAX_F: 0.5}})
    main([str(seven), str(saliency)])
    assert ['segmentation', 'voc2012:val', '5', 'mIoU', '.550', '-'] in table_rows(
        capsys.readouterr().out
    )
    (seven / 'results' / '00000004' / 'pascal_s-test-saliency.json').unlink()
    with pytest.raises(UserError, match='seven.*saliency on pascal_s:test.*step 4'):
        main([str(seven), str(saliency)])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'seed': 0}, "'a'.*seed 0"),
        ({'seed': 1, 'experiment': 'else'}, "'a'.*experiment.*tiny, else"),
        ({'seed': 1, 'step': 2}, "'a'.*step.*4, 2"),
    ],
)
def test_runs_with_the_same_name_must_be_seeds_of_one_run(tmp_path, seven, change, message):
    changed = write_run(tmp_path / 'changed', SEVEN, **change)
    with pytest.raises(UserError, match=message):
        main([str(seven), str(changed), '--names', 'a', 'a'])


def test_invalid_arguments_are_reported(seven):
    for arguments, message in (
        ([], 'RUN'),
        (['none'], 'none.*exist'),
        ([seven / 'results'], 'is not the folder of a training run'),
        ([seven, '--names', 'a', 'b'], '--names.*2.*1'),
        ([seven, '--baseline', seven, seven.parent / '.' / seven.name], f'{seven} 2 times'),
    ):
        with pytest.raises(UserError, match=message):
            main(list(map(str, arguments)))


def test_notes_report_runs_of_different_lengths(tmp_path, seven):
    long = write_run(tmp_path / 'long', SEVEN, step=6, steps=10)
    text = format_tables(compare([read_run(seven), read_run(long)], ['a', 'b']))
    text = ' '.join(text.split())  # joins wrapped lines
    assert 'different numbers of images' in text
    assert 'long is not finished: step 6 of 10' in text
    text = format_tables(compare([read_run(seven)] * 2, ['a', 'b']))
    assert 'different numbers' not in text and 'not finished' not in text


def test_images_and_minutes_include_all_micro_batches(tmp_path, seven):
    accumulating = write_run(tmp_path / 'accumulating', SEVEN, micro_batches_per_step=3)
    write_log(accumulating, {'step': 4, 'images_per_second': 0.1})
    text = format_tables(compare([read_run(seven), read_run(accumulating)], ['1', '3']))
    provenance = list(PROVENANCE.values())
    assert table_rows(text)[-2:] == [
        ['1', 'tiny', '0', '4', '8', '-', *provenance],
        ['3', 'tiny', '0', '4', '24', '4', *provenance],  # 240 seconds
    ]
    assert 'The runs saw different numbers of images' in text


def test_a_kept_run_is_compared_like_its_folder(tmp_path, seven, capsys):
    main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept = tmp_path / 'kept' / 'seven.json'
    capsys.readouterr()
    main([str(kept), str(seven), '--names', 'a', 'b'])
    table = table_rows(capsys.readouterr().out)
    assert ['saliency', 'pascal_s:test', '5', 'max F', '.600', '.600'] in table


@pytest.mark.parametrize(
    ('unit', 'values', 'text'),
    [
        ('', (0.2862, None), '.286'),
        ('', (1.0, None), '1.000'),
        ('', (0.7, 0.0123), '.700 ± .012'),
        ('°', (28.46, 0.5), '28.5 ± 0.5°'),
        ('%', (63.28, None), '63.3 %'),
        ('m', (0.51234, 0.01), '0.512 ± 0.010 m'),
    ],
)
def test_scores_are_formatted_with_their_units(unit, values, text):
    score = Score(name='score', label='score', unit=unit)
    assert format_score(score, Spread(*values)) == text
    assert format_score(score, None) == '-'


def test_output_files(tmp_path, seven, alone):
    write_log(seven, {'step': 2, 'loss/normals': 1.0, 'images_per_second': 1.0})
    out = tmp_path / 'out'
    main([str(seven), '--baseline', *map(str, alone[:2]), '--out', str(out)])
    assert table_rows((out / 'comparison.md').read_text())[9] == ['normals', '+10.0']
    (column,) = json.loads((out / 'comparison.json').read_text())['columns']
    assert column['change']['delta_m']['mean'] == pytest.approx((10 - 25) / 2)
    assert column['left_out'] == {'segmentation': 'not in the baseline'}
    assert column['runs'][0]['results'][0]['protocol'] == {'k': 1}
    for picture in ('comparison.png', 'changes.png'):
        assert (out / picture).stat().st_size > 10_000
    assert not re.search(r'"(source|path|workdir)"', (out / 'comparison.json').read_text())
