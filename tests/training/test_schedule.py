"""The plan of a run: its length, and the samples and updates of every group."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import tiny_config
from helpers.memory_datasets import MemoryDataset
from helpers.networks import make_solver
from ubernet_jax import config as c
from ubernet_jax.labels import Boxes, ClassMap, UnitVectors
from ubernet_jax.network import SHARED
from ubernet_jax.train import train
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.optim import make_rate, sample_counts
from ubernet_jax.training.schedule import Schedule, count_steps, make_schedule
from ubernet_jax.training.training_sets import TrainingSet

CLASSES = ('none', 'cup')
SIZE = (33, 65)
TABLES = MemoryDataset(
    name='tables',
    green=0,
    sizes=[SIZE] * 11,
    labels={'items': ClassMap(classes=CLASSES)},
)
ROOMS = MemoryDataset(
    name='rooms',
    green=1,
    sizes=[SIZE] * 6 + [SIZE[::-1]] * 3,
    labels={'items': ClassMap(classes=CLASSES), 'normals': UnitVectors()},
    labelled={
        'items': np.arange(9) % 3 == 0,
        'normals': np.arange(9) < 7,
    },
)
SETS = [
    TrainingSet(dataset=TABLES, repeat=1, labels={'objects': 'items'}),
    TrainingSet(dataset=ROOMS, repeat=2, labels={'objects': 'items', 'normals': 'normals'}),
]
SHOWN = np.array([3, 1, 2, 3])  # images of each step of an epoch


@pytest.mark.parametrize(
    ('length', 'steps'),
    [
        ({'steps': 0}, 0),
        ({'steps': 13}, 13),
        ({'epochs': 0.0}, 0),
        ({'epochs': 0.25}, 1),
        ({'epochs': 0.3}, 2),
        ({'epochs': 2.5}, 10),
        ({'images': 0}, 0),
        ({'images': 3}, 1),
        ({'images': 4}, 2),
        ({'images': 5}, 3),
        ({'images': 9}, 4),
        ({'images': 18}, 8),
        ({'images': 19}, 9),
        ({'images': 22}, 10),
    ],
)
def test_steps_epochs_and_images_are_converted_to_steps(length, steps):
    assert count_steps(c.Config(**length), SHOWN) == steps


def test_rounding_errors_of_epochs_add_no_step():
    assert 0.07 * 100 > 7
    assert count_steps(c.Config(epochs=0.07), np.ones(100, int)) == 7


def make_config(**settings: object) -> c.Config:
    """Two tasks on both datasets; the second dataset is shown twice per epoch."""
    data = c.DataConfig(
        buckets=(SIZE, SIZE[::-1]),
        images_per_micro_batch=settings.pop('images_per_micro_batch', 1),
        micro_batches_per_step=settings.pop('micro_batches_per_step', 1),
    )
    return c.Config(
        tasks={
            'objects': c.Segmentation(classes=CLASSES, batch_size=3, polynomial=True),
            'normals': c.Normals(batch_size=2, decay_at=(0.5, 0.9)),
        },
        optim=c.OptimConfig(
            algorithm=settings.pop('algorithm', c.Algorithm.ASYNCHRONOUS),
            shared=c.GroupConfig(batch_size=5, decay_at=()),
        ),
        data=data,
        **settings,
    )


def make_epochs(config: c.Config) -> Epochs:
    return Epochs(SETS, config.data, config.seed)


def plan(config: c.Config) -> Schedule:
    return make_schedule(config, make_epochs(config))


def test_images_are_counted_for_their_tasks_as_often_as_they_are_shown():
    schedule = plan(make_config(epochs=1.0))
    assert (schedule.steps, schedule.epoch) == (29, 29)
    # 11 images, all with objects; 9 twice, 3 with objects and 7 with normals.
    assert schedule.samples == {SHARED: 29, 'objects': 17, 'normals': 14}
    assert schedule.updates == {SHARED: 5, 'objects': 5, 'normals': 7}
    twice = plan(make_config(images=58))
    assert twice.steps == 58 and twice.samples == {SHARED: 58, 'objects': 34, 'normals': 28}
    # Samples that are left at the end of an epoch count in the next epoch.
    assert twice.updates == {SHARED: 11, 'objects': 11, 'normals': 14}


def test_all_groups_of_the_synchronous_algorithm_update_with_the_trunk():
    schedule = plan(make_config(epochs=1.0, algorithm=c.Algorithm.SYNCHRONOUS))
    assert set(schedule.samples.values()) == {29} and set(schedule.updates.values()) == {5}


@functools.cache
def make_functions(algorithm: c.Algorithm) -> tuple[Callable, Callable]:
    """`init` and the jitted `update` of the solver of `make_config`."""
    solver = make_solver(make_config(algorithm=algorithm), 1)
    return solver.init, jax.jit(solver.update)


def count_real_updates(config: c.Config, steps: int) -> tuple[dict[str, int], dict[str, int]]:
    """(samples, updates) of each group after a number of steps of the reader and the solver."""
    batches = MicroBatches(make_epochs(config), config.tasks, config.seed, steps)
    groups = {SHARED: jnp.zeros(()), **dict.fromkeys(config.tasks, jnp.zeros(()))}
    params = {group: {'bias': zero} for group, zero in groups.items()}
    init, update = make_functions(config.optim.algorithm)
    state = init(params)
    samples = dict.fromkeys(groups, 0)
    for step in range(steps):
        parts = batches[step]
        images = sum((part.image_sizes > 0).all(1).sum() for part in parts)
        labelled = {
            task: sum(part.labelled[task].sum() for part in parts if task in part.labelled)
            for task in config.tasks
        }
        counts = sample_counts(config.optim.algorithm, labelled, images)
        counts = {group: jnp.int32(count) for group, count in counts.items()}
        _, state = update(params, state, params, counts=counts)
        samples = {group: samples[group] + int(counts[group]) for group in groups}
    return samples, {group: int(group_state.updates) for group, group_state in state.items()}


@pytest.mark.parametrize('algorithm', c.Algorithm)
@pytest.mark.parametrize(('images', 'micro_batches'), [(1, 1), (2, 1), (1, 4), (2, 3)])
@pytest.mark.parametrize('epochs', [0.5, 1.0])
def test_expected_samples_and_updates_are_those_of_the_reader_and_the_solver(
    algorithm, images, micro_batches, epochs
):
    config = make_config(
        epochs=epochs,
        algorithm=algorithm,
        images_per_micro_batch=images,
        micro_batches_per_step=micro_batches,
    )
    schedule = plan(config)
    samples, updates = count_real_updates(config, schedule.steps)
    assert dict(schedule.samples) == samples and dict(schedule.updates) == updates
    assert 0 < updates['normals']


def test_expected_updates_of_many_epochs_are_approximate():
    """Later epochs have another order, so that counters exceed their batch at other steps."""
    config = make_config(epochs=12.0, images_per_micro_batch=2, micro_batches_per_step=2)
    schedule = plan(config)
    samples, updates = count_real_updates(config, schedule.steps)
    assert dict(schedule.samples) == samples
    for group, expected in schedule.updates.items():
        assert updates[group] == pytest.approx(expected, rel=0.1)


@pytest.mark.slow
def test_a_run_makes_the_updates_that_it_announces(prepared, tmp_path, capsys):
    config = tiny_config.get_config()
    config.data.directory, config.data.train[0].repeat = str(prepared), 3
    config.pictures_every = config.evaluate_every = 1000
    config.steps, config.images = None, 12
    state = train(config, tmp_path)
    output = capsys.readouterr().out
    # Four images, three of which have normals and three a segmentation, each shown three times.
    assert '12 steps, 1.00 epochs of 12, 12 images' in output.splitlines()[0]
    expected = {}
    for line in output.splitlines()[1:4]:
        name, rest = line.split(maxsplit=1)
        expected[name] = int(rest.split('batches of')[1].split(':')[1].split()[0])
        assert int(rest.split()[0]) == (12 if name == SHARED else 9)
    assert expected == {name: int(group.updates) for name, group in state.groups.items()}
    assert expected == {SHARED: 6, 'normals': 4, 'segmentation': 4}


def test_the_learning_rate_falls_after_shares_of_the_updates_of_each_group():
    config = make_config(epochs=20.0)
    updates = plan(config).updates
    assert updates == {SHARED: 116, 'objects': 113, 'normals': 140}
    rates = {}
    for name, group in {SHARED: config.optim.shared, **config.tasks}.items():
        rate = make_rate(dataclasses.replace(group, learning_rate=1.0), updates[name])
        rates[name] = np.asarray(jax.vmap(rate)(jnp.arange(141)))
    assert (rates[SHARED] == 1).all()
    drops = np.flatnonzero(np.diff(rates['normals'])) + 1
    assert drops.tolist() == [70, 126]
    assert rates['normals'][[0, 70, 126]] == pytest.approx([1, 0.1, 0.01])
    wanted = (1 - np.arange(113) / 113) ** 0.9
    np.testing.assert_allclose(rates['objects'][:113], wanted, rtol=1e-5)
    assert not rates['objects'][113:].any()


@pytest.mark.parametrize(('stem', 'frozen'), [(0, True), (8, False)])
def test_the_description_says_that_the_trunk_is_frozen(stem, frozen):
    config = make_config(epochs=1.0)
    config.model = c.ModelConfig(
        trunk=c.Trunk.VIT_SMALL_PATCH14_DINOV2, scales=1, frozen_blocks=12, stem=stem
    )
    line, objects = plan(config).describe().splitlines()[1:3]
    assert (line.split() == [SHARED, 'frozen']) == frozen
    assert ('29 samples' in line) == (not frozen)
    assert objects.split()[0] == 'objects' and '17 samples' in objects


def test_the_description_has_a_line_for_the_run_and_a_line_for_each_group():
    config = make_config(epochs=20.0)
    config.tasks['objects'].learning_rate = 0.25
    run, *groups = plan(config).describe().splitlines()[:4]
    for part in ('580 steps', '20.00 epochs', ' 29', '580 images'):
        assert part in run
    wanted = (
        (SHARED, '580 samples', ' 5', '116 updates', '0.001'),
        ('objects', '340 samples', ' 3', '113 updates', '0.25 falling to 0'),
        ('normals', '280 samples', ' 2', '140 updates', '0.001, a tenth after 70, 126'),
    )
    for line, (name, *parts) in zip(groups, wanted, strict=True):
        assert line.split()[0] == name and line.endswith(parts[-1])
        assert all(part in line for part in parts)


@pytest.mark.parametrize(('rotations', 'labelled'), [(1, 11), (4, 0)])
def test_rotated_images_do_not_count_for_boxes(rotations, labelled):
    tables = dataclasses.replace(TABLES, labels={'boxes': Boxes(classes=CLASSES)}, labelled={})
    data = c.DataConfig(buckets=(SIZE,))
    config = c.Config(epochs=1.0, tasks={'cups': c.Detection(classes=CLASSES)}, data=data)
    part = TrainingSet(dataset=tables, repeat=1, labels={'cups': 'boxes'}, rotations=rotations)
    epochs = Epochs([part], data, 0)
    schedule = make_schedule(config, epochs)
    steps = MicroBatches(epochs, config.tasks, 0, schedule.steps)
    read = sum(part.labelled['cups'].sum() for parts in steps for part in parts if part.labelled)
    assert schedule.samples == {SHARED: 11, 'cups': labelled} and read == labelled


def test_a_task_without_a_labelled_image_makes_no_update():
    config = make_config(epochs=1.0)
    sets = [SETS[0], dataclasses.replace(SETS[1], labels={})]
    schedule = make_schedule(config, Epochs(sets, config.data, config.seed))
    assert (schedule.samples['normals'], schedule.updates['normals']) == (0, 0)
    assert '0 updates expected' in schedule.describe()
