"""Micro-batches: what is in one, what an epoch shows, and reading them ahead."""

import collections
import dataclasses
import sys

import jax
import numpy as np
import pytest
from absl import flags

from ubernet_jax.config import DataConfig, DatasetConfig
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Batch, Example
from ubernet_jax.tasks import DENSE_TASKS, TASKS, VOID
from ubernet_jax.training.batching import MicroBatches, read_ahead

LANDSCAPE, PORTRAIT = (33, 65), (65, 33)
STEPS = 40


@dataclasses.dataclass
class FakeDataset:
    """In memory; the red of an image is its index, the green tells the dataset."""

    name: str
    green: int
    sizes: np.ndarray
    split: str = 'train'

    @property
    def ids(self) -> list[str]:
        return [f'id{index}' for index in range(len(self.sizes))]

    def __getitem__(self, index: int) -> Example:
        shape = tuple(self.sizes[index])
        image = np.zeros((*shape, 3), np.uint8)
        image[..., :2] = index, self.green
        labels = {'segmentation': np.full(shape, index, np.uint8)}
        if self.name == 'rooms':
            labels['normals'] = np.broadcast_to(np.float32([0, 0.6, 0.8]), (*shape, 3))
        return Example(id=self.ids[index], image=image, labels=labels)


def make_batches(
    seed: int = 0, steps: int = STEPS, process: tuple[int, int] = (0, 1), **data: object
) -> MicroBatches:
    """Five photographs, two of them upright, and four rooms, each seen twice, for their normals."""
    sizes = [(30, 40), (20, 60), (60, 30), (31, 64), (90, 40)]
    photographs = FakeDataset('photographs', 100, np.array(sizes))
    rooms = FakeDataset('rooms', 200, np.array([(33, 65)] * 4))
    settings = [DatasetConfig(name='photographs'), DatasetConfig(name='rooms', repeat=2)]
    settings[1].tasks = ('normals',)
    config = DataConfig(**{'buckets': (LANDSCAPE, PORTRAIT), 'micro_batch': 2, **data})
    tasks = {name: TASKS[name] for name in ('normals', 'segmentation', 'saliency')}
    return MicroBatches([photographs, rooms], settings, config, tasks, 0.5, seed, steps, process)


def assert_same(one: Batch, other: Batch) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_a_micro_batch_comes_from_one_dataset_and_one_bucket():
    batches = make_batches()
    seen = set()
    for step in range(STEPS):
        batch = batches[step]
        greens = np.unique(batch.image[..., 1][batch.valid])
        size = batch.image.shape[1:3]
        assert len(greens) == 1 and size in (LANDSCAPE, PORTRAIT)
        upright = {name.split('id')[1] in '24' for name in batches.names(step)}
        assert upright == {size == PORTRAIT} or greens[0] == 200
        seen.add((int(greens[0]), size))
    assert seen == {(100, LANDSCAPE), (100, PORTRAIT), (200, LANDSCAPE)}


def test_rotations_turn_images():
    plain, turned = make_batches(flip=False), make_batches(flip=False, rotations=16)
    changed = [not np.array_equal(plain[step].valid, turned[step].valid) for step in range(10)]
    assert any(changed)
    assert [plain.names(step) for step in range(10)] == [turned.names(step) for step in range(10)]


def test_an_epoch_shows_every_image_as_often_as_its_dataset_says():
    batches = make_batches()
    assert batches.epoch_length == 2 + 1 + 4  # three and two photographs, four rooms twice
    orders = []
    for epoch in range(3):
        steps = range(epoch * 7, (epoch + 1) * 7)
        names = [name for step in steps for name in batches.names(step)]
        counts = collections.Counter(names)
        wanted = {f'photographs:id{index}': 1 for index in range(5)}
        assert counts == wanted | {f'rooms:id{index}': 2 for index in range(4)}
        orders.append(names)
    assert orders[0] != orders[1] != orders[2]


def test_the_names_are_those_of_the_images():
    batches = make_batches()
    for step in range(batches.epoch_length):
        batch = batches[step]
        reds = batch.image[batch.valid.any((1, 2)), 0, 0, 0]
        assert [int(name.split('id')[1]) for name in batches.names(step)] == reds.tolist()


def test_a_step_is_a_pure_function_of_the_seed():
    batches, same, longer = make_batches(), make_batches(), make_batches(steps=1000)
    other = make_batches(seed=1)
    for step in (17, 3, 30, 3):
        assert_same(batches[step], same[step])
        assert_same(batches[step], longer[step])
    assert [batches.names(s) for s in range(7)] != [other.names(s) for s in range(7)]


def test_an_image_is_augmented_anew_each_time():
    batches = make_batches(micro_batch=1, scale=(0.5, 1.0))
    areas = [batches[s].valid.sum() for s in range(40) if batches.names(s) == ['rooms:id0']]
    assert len(areas) > 3
    assert len(set(areas)) == len(areas)


