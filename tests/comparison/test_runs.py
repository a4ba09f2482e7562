"""Reading runs: from their folders, and from files that were kept of them."""

import json

import pytest

from helpers.run_folders import BELOW_30, MAE, MAX_F, MEAN, MIOU, PROVENANCE, write_log, write_run
from ubernet_jax.compare import main
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.comparison.workdir import Settings, read_settings
from ubernet_jax.config import Config, DataConfig
from ubernet_jax.config.serialization import to_json
from ubernet_jax.errors import UserError
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


def test_what_cannot_be_read_is_named(seven):
    whole, part = seven / 'results' / '00000004', seven / 'results' / '00000004-limit2'
    whole.rename(part)
    with pytest.raises(UserError, match=r'evaluate --checkpoint .*seven; or .*00000004-limit2'):
        read_run(seven)
    assert (read_run(part).step, read_run(part).name) == (4, 'seven-00000004-limit2')
    (seven / 'log.jsonl').write_text('{"step": 1}\n{"st')
    with pytest.raises(UserError, match='log.jsonl:2 is not JSON'):
        read_run(part)
    part = part.rename(part.with_name('best'))
    with pytest.raises(UserError, match='best is not RUN/results/STEP'):
        read_run(part)
    (seven / 'config.json').unlink()
    with pytest.raises(UserError, match='config.json does not exist'):
        read_run(part)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'dataset': None}, "is not a result of evaluate: its 'dataset' must be a text, not null"),
        (
            {'images': 0.12345678901234567},
            "is not a result of evaluate: its 'images' must be a whole number, not 0.123457$",
        ),
        ({'task': 7}, "is not a result of evaluate: its 'task' must be a text, not 7"),
        ({'result': []}, r"is not a result of evaluate: its 'result' must be a text, not \[\]"),
        ({'scores': [{'name': 'rmse'}]}, 'score 0 must have texts as name, label and unit'),
        ({'main': 1}, 'score 1 must have .* true or false as lower_is_better and main, not'),
        ({'name': 'max_f'}, 'has two scores of one name'),
        ({'main': True}, 'marks several scores as main'),
        ({'value': 'x'}, "score 1, 'mae', has no number or null as its value"),
        ({'value': float('nan')}, "score 1, 'mae', has no number or null as its value"),
        ({'value': 10**400}, "score 1, 'mae', has no number or null as its value"),
    ],
)
def test_a_result_that_is_none_is_refused(seven, change, message):
    file = seven / 'results' / '00000004' / 'pascal_s-test-saliency.json'
    report = json.loads(file.read_text())
    ((field, value),) = change.items()
    (report if field in report else report['scores'][1])[field] = value
    file.write_text(json.dumps(report))
    with pytest.raises(UserError, match=f'{file}.*{message}'):
        read_run(seven)


def test_the_newest_results_count(tmp_path):
    write_run(tmp_path / 'long', RESULTS, step=2, steps=10)
    long = write_run(tmp_path / 'long', RESULTS, step=6, steps=10)
    assert read_run(long).step == 6
    assert read_run(long / 'results' / '00000002').step == 2


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


def test_all_micro_batches_of_a_step_count(tmp_path):
    folder = write_run(tmp_path / 'run', RESULTS, micro_batches_per_step=3)
    write_log(folder, {'step': 2, 'images_per_second': 0.5}, {'step': 4, 'images_per_second': 0.25})
    run = read_run(folder)
    assert run.images_seen == 4 * 2 * 3
    assert run.seconds == 2 * 6 / 0.5 + 2 * 6 / 0.25


@pytest.mark.parametrize('speed', [0, float('nan')])
def test_a_line_without_a_speed_tells_no_time(seven, speed):
    write_log(seven, {'step': 2, 'images_per_second': speed}, {'step': 4, 'images_per_second': 2})
    assert read_run(seven).seconds == 4 * 2 / 2


def test_the_settings_are_those_that_training_writes(tmp_path):
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
        ({'steps': None}, "its 'steps' must be a whole number, not null"),
        ({'seed': True}, "its 'seed' must be a whole number, not true"),
        ({'data': {'images_per_micro_batch': 2}}, "data: it has no 'micro_batches_per_step'"),
        ({'tasks': ['a']}, r"its 'tasks' must be an object, not \[\"a\"\]"),
    ):
        file.write_text(json.dumps({**to_json(config), **change}))
        with pytest.raises(UserError, match=f'config.json is not the configuration .*{message}'):
            read_settings(tmp_path)


def test_a_kept_run_is_read_back(tmp_path, seven):
    main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept = tmp_path / 'kept' / 'seven.json'
    assert read_run(kept).to_json() == read_run(seven).to_json()
    ours, theirs = (list(read_run(path).results.items()) for path in (kept, seven))
    assert [(one, scored.scores) for one, scored in ours] == [
        (one, scored.scores) for one, scored in theirs
    ]
    assert read_run(kept).provenance == PROVENANCE
    (seven / 'provenance.json').unlink()
    with pytest.raises(UserError, match='seven does not say its command, commit, machine'):
        main([str(seven), '--keep', str(tmp_path / 'kept')])
    kept.write_text('{"results": []}')
    with pytest.raises(UserError, match='seven.json is not a run that compare --keep wrote'):
        read_run(kept)


def test_scores_that_do_not_describe_themselves_are_refused(tmp_path, seven):
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
        with pytest.raises(UserError) as error:
            read_run(path)
        assert str(error.value).startswith(f'{file} does not describe its scores')
        assert 'a version before 0.2. Evaluate the network again' in str(error.value)
