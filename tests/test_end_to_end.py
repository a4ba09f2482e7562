"""Training, evaluation and prediction as a user runs them, on a folder of tiny scenes."""

import json
import pathlib
import shutil
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from helpers import tiny_config
from helpers.commands import call_main, call_train
from helpers.moments import last_step, wait_until
from helpers.networks import read_state
from helpers.paths import ROOT
from helpers.shared import make_once
from helpers.training import finish, start_training
from ubernet_jax import evaluate, predict, prepare
from ubernet_jax.config import Config
from ubernet_jax.datasets.builders import synthetic
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.network import SHARED
from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.weights.__main__ import main as weights_main
from ubernet_jax.weights.trained import open_checkpoint

slow = pytest.mark.slow


@pytest.fixture
def config(prepared) -> Config:
    return make_config(prepared)


def make_config(prepared: pathlib.Path) -> Config:
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    return config


@pytest.fixture(scope='session')
def run(prepared, tmp_path_factory) -> pathlib.Path:
    """The workdir of a finished run; tests must not change it."""
    return make_once(
        tmp_path_factory, 'tiny_run', lambda workdir: train(make_config(prepared), workdir)
    )


@slow
def test_a_run_writes_log_pictures_settings_and_checkpoints(run):
    lines = [json.loads(line) for line in (run / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == [2, 4, 4, 6]
    assert {'loss/normals', 'updates/shared', 'images_per_second'} <= set(lines[0])
    assert 'segmentation/folder/tiny:test/miou' in lines[2]
    # Six images in batches of two: the group of the trunk has updated three times.
    assert lines[-1]['updates/shared'] == 3
    assert sorted(p.name for p in (run / 'pictures').iterdir()) == ['00000004.png', '00000006.png']
    assert json.loads((run / 'config.json').read_text())['name'] == 'tiny'
    # Three checkpoints are kept.
    assert {'2', '4', '6'} == {p.name for p in (run / 'checkpoints').iterdir()}
    assert list(run.glob('events.out.tfevents.*'))


@slow
def test_a_resumed_run_ends_with_the_same_bits(run, config, tmp_path):
    workdir = shutil.copytree(run, tmp_path / 'run')
    for step in ('4', '6'):
        shutil.rmtree(workdir / 'checkpoints' / step)
    train(config, workdir)
    jax.tree.map(np.testing.assert_array_equal, read_state(workdir), read_state(run))


@slow
def test_a_run_of_no_steps_saves_the_untrained_network(config, tmp_path):
    config.steps = 0
    train(config, tmp_path)
    assert open_checkpoint(tmp_path).step == 0


def test_classes_that_differ_from_those_of_the_data_are_refused_at_once(config, tmp_path):
    config.tasks['segmentation'].classes = ('background', 'first')
    with pytest.raises(UserError, match=r'segmentation(.|\n)*background, first'):
        train(config, tmp_path)


@slow
def test_sigterm_saves_and_the_same_command_continues(prepared, config, tmp_path, capsys):
    process = start_training(
        prepared, tmp_path, '--config.steps=100000', '--config.checkpoint_every=100000',
        '--config.log_every=1',
    )  # fmt: skip
    wait_until(lambda: last_step(tmp_path) > 0, process)
    process.send_signal(signal.SIGTERM)
    (output,) = finish(process)
    saved = open_checkpoint(tmp_path).step
    assert f'step {saved}' in output and 'same command' in output
    config.steps = saved + 1
    assert int(train(config, tmp_path).step) == saved + 1
    assert f'starting at step {saved}' in capsys.readouterr().out


@slow
def test_a_loss_that_is_not_finite_ends_the_run_with_its_step_and_images(run, config, tmp_path):
    """The large momentum makes the activations of the trunk overflow after the update of step 8."""

    def enlarge(leaf: jax.Array) -> jax.Array:
        return jnp.full_like(leaf, -1e36) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    state = read_state(run)
    trunk = state.groups[SHARED]
    trunk = trunk._replace(inner=jax.tree.map(enlarge, trunk.inner))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state.replace(groups={**state.groups, SHARED: trunk}), config)
    checkpoints.finish()
    config.steps, config.pictures_every, config.evaluate_every = 12, 1000, 1000
    with pytest.raises(UserError, match=r'step 9\b.*folder/tiny:\d.*step 8\b'):
        train(config, tmp_path)
    last_good = open_checkpoint(tmp_path)
    assert last_good.step == 8
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(last_good.batch_stats))


@slow
def test_a_workdir_of_another_configuration_is_refused(run, config):
    config.tasks['normals'].weight = 2.0
    with pytest.raises(UserError, match=r'tasks\.normals\.weight.*2\.0.*1\.0'):
        train(config, run)


