"""The teachers of a run: which are refused, and what of them a run keeps."""

import functools
import pathlib

import jax
import pytest

from helpers.shared import make_once
from helpers.untrained_runs import make_config, save_untrained
from ubernet_jax import config as c
from ubernet_jax.errors import UserError
from ubernet_jax.train import train
from ubernet_jax.training.distillation import ADAPTORS
from ubernet_jax.training.teachers import open_teachers
from ubernet_jax.weights.exported import load_exported, save_exported
from ubernet_jax.weights.trained import open_checkpoint
from ubernet_jax.weights.training_images import find_images_of

pytestmark = pytest.mark.slow
FIELD = 'tasks.segmentation.distill_from'


@pytest.fixture(scope='module')
def teacher(prepared, tmp_path_factory) -> pathlib.Path:
    """The workdir of an untrained network, which was to be trained on `folder/tiny`."""
    make = functools.partial(save_untrained, prepared)
    return make_once(tmp_path_factory, 'tiny_teacher', make)


def student(prepared: pathlib.Path, teacher: pathlib.Path) -> c.Config:
    config = make_config(prepared)
    config.steps = 0
    config.tasks['segmentation'].distill_from = str(teacher)
    return config


def test_a_teacher_with_another_trunk_is_refused(prepared, teacher):
    config = student(prepared, teacher)
    config.model.width = 1 / 16
    with pytest.raises(UserError, match=rf'{FIELD} is {teacher}.*0.03125.*0.0625'):
        open_teachers(config)
    config.model.trunk = c.Trunk.RESNET50
    with pytest.raises(UserError, match='vgg16.*resnet50'):
        open_teachers(config)


def test_a_folder_without_a_network_is_refused(prepared, tmp_path):
    with pytest.raises(UserError, match=f'{FIELD}: {tmp_path}'):
        open_teachers(student(prepared, tmp_path))


def test_a_teacher_that_was_trained_on_a_test_image_is_refused(prepared, teacher):
    config = student(prepared, teacher)
    config.evaluation.benchmarks = [c.DatasetConfig(name='folder/tiny', split='train')]
    with pytest.raises(UserError, match=rf'{teacher}(.|\n)*4 of folder/tiny:train'):
        open_teachers(config)
    config.data.leaks = c.Leaks.ALLOW
    assert set(open_teachers(config)) == {'segmentation'}


def test_a_run_keeps_the_digest_of_its_teacher_but_needs_it_only_for_training(
    prepared, teacher, tmp_path
):
    file, workdir = tmp_path / 'teacher.safetensors', tmp_path / 'run'
    network = open_checkpoint(teacher)
    save_exported(network, file)
    config = student(prepared, file)
    train(config, workdir)
    halved = jax.tree.map(lambda leaf: leaf / 2, network.params)
    save_exported(network._replace(params=halved), file)
    with pytest.raises(UserError, match=f'folder/tiny:train: {FIELD} is another network'):
        train(student(prepared, file), workdir)
    images = find_images_of(workdir, open_checkpoint(workdir).config)
    assert [list(part.ids) for part in images] == [list('0123')] * 2  # and those of its teacher
    file.unlink()
    trained = open_checkpoint(workdir)
    save_exported(trained, tmp_path / 'student.safetensors')
    opened = load_exported(tmp_path / 'student.safetensors')
    assert ADAPTORS not in trained.params['segmentation'].keys() | opened.params['segmentation']