def test_the_wanted_labels_become_targets_and_all_others_are_filler():
    batches = make_batches(scale=(1.0, 1.0))
    for step in range(batches.epoch_length):
        batch = batches[step]
        real = batch.valid.any((1, 2))
        rooms = batch.image[0, 0, 0, 1] == 200
        wanted = {'normals': real & rooms, 'segmentation': real & ~rooms, 'saliency': ~real & real}
        jax.tree.map(np.testing.assert_array_equal, batch.labelled, wanted)
        assert batch.targets['normals'].dtype == np.float32
        assert batch.targets['segmentation'].dtype == np.int32
        assert (batch.targets['saliency'] == VOID).all()
        if rooms:
            assert (batch.targets['segmentation'] == VOID).all()
            lengths = np.linalg.norm(batch.targets['normals'], axis=-1)
            np.testing.assert_allclose(lengths, batch.valid, atol=1e-6)
        else:
            assert not batch.targets['normals'].any()
            wanted = np.where(batch.valid, batch.image[..., 0], VOID)
            np.testing.assert_array_equal(batch.targets['segmentation'], wanted)


def test_filler_images_are_invalid_and_unlabelled():
    batches = make_batches(micro_batch=4)
    counts = [len(batches.names(step)) for step in range(batches.epoch_length)]
    assert sorted(counts) == [2, 3, 4, 4]
    for step, count in enumerate(counts):
        batch = batches[step]
        assert batch.valid.any((1, 2)).tolist() == [True] * count + [False] * (4 - count)
        assert not batch.image[count:].any()
        assert not any(labelled[count:].any() for labelled in batch.labelled.values())


def test_micro_batches_of_a_step_share_its_bucket_and_an_epoch_loses_none():
    batches = make_batches(micro_batches=3)
    # Six micro-batches of 33x65 and one of 65x33: two steps and one, filled up.
    assert batches.epoch_length == 3
    names = collections.Counter()
    for step in range(3):
        batch = batches[step]
        assert batch.image.shape[0] == 6
        pairs = batch.valid.any((1, 2)).reshape(3, 2)
        greens = batch.image[..., 1].max((1, 2)).reshape(3, 2)
        assert all(len(set(green[real])) <= 1 for green, real in zip(greens, pairs, strict=True))
        assert len(batches.names(step)) == pairs.sum()
        names.update(batches.names(step))
    assert sorted(names.values()) == [1] * 5 + [2] * 4


def test_processes_read_the_parts_of_a_step():
    whole = make_batches(micro_batches=4)
    parts = [make_batches(micro_batches=4, process=(index, 2)) for index in range(2)]
    for step in range(4):
        both = jax.tree.map(lambda *x: np.concatenate(x), *(part[step] for part in parts))
        assert_same(whole[step], both)
        assert len(parts[0][step].image) == 4 and parts[0].names(step) == whole.names(step)


@pytest.fixture
def parsed_flags():
    """Grain's reader processes are absl programs."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(sys.argv[:1])


@pytest.mark.parametrize('workers', [0, 2])
def test_reading_ahead_gives_the_same_batches_from_any_step(workers, parsed_flags):
    batches = make_batches(steps=12)
    for start in (0, 5) if workers == 0 else (5,):
        reader = read_ahead(batches, start, workers)
        read = list(reader)
        reader.close()
        assert len(read) == 12 - start
        for step, batch in enumerate(read, start):
            assert_same(batch, batches[step])


def test_nothing_is_left_to_read_after_the_last_step():
    assert list(read_ahead(make_batches(steps=3), 3, workers=0)) == []


def test_no_image_at_all_names_the_datasets():
    empty = FakeDataset('voc2012', 0, np.zeros((0, 2), int))
    with pytest.raises(UserError, match=r'no training image in data\.train \(voc2012:train\)'):
        MicroBatches([empty], [DatasetConfig(name='voc2012')], DataConfig(), DENSE_TASKS, 0.5, 0, 1)


def test_steps_past_the_end_are_none():
    batches = make_batches(steps=5)
    for step in (5, -1):
        with pytest.raises(IndexError):
            batches[step]
    assert len(list(batches)) == 5


def make_boxes_batches(max_boxes: int, tasks: tuple[str, ...] = ()) -> MicroBatches:
    """Three images with 2, 5 and 4 boxes."""
    dataset = FakeDataset('things', 0, np.array([(33, 33)] * 3))
    dataset.box_counts = np.array([2, 5, 4])
    config = DataConfig(buckets=((33, 33),), max_boxes=max_boxes)
    settings = [DatasetConfig(name='things', tasks=tasks)]
    return MicroBatches([dataset], settings, config, TASKS, 0.5, 0, 3)


def test_more_boxes_than_places_are_said_once_with_the_first_image(caplog):
    batches = make_boxes_batches(3)
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert caplog.messages == [
        'things:train has images with more than 3 boxes, of which the largest are kept; the first '
        'is id1 with 5. --config.data.max_boxes=5 keeps all'
    ]
    assert batches[0].targets['detection'].valid.shape == (1, 3)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(('max_boxes', 'tasks'), [(5, ()), (3, ('segmentation',))])
def test_nothing_is_said_where_all_boxes_have_a_place_or_are_not_used(max_boxes, tasks, caplog):
    make_boxes_batches(max_boxes, tasks)
    assert not caplog.records