@slow
def test_evaluate_writes_a_json_file_for_each_benchmark_with_its_protocol(run, tmp_path, capsys):
    call_main(evaluate.main, '--checkpoint', run, '--out', tmp_path)
    output = capsys.readouterr().out
    assert {p.name for p in tmp_path.glob('*.json')} == {
        'folder_tiny-test-normals.json',
        'folder_tiny-test-segmentation.json',
    }
    report = json.loads((tmp_path / 'folder_tiny-test-normals.json').read_text())
    assert report['images'] == 2 and report['step'] == 6 and report['protocol']
    assert (report['task'], report['result']) == ('normals', 'normals')
    (main,) = (score for score in report['scores'] if score['main'])
    assert main['value'] == report['mean'] and 0 < report['mean'] < 180
    assert 'mIoU' in output and f'mean angle {report["mean"]:.1f}°' in output


@slow
def test_predict_writes_pictures_and_arrays_from_every_kind_of_checkpoint(run, tmp_path):
    photographs = {'grey': (9, 14), 'wide': (40, 90, 3), 'dot': (1, 1, 3)}
    for name, shape in photographs.items():
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'{name}.png')
    exported, out = tmp_path / 'shared' / 'tiny.safetensors', tmp_path / 'out'
    call_main(weights_main, 'export', '--checkpoint', run, '--out', exported)
    files = [tmp_path / f'{name}.png' for name in photographs]
    call_main(predict.main, '--checkpoint', exported, *files, '--arrays', '--out', out)
    assert {p.name for p in (out / 'dot').iterdir()} == {
        'normals.png', 'segmentation.png', 'segmentation.index.png', 'sheet.png',
        'predictions.npz',
    }  # fmt: skip
    for name, shape in photographs.items():
        arrays = np.load(out / name / 'predictions.npz')
        assert arrays['normals'].shape == (*shape[:2], 3)
        assert arrays['segmentation'].shape == shape[:2]
        np.testing.assert_allclose(np.linalg.norm(arrays['normals'], axis=-1), 1, atol=1e-3)
    wanted = np.load(out / 'wide' / 'predictions.npz')['normals']
    for checkpoint in (run, run / 'checkpoints' / '6'):
        out = tmp_path / f'out_{checkpoint.name}'
        wide = tmp_path / 'wide.png'
        call_main(predict.main, '--checkpoint', checkpoint, wide, '--arrays', '--out', out)
        actual = np.load(out / 'wide' / 'predictions.npz')['normals']
        np.testing.assert_array_equal(actual, wanted)


@slow
def test_the_quickstart_in_small(tmp_path, monkeypatch, capsys):
    """The commands of the quickstart, with few scenes and a narrow network for a few steps."""
    scenes = {'train': range(8), 'test': range(10_000, 10_002)}
    monkeypatch.setattr(synthetic, 'SEEDS', scenes)
    prepared, run = tmp_path / 'prepared', tmp_path / 'run'
    prepare.main(['synthetic', '--directory', str(prepared), '--workers', '1'])
    capsys.readouterr()
    call_train(
        '--config', ROOT / 'configs' / 'quickstart.py', '--workdir', run,
        f'--config.data.directory={prepared}', '--config.images=8',
        '--config.data.images_per_micro_batch=2',
        '--config.model.width=0.03125', '--config.model.scales=1',
    )  # fmt: skip
    assert '4 steps, 1.00 epochs of 4, 8 images' in capsys.readouterr().out
    tasks = open_checkpoint(run).config.tasks
    for name in ('segmentation', 'parts', 'semantic_boundaries'):  # the classes of the data
        assert tasks[name].classes == STANDARD[name].classes
    call_main(evaluate.main, '--checkpoint', run, '--limit', 1)
    results = {path.name for path in (run / 'results' / '00000004-limit1').glob('*.json')}
    assert results == {f'synthetic-test-{name}.json' for name in tasks}
    photograph, out = ROOT / 'docs' / 'scene.png', tmp_path / 'out'
    call_main(predict.main, '--checkpoint', run, photograph, '--out', out)
    assert {f'{name}.png' for name in tasks} < {p.name for p in (out / 'scene').iterdir()}


@slow
def test_predict_reads_folders_and_lists_files_that_it_cannot_read(run, tmp_path):
    photographs = tmp_path / 'photographs'
    photographs.mkdir()
    Image.new('RGB', (40, 33), 'red').save(photographs / 'red.jpg')
    (photographs / 'broken.jpg').write_bytes(b'no picture')
    (photographs / 'notes.txt').write_text('not a picture')
    out = tmp_path / 'out'
    with pytest.raises(UserError, match=r'1 file(.|\n)*broken\.jpg'):
        call_main(predict.main, '--checkpoint', run, photographs, '--out', out)
    assert [folder.name for folder in out.iterdir()] == ['red']


@slow
def test_an_unknown_task_is_refused_and_the_known_tasks_are_listed(run, tmp_path):
    words = ('--checkpoint', run, 'x.png', '--out', tmp_path, '--tasks', 'depth')
    with pytest.raises(UserError, match=r'depth.*normals, segmentation'):
        call_main(predict.main, *words)


@slow
def test_two_photographs_with_the_same_name_are_refused(run, tmp_path):
    with pytest.raises(UserError, match=r'a/x\.png.*b/x\.png'):
        call_main(predict.main, '--checkpoint', run, 'a/x.png', 'b/x.png', '--out', tmp_path)
