"""Training images that keep only some of their labels."""

import json

import numpy as np
import pytest

from helpers import tiny_config
from ubernet_jax import config as c
from ubernet_jax.datasets import open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.training.epoch_plan import describe_epoch, plan_epoch
from ubernet_jax.training.partial_labels import keep_part
from ubernet_jax.training.training_sets import open_training_sets

LABELS = ('normals', 'segmentation')
# Of the images of `folder/tiny:train`, 1 has no segmentation and 2 no normals.
BOTH = {'0', '3'}


@pytest.fixture
def dataset(prepared):
    return open_dataset('folder/tiny', 'train', prepared)


@pytest.fixture
def config(prepared) -> c.Config:
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    return config


def keep(dataset, used=LABELS, **settings) -> dict[str, set[str]]:
    """The labels that each image keeps, by its id."""
    part = keep_part(dataset, c.PartialConfig(**settings), used)
    for index, image in enumerate(part.ids):
        flags = {name for name in part.labels if part.labelled[name][index]}
        example = part[index]
        assert (example.id, set(example.labels)) == (image, flags)
    return {image: set(part[index].labels) for index, image in enumerate(part.ids)}


def test_an_image_keeps_one_label_that_the_seed_chooses(dataset):
    draws = [keep(dataset, keep=c.Keep.ONE, seed=seed) for seed in range(12)]
    assert all(set(draw) == set(dataset.ids) for draw in draws)
    assert all(len(names) == 1 for draw in draws for names in draw.values())
    assert all(draw['1'] == {'normals'} and draw['2'] == {'segmentation'} for draw in draws)
    for image in BOTH:
        assert {name for draw in draws for name in draw[image]} == set(LABELS)
    assert draws[0] == keep(dataset, keep=c.Keep.ONE, seed=0)
    # The choice for an image does not depend on the other images.
    last = dataset.take(np.array([3]))
    assert all(
        keep(last, keep=c.Keep.ONE, seed=seed) == {'3': draws[seed]['3']} for seed in range(4)
    )


def test_an_image_keeps_a_random_number_of_labels(dataset):
    draws = [keep(dataset, keep=c.Keep.RANDOM, seed=seed) for seed in range(12)]
    counts = {len(draw[image]) for draw in draws for image in BOTH}
    assert counts == {1, 2} and all(set(draw) == set(dataset.ids) for draw in draws)


def test_images_that_keep_no_label_in_use_are_left_out(dataset):
    settings = {'keep': c.Keep.ONE, 'seed': 1}
    full = keep(dataset, **settings)
    single = keep(dataset, ('normals',), drawn_from=LABELS, **settings)
    assert single == {image: names for image, names in full.items() if 'normals' in names}
    assert set(keep(dataset, ('normals',), **settings)) == {'0', '1', '3'}
    with pytest.raises(UserError, match=r'drawn_from.*depth.*folder/tiny:train.*normals'):
        keep(dataset, drawn_from=('depth',), **settings)


def test_a_list(dataset, tmp_path):
    path = tmp_path / 'list.json'
    settings = {'keep': c.Keep.LISTED, 'file': str(path)}
    listed = {'0': ['normals'], '1': ['segmentation'], '2': list(LABELS), '3': [], '4': []}
    path.write_text(json.dumps(listed))
    assert keep(dataset, **settings) == {'0': {'normals'}, '2': {'segmentation'}}
    path.write_text(json.dumps({'0': [], '1': [], '2': []}))
    with pytest.raises(UserError, match=r'list\.json.*folder/tiny:train.* 1 .*3'):
        keep(dataset, **settings)
    path.write_text(json.dumps(dict.fromkeys('0123', ['albedo'])))
    with pytest.raises(UserError, match=r'list\.json.*albedo.*normals, segmentation'):
        keep(dataset, **settings)


def test_the_plan_of_an_epoch_has_the_kept_labels(config):
    (setting,) = config.data.train
    setting.partial = c.PartialConfig(keep=c.Keep.ONE, seed=3)
    _, sets = open_training_sets(config)
    (plan,) = plan_epoch(sets)
    assert plan.images == 4 and sum(plan.labelled.values()) == 4
    (line,) = describe_epoch([plan])
    assert 'one label' in line and 'seed 3' in line


def test_a_task_without_a_kept_label_is_refused(config, tmp_path):
    path = tmp_path / 'list.json'
    path.write_text(json.dumps(dict.fromkeys('0123', ['normals'])))
    config.data.train[0].partial = c.PartialConfig(keep=c.Keep.LISTED, file=str(path))
    with pytest.raises(UserError, match=r'tasks\.segmentation'):
        open_training_sets(config)


def test_a_dataset_without_a_label_in_use(config):
    """Other datasets may have labels for the tasks, among which `drawn_from` is not looked for."""
    (setting,) = config.data.train
    setting.partial = c.PartialConfig(keep=c.Keep.ONE, drawn_from=('depth', 'normals'))
    _, (training_set,) = open_training_sets(config.restrict_to(('normals',)))
    assert set(training_set.dataset.ids) == {'0', '1', '3'}
    config.tasks = {'depth': c.Depth()}
    with pytest.raises(UserError, match=r'tasks\.depth'):
        open_training_sets(config)


def test_a_single_task_is_trained_on_the_images_that_keep_its_label(config):
    config.data.train[0].partial = c.PartialConfig(keep=c.Keep.ONE, seed=1)
    _, (full,) = open_training_sets(config)
    _, (single,) = open_training_sets(config.restrict_to(('normals',)))
    kept = np.array(full.dataset.ids)[full.dataset.labelled['normals']]
    assert list(single.dataset.ids) == kept.tolist()
    assert set(single.labels) == {'normals'} and set(full.labels) == set(LABELS)
