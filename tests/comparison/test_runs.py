"""Reading runs from their folders and from kept files."""

import json

import pytest

from helpers.run_folders import (
    BELOW_30,
    MAE,
    MAX_F,
    MEAN,
    MIOU,
    PROVENANCE,
    write_image_scores,
    write_log,
    write_run,
)
from ubernet_jax.compare import main
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.comparison.workdir import Settings, read_settings
from ubernet_jax.config import Config, DataConfig
from ubernet_jax.config.serialization import to_json
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.image_scores import ImageScores
from ubernet_jax.tasks import PAPER

RESULTS = {
    'segmentation': {MIOU: 0.55},
    'normals': {MEAN: 27.0, BELOW_30: None},
    'saliency': {MAX_F: 0.6, MAE: 0.1},
}


@pytest.fixture
def seven(tmp_path):
    """A run."""
    return write_run(tmp_path / 'seven', RESULTS)


def test_files_that_cannot_be_read_are_reported(seven):
    full, subset = seven / 'results' / '00000004', seven / 'results' / '00000004-limit2'
    full.rename(subset)
    with pytest.raises(UserError, match=r'evaluate --checkpoint .*seven;.*00000004-limit2'):
        read_run(seven)
    assert (read_run(subset).step, read_run(subset).name) == (4, 'seven-00000004-limit2')
    (seven / 'log.jsonl').write_text('{"step": 1}\n{"st')
    with pytest.raises(UserError, match=r'log\.jsonl:2.*JSON'):
        read_run(subset)
    subset = subset.rename(subset.with_name('best'))
    with pytest.raises(UserError, match='best.*RUN/results/STEP'):
        read_run(subset)
    (seven / 'config.json').unlink()
    with pytest.raises(UserError, match=r'config\.json.*exist'):
        read_run(subset)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'dataset': None}, "'dataset'.*null"),
        ({'images': 0.12345678901234567}, r"'images'.*0\.123457$"),
        ({'task': 7}, "'task'.*7"),
        ({'result': []}, r"'result'.*\[\]"),
        ({'scores': [{'name': 'rmse'}]}, 'score 0.*name, label and unit'),
        ({'main': 1}, 'score 1.*main.*"main": 1'),
        ({'name': 'max_f'}, 'two scores.*name'),
        ({'main': True}, 'several.*main'),
        ({'value': 'x'}, "score 1, 'mae'.*value"),
        ({'value': float('nan')}, "score 1, 'mae'.*value"),
        ({'value': 10**400}, "score 1, 'mae'.*value"),
    ],
)
def test_an_invalid_result_is_an_error(seven, change, message):
    file = seven / 'results' / '00000004' / 'pascal_s-test-saliency.json'
    report = json.loads(file.read_text())
    ((field, value),) = change.items()
    (report if field in report else report['scores'][1])[field] = value
    file.write_text(json.dumps(report))
    with pytest.raises(UserError, match=f'{file}.*{message}'):
        read_run(seven)


def test_the_newest_results_are_read(tmp_path):
    write_run(tmp_path / 'long', RESULTS, step=2, steps=10)
    long = write_run(tmp_path / 'long', RESULTS, step=6, steps=10)
    assert read_run(long).step == 6
    assert read_run(long / 'results' / '00000002').step == 2


def test_training_time_is_up_to_the_step_of_the_scores(seven):
    write_log(
        seven,
        {'step': 2, 'images_per_second': 0.01, 'loss/normals': 1.0},
        {'step': 2, 'normals/nyudv2:test/mean': 40.0},
        {'step': 4, 'images_per_second': 9.0},  # then the run was killed and resumed from step 2
        {'step': 4, 'images_per_second': 0.02},
        {'step': 6, 'images_per_second': 0.01},
    )
    assert read_run(seven).seconds == 2 * 2 / 0.01 + 2 * 2 / 0.02


def test_all_micro_batches_of_a_step_count(tmp_path):
    folder = write_run(tmp_path / 'run', RESULTS, micro_batches_per_step=3)
    write_log(folder, {'step': 2, 'images_per_second': 0.5}, {'step': 4, 'images_per_second': 0.25})
    run = read_run(folder)
    assert run.images_seen == 4 * 2 * 3
    assert run.seconds == 2 * 6 / 0.5 + 2 * 6 / 0.25


