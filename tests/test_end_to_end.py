"""Training, evaluation and prediction as a user runs them, on a folder of tiny scenes."""

import json
import pathlib
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest
from PIL import Image

from helpers import tiny_config
from helpers.paths import ROOT
from ubernet_jax import predict
from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.train import train
from ubernet_jax.weights.trained import open_checkpoint


@pytest.fixture
def config(prepared) -> Config:
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    return config


@pytest.fixture(scope='module')
def run(prepared, tmp_path_factory) -> pathlib.Path:
    """The workdir of a finished run."""
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    workdir = tmp_path_factory.mktemp('run')
    train(config, workdir)
    return workdir


def command(module: str, *arguments: object) -> subprocess.CompletedProcess:
    words = [sys.executable, '-m', f'ubernet_jax.{module}', *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_a_run_leaves_its_log_pictures_settings_and_checkpoints(run):
    lines = [json.loads(line) for line in (run / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == [2, 4, 4, 6]
    assert {'loss/normals', 'updates/shared', 'images_per_second'} <= set(lines[0])
    assert 'segmentation/folder/tiny:test/miou' in lines[2]
    # Six images in batches of two: the trunk's group has updated three times.
    assert lines[-1]['updates/shared'] == 3
    assert sorted(p.name for p in (run / 'pictures').iterdir()) == ['00000004.png', '00000006.png']
    assert json.loads((run / 'config.json').read_text())['name'] == 'tiny'
    # Three are kept.
    assert {'2', '4', '6'} == {p.name for p in (run / 'checkpoints').iterdir()}
    assert list(run.glob('events.out.tfevents.*'))


def test_stopping_and_resuming_changes_no_bit(run, config, tmp_path):
    config.steps = 3
    train(config, tmp_path)
    config.steps = 6
    resumed = train(config, tmp_path)
    straight = open_checkpoint(run)
    assert straight.step == int(resumed.step) == 6
    for ours, theirs in zip(
        jax.tree.leaves((resumed.params, resumed.batch_stats)),
        jax.tree.leaves((straight.params, straight.batch_stats)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_no_step_at_all_saves_the_untrained_network(config, tmp_path):
    config.steps = 0
    train(config, tmp_path)
    assert open_checkpoint(tmp_path).step == 0


def test_classes_that_are_not_those_of_the_data_are_refused_at_once(config, tmp_path):
    config.tasks['segmentation'].classes = ('background', 'first')
    with pytest.raises(UserError, match=r'the classes of the task segmentation are not those'):
        train(config, tmp_path)


def test_sigterm_saves_and_the_same_command_continues(prepared, tmp_path):
    words = [
        sys.executable, '-u', '-m', 'ubernet_jax.train', '--config', 'tests/helpers/tiny_config.py',
        '--workdir', str(tmp_path), f'--config.data.directory={prepared}',
        '--config.steps=100000', '--config.checkpoint_every=100000', '--config.log_every=1',
        '--config.pictures_every=100000', '--config.evaluate_every=100000',
    ]  # fmt: skip
    process = subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not (tmp_path / 'log.jsonl').exists() or not (tmp_path / 'log.jsonl').read_text():
        assert process.poll() is None, process.stdout.read()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert 'the same command continues' in output
    saved = open_checkpoint(tmp_path).step
    words[-4] = f'--config.steps={saved + 1}'
    again = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert f'starting at step {saved}' in again.stdout


def test_a_loss_that_is_not_finite_stops_the_run_and_names_step_and_images(config, tmp_path):
    config.optim.shared.learning_rate = 1e30
    with pytest.raises(UserError, match=r'step \d+: .* not finite .*folder/tiny:\d.*checkpoint'):
        train(config, tmp_path)
    last_good = open_checkpoint(tmp_path)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(last_good.batch_stats))


def test_a_workdir_of_another_configuration_is_refused(run, config):
    config.tasks['normals'].weight = 2.0
    with pytest.raises(UserError, match=r'tasks\.normals\.weight: 2\.0, not 1\.0'):
        train(config, run)


def test_evaluate_writes_one_json_a_benchmark_with_its_protocol(run, tmp_path):
    done = command('evaluate', '--checkpoint', run, '--out', tmp_path)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in tmp_path.iterdir()} == {
        'folder_tiny-test-normals.json',
        'folder_tiny-test-segmentation.json',
    }
    report = json.loads((tmp_path / 'folder_tiny-test-normals.json').read_text())
    assert report['images'] == 2 and report['step'] == 6 and report['protocol']
    assert (report['task'], report['result']) == ('normals', 'normals')
    (main,) = (score for score in report['scores'] if score['main'])
    assert main['value'] == report['mean'] and 0 < report['mean'] < 180
    assert 'mIoU' in done.stdout and f'mean angle {report["mean"]:.1f}°' in done.stdout


def test_predict_writes_pictures_and_arrays_from_every_kind_of_checkpoint(run, tmp_path):
    photographs = {'grey': (9, 14), 'wide': (40, 90, 3), 'dot': (1, 1, 3)}
    for name, shape in photographs.items():
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'{name}.png')
    exported = tmp_path / 'shared' / 'tiny.safetensors'
    done = command('weights', 'export', '--checkpoint', run, '--out', exported)
    assert done.returncode == 0, done.stderr
    files = [tmp_path / f'{name}.png' for name in photographs]
    results = []
    for checkpoint in (run, run / 'checkpoints' / '6', exported):
        out = tmp_path / f'out{len(results)}'
        done = command('predict', '--checkpoint', checkpoint, *files, '--out', out)
        assert done.returncode == 0, done.stderr
        results.append(np.load(out / 'wide' / 'predictions.npz'))
    assert {p.name for p in (out / 'dot').iterdir()} == {
        'normals.png', 'segmentation.png', 'sheet.png', 'predictions.npz',
    }  # fmt: skip
    for name, shape in photographs.items():
        arrays = np.load(out / name / 'predictions.npz')
        assert arrays['normals'].shape == (*shape[:2], 3)
        assert arrays['segmentation'].shape == shape[:2]
        np.testing.assert_allclose(np.linalg.norm(arrays['normals'], axis=-1), 1, atol=1e-5)
    for other in results[1:]:
        np.testing.assert_array_equal(other['normals'], results[0]['normals'])


def test_the_quickstart_in_small(tmp_path):
    """Its commands, with a narrow network for a few steps."""
    prepared, run = tmp_path / 'prepared', tmp_path / 'run'
    done = command('prepare', 'synthetic', '--directory', prepared)
    assert done.returncode == 0, done.stderr
    done = command(
        'train', '--config', 'configs/quickstart.py', '--workdir', run,
        f'--config.data.directory={prepared}', '--config.images=8',
        '--config.data.images_per_micro_batch=2',
        '--config.model.width=0.03125', '--config.model.scales=1',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '4 steps, 0.03 epochs of 120, 8 images' in done.stdout
    tasks = open_checkpoint(run).config.tasks
    for name in ('segmentation', 'parts', 'semantic_boundaries'):  # the data's classes
        assert tasks[name].classes == STANDARD[name].classes
    done = command('evaluate', '--checkpoint', run, '--limit', 1)
    assert done.returncode == 0, done.stderr
    results = {path.name for path in (run / 'results' / '00000004-limit1').iterdir()}
    assert results == {f'synthetic-test-{name}.json' for name in tasks}
    done = command('predict', '--checkpoint', run, 'docs/scene.png', '--out', tmp_path / 'out')
    assert done.returncode == 0, done.stderr
    assert {f'{name}.png' for name in tasks} < {p.name for p in (tmp_path / 'out/scene').iterdir()}


@pytest.mark.parametrize(
    ('module', 'arguments', 'message'),
    [
        ('train', ['--config.model.widht=2'], "model has no 'widht'; it has trunk, width"),
        ('train', ['--config.model.scales=7'], 'model.scales is 7, but must be 1, 2 or 3'),
        ('train', ['--config.tasks.depth.weight=1'], "has no 'depth'; it has normals, segmentati"),
        ('train', ['--plugin', 'no_such_module'], '--plugin no_such_module: the module cannot be'),
        ('train', ['--config.data.train[0].name=imagenet'], 'unknown dataset'),
        ('train', ['--config.data.directory=nowhere'], 'ubernet_jax.prepare folder/tiny'),
        ('predict', ['--checkpoint', 'nowhere', 'a.png', '--out', 'out'], 'holds no checkpoint'),
        ('evaluate', ['--checkpoint', 'a.safetensors'], 'cannot be read'),
        ('evaluate', ['--checkpoint', 'a', '--limit', '0'], 'not a whole number above 0'),
    ],
)
def test_a_mistake_ends_with_a_message_and_exit_code_2(module, arguments, message, tmp_path):
    if module == 'train':
        arguments = ['--config', 'tests/helpers/tiny_config.py', '--workdir', tmp_path, *arguments]
    done = command(module, *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and 'Traceback' not in done.stderr


def test_a_broken_config_file_is_a_message(tmp_path):
    path = tmp_path / 'broken.py'
    path.write_text('def get_config():\n    return 1 / 0')
    done = command('train', '--config', path, '--workdir', tmp_path / 'run')
    assert done.returncode == 2 and 'broken.py:2' in done.stderr, done.stderr
    assert 'Traceback' not in done.stderr and not (tmp_path / 'run').exists()


def test_a_config_that_is_not_there_is_a_message(tmp_path):
    for name in ('configs/none.py', 'configs/none.py:variant'):
        done = command('train', '--config', name, '--workdir', tmp_path / 'run')
        assert done.returncode == 2 and 'there is no file configs/none.py' in done.stderr
    done = command('train', '--config', 'configs/quickstart.py:big', '--workdir', tmp_path / 'run')
    assert done.returncode == 2 and 'takes 0 positional arguments' in done.stderr
    assert 'Traceback' not in done.stderr


def test_predict_takes_folders_and_leaves_out_what_is_no_picture(run, tmp_path, monkeypatch):
    photographs = tmp_path / 'photographs'
    photographs.mkdir()
    Image.new('RGB', (40, 33), 'red').save(photographs / 'red.jpg')
    (photographs / 'broken.jpg').write_bytes(b'no picture')
    (photographs / 'notes.txt').write_text('not looked at')
    out = tmp_path / 'out'
    words = ['predict', '--checkpoint', str(run), str(photographs), '--out', str(out)]
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(UserError, match=r'1 files were left out\n.*broken\.jpg: cannot be read'):
        predict.main()
    assert [folder.name for folder in out.iterdir()] == ['red']


def test_a_workdir_that_no_checkpoint_can_be_saved_in_is_refused_at_once(tmp_path):
    for name, message in (('\udcff', 'no checkpoint can be saved'), ('file', 'a folder is needed')):
        (tmp_path / 'file').touch()
        done = command(
            'train', '--config', 'tests/helpers/tiny_config.py', '--workdir', tmp_path / name
        )
        assert done.returncode == 2 and message in done.stderr, done.stderr
        assert 'Traceback' not in done.stderr


def test_a_missing_config_is_asked_for(tmp_path):
    done = command('train', '--workdir', tmp_path)
    assert done.returncode == 2 and '--config is missing' in done.stderr


def test_an_unknown_task_is_refused_and_the_known_ones_are_listed(run, monkeypatch, tmp_path):
    words = [
        'predict',
        '--checkpoint',
        str(run),
        'x.png',
        '--out',
        str(tmp_path),
        '--tasks',
        'depth',
    ]
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(UserError, match='unknown task depth: this network has normals, segm'):
        predict.main()


def test_two_photographs_of_one_name_are_refused(run, monkeypatch, tmp_path):
    words = ['predict', '--checkpoint', str(run), 'a/x.png', 'b/x.png', '--out', str(tmp_path)]
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(UserError, match='would both be written'):
        predict.main()