@pytest.mark.parametrize('speed', [0, float('nan')])
def test_log_lines_without_a_speed_are_ignored(seven, speed):
    write_log(seven, {'step': 2, 'images_per_second': speed}, {'step': 4, 'images_per_second': 2})
    assert read_run(seven).seconds == 4 * 2 / 2


def test_settings_are_read_from_the_configuration_that_training_writes(tmp_path):
    config = Config(
        name='tiny',
        seed=3,
        steps=7,
        tasks={'b': PAPER['normals'](), 'a': PAPER['saliency']()},
        data=DataConfig(images_per_micro_batch=2, micro_batches_per_step=4),
    )
    file = tmp_path / 'config.json'
    file.write_text(json.dumps(to_json(config)))
    assert read_settings(tmp_path) == Settings('tiny', 3, 7, ('b', 'a'), 8)
    for change, message in (
        ({'steps': None}, "'steps'.*null"),
        ({'seed': True}, "'seed'.*true"),
        ({'data': {'images_per_micro_batch': 2}}, "data.*'micro_batches_per_step'"),
        ({'tasks': ['a']}, r"'tasks'.*\[\"a\"\]"),
    ):
        file.write_text(json.dumps({**to_json(config), **change}))
        with pytest.raises(UserError, match=rf'config\.json.*{message}'):
            read_settings(tmp_path)


def test_a_kept_run_can_be_read(tmp_path, seven):
    main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept = tmp_path / 'kept' / 'seven.json'
    assert read_run(kept).to_json() == read_run(seven).to_json()
    kept_scores, scores = (
        [(benchmark, result.scores) for benchmark, result in read_run(path).results.items()]
        for path in (kept, seven)
    )
    assert kept_scores == scores
    assert read_run(kept).provenance == PROVENANCE
    (seven / 'provenance.json').unlink()
    with pytest.raises(UserError, match=r'seven.*command, commit, machine.*provenance\.json'):
        main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept.write_text('{"results": []}')
    with pytest.raises(UserError, match=r"seven\.json.*--keep.*'experiment'"):
        read_run(kept)


def test_scores_of_images_are_read_and_kept(tmp_path, seven):
    write_image_scores(seven, 'normals', MEAN, {'a': 30.0, 'b': 24.12345})
    run = read_run(seven)
    by_result = {benchmark.result: scores for benchmark, scores in run.results.items()}
    assert by_result['normals'].image_scores == ImageScores(
        score=MEAN, values={'a': 30.0, 'b': 24.12345}
    )
    assert by_result['saliency'].image_scores is None
    main([str(seven), '--keep', str(tmp_path)])
    kept = read_run(tmp_path / 'seven.json')
    assert kept.to_json() == run.to_json()
    for benchmark, scores in kept.results.items():
        assert scores.image_scores == run.results[benchmark].image_scores


def test_invalid_scores_of_images_are_an_error(tmp_path, seven):
    write_image_scores(seven, 'normals', MEAN, {'a': 30.0})
    main([str(seven), '--keep', str(tmp_path)])
    file = seven / 'results' / '00000004' / 'image_scores' / 'nyudv2-test-normals.json'
    file.write_text(file.read_text().replace('30.0', '"x"'))
    kept = tmp_path / 'seven.json'
    kept.write_text(kept.read_text().replace('"a": 30.0', '"a": null'))
    for path, source in ((seven, f'{file}'), (kept, f'{kept}: normals on nyudv2:test')):
        with pytest.raises(UserError, match=f"{source}: the value of 'a'"):
            read_run(path)


def test_scores_without_descriptions_are_an_error(tmp_path, seven):
    main([str(seven), '--keep', str(tmp_path)])
    kept = tmp_path / 'seven.json'
    plain = json.loads(kept.read_text())
    plain['results'][0]['scores'] = {'miou': 0.5}
    del plain['results'][0]['task']
    kept.write_text(json.dumps(plain))
    result = seven / 'results' / '00000004' / 'pascal_s-test-saliency.json'
    report = json.loads(result.read_text())
    del report['result'], report['scores']
    result.write_text(json.dumps({**report, 'max_f': 0.5}))
    for path, file in ((kept, kept), (seven, result)):
        with pytest.raises(UserError, match=rf"{file}.*'scores'.*0\.2"):
            read_run(path)
