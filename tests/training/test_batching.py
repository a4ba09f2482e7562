"""Micro-batches: what is in one, what an epoch shows, and reading them ahead."""

import collections
import sys

import jax
import numpy as np
import pytest
from absl import flags

from helpers.memory_datasets import UP, MemoryDataset
from ubernet_jax.batch import Batch
from ubernet_jax.config import DataConfig, DatasetConfig, DetectionConfig
from ubernet_jax.errors import UserError
from ubernet_jax.labels import VOID, Boxes, ClassMap, UnitVectors
from ubernet_jax.labels.unit_vectors import to_integers
from ubernet_jax.tasks import Detection, Normals, Segmentation, SoftMask
from ubernet_jax.training.batching import MicroBatches, read_ahead
from ubernet_jax.training.epochs import Epochs

LANDSCAPE, PORTRAIT = (33, 65), (65, 33)
STEPS = 40
CLASSES = tuple('abcde')
PHOTOGRAPHS = MemoryDataset(
    name='photographs',
    green=100,
    sizes=[(30, 40), (20, 60), (60, 30), (31, 64), (90, 40)],
    labels={'segmentation': ClassMap(classes=CLASSES)},
)
ROOMS = MemoryDataset(
    name='rooms',
    green=200,
    sizes=[(33, 65)] * 4,
    labels={'segmentation': ClassMap(classes=CLASSES), 'surfaces': UnitVectors()},
    labelled={'surfaces': [True, True, False, True]},
)
TASKS = {
    'normals': Normals(),
    'segmentation': Segmentation(classes=CLASSES),
    'saliency': SoftMask(),
}


DATASETS, SETTINGS = [PHOTOGRAPHS, ROOMS], [DatasetConfig(), DatasetConfig(repeat=2)]
EPOCH = 2 + 1 + 4  # micro-batches: of three and two photographs, and of four rooms twice


def make_config(**data: object) -> DataConfig:
    return DataConfig(**{'buckets': (LANDSCAPE, PORTRAIT), 'images_per_micro_batch': 2, **data})


def make_batches(
    seed: int = 0, steps: int = STEPS, process: tuple[int, int] = (0, 1), **data: object
) -> MicroBatches:
    """Five photographs, two of them upright, and four rooms, each seen twice, for their normals."""
    config = make_config(**data)
    labels = [{'segmentation': 'segmentation'}, {'normals': 'surfaces'}]
    epochs = Epochs(DATASETS, SETTINGS, config, seed)
    return MicroBatches(epochs, DATASETS, labels, config, TASKS, seed, steps, process)


def only(batches: MicroBatches, step: int) -> Batch:
    """The one micro-batch of a step."""
    (batch,) = batches[step]
    return batch


def is_image(batch: Batch) -> np.ndarray:
    """bool (N,), False where there is padding in the place of an image."""
    return (batch.image_sizes > 0).all(1)


def assert_same(one: list[Batch], other: list[Batch]) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_a_micro_batch_comes_from_one_dataset_and_one_bucket():
    batches = make_batches()
    seen = set()
    for step in range(STEPS):
        batch = only(batches, step)
        greens = np.unique(batch.image[..., 1][batch.valid])
        size = batch.image.shape[1:3]
        assert len(greens) == 1 and size in (LANDSCAPE, PORTRAIT)
        upright = {name.split('id')[1] in '24' for name in batches.names(step)}
        assert upright == {size == PORTRAIT} or greens[0] == 200
        seen.add((int(greens[0]), size))
    assert seen == {(100, LANDSCAPE), (100, PORTRAIT), (200, LANDSCAPE)}


def test_rotations_turn_images():
    plain, turned = make_batches(flip=False), make_batches(flip=False, rotations=16)
    changed = [
        not np.array_equal(only(plain, step).image_sizes, only(turned, step).image_sizes)
        for step in range(10)
    ]
    assert any(changed)
    assert [plain.names(step) for step in range(10)] == [turned.names(step) for step in range(10)]


def test_an_epoch_shows_every_image_as_often_as_its_dataset_says():
    assert Epochs(DATASETS, SETTINGS, make_config(), 0).length == EPOCH
    batches = make_batches()
    orders = []
    for epoch in range(3):
        steps = range(epoch * EPOCH, (epoch + 1) * EPOCH)
        names = [name for step in steps for name in batches.names(step)]
        wanted = {f'photographs:id{index}': 1 for index in range(5)}
        wanted |= {f'rooms:id{index}': 2 for index in range(4)}
        assert collections.Counter(names) == wanted
        orders.append(names)
    assert orders[0] != orders[1] != orders[2]


def test_the_names_are_those_of_the_images():
    batches = make_batches()
    for step in range(EPOCH):
        batch = only(batches, step)
        reds = batch.image[is_image(batch), 0, 0, 0]
        assert [int(name.split('id')[1]) for name in batches.names(step)] == reds.tolist()


def test_a_step_is_a_pure_function_of_the_seed():
    batches, same, longer = make_batches(), make_batches(), make_batches(steps=1000)
    other = make_batches(seed=1)
    for step in (17, 3, 30, 3):
        assert_same(batches[step], same[step])
        assert_same(batches[step], longer[step])
    assert [batches.names(s) for s in range(7)] != [other.names(s) for s in range(7)]


def test_an_image_is_augmented_anew_each_time():
    batches = make_batches(images_per_micro_batch=1, scale=(0.5, 1.0))
    steps = [step for step in range(STEPS) if batches.names(step) == ['rooms:id0']]
    sizes = [tuple(only(batches, step).image_sizes[0]) for step in steps]
    assert len(sizes) > 3
    assert len(set(sizes)) == len(sizes)


def test_the_labels_that_tasks_are_mapped_to_become_targets_and_nothing_else_is_there():
    batches = make_batches()
    for step in range(EPOCH):
        batch = only(batches, step)
        indices = [int(name.split('id')[1]) for name in batches.names(step)]
        if batch.image[0, 0, 0, 1] == 200:
            wanted = ROOMS.labelled['surfaces'][indices]
            assert set(batch.targets) == set(batch.labelled) == {'normals'}
            np.testing.assert_array_equal(batch.labelled['normals'], wanted)
            known = np.asarray(batch.valid) & wanted[:, None, None]
            target = batch.targets['normals']
            assert target.dtype == np.int16
            np.testing.assert_array_equal(target, known[..., None] * to_integers(UP))
        else:
            assert set(batch.targets) == set(batch.labelled) == {'segmentation'}
            np.testing.assert_array_equal(batch.labelled['segmentation'], is_image(batch))
            target = batch.targets['segmentation']
            assert target.dtype == np.uint8
            np.testing.assert_array_equal(target, np.where(batch.valid, batch.image[..., 0], VOID))


def test_what_is_in_the_place_of_missing_images_is_empty_and_unlabelled():
    batches = make_batches(images_per_micro_batch=4)
    counts = [len(batches.names(step)) for step in range(4)]
    assert sorted(counts) == [2, 3, 4, 4]
    for step, count in enumerate(counts):
        batch = only(batches, step)
        assert is_image(batch).tolist() == [True] * count + [False] * (4 - count)
        assert not batch.image[count:].any() and not batch.image_sizes[count:].any()
        assert not any(labelled[count:].any() for labelled in batch.labelled.values())


def test_micro_batches_of_a_step_share_its_bucket_and_an_epoch_loses_none():
    assert Epochs(DATASETS, SETTINGS, make_config(micro_batches_per_step=3), 0).length == 3
    batches = make_batches(micro_batches_per_step=3)
    # Six micro-batches of 33x65 and one of 65x33: two steps and one, filled up.
    names = collections.Counter()
    for step in range(3):
        parts = batches[step]
        assert len(parts) == 3 and len({part.image.shape for part in parts}) == 1
        for part in parts:
            assert len(set(part.image[is_image(part), 0, 0, 1])) <= 1
        assert len(batches.names(step)) == sum(is_image(part).sum() for part in parts)
        names.update(batches.names(step))
    assert sorted(names.values()) == [1] * 5 + [2] * 4


def test_a_micro_batch_without_an_image_has_no_target():
    batches = make_batches(micro_batches_per_step=3)
    empty = [part for step in range(3) for part in batches[step] if not is_image(part).any()]
    assert len(empty) == 2
    assert not any(part.image.any() or part.targets or part.labelled for part in empty)


def test_processes_read_the_parts_of_a_step():
    whole = make_batches(micro_batches_per_step=4)
    parts = [make_batches(micro_batches_per_step=4, process=(index, 2)) for index in range(2)]
    for step in range(4):
        assert_same(whole[step], parts[0][step] + parts[1][step])
        assert len(parts[0][step]) == 2 and parts[0].names(step) == whole.names(step)


@pytest.fixture
def parsed_flags():
    """Grain's reader processes are absl programs."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(sys.argv[:1])


@pytest.mark.parametrize('workers', [0, 2])
def test_reading_ahead_gives_the_same_batches_from_any_step(workers, parsed_flags):
    batches = make_batches(steps=12, micro_batches_per_step=2)
    for start in (0, 5) if workers == 0 else (5,):
        reader = read_ahead(batches, start, workers)
        read = list(reader)
        reader.close()
        assert len(read) == 12 - start
        for step, own in enumerate(read, start):
            assert_same(own, batches[step])


def test_nothing_is_left_to_read_after_the_last_step():
    assert list(read_ahead(make_batches(steps=3), 3, workers=0)) == []


def test_no_image_at_all_names_the_datasets():
    empty = MemoryDataset(name='voc2012', green=0, sizes=[], labels={})
    with pytest.raises(UserError, match=r'no training image in data\.train \(voc2012:train\)'):
        Epochs([empty], [DatasetConfig()], DataConfig(), 0)


def test_steps_past_the_end_are_none():
    batches = make_batches(steps=5)
    for step in (5, -1):
        with pytest.raises(IndexError):
            batches[step]
    assert len(list(batches)) == 5


THINGS = MemoryDataset(
    name='things',
    green=0,
    sizes=[(33, 33)] * 5,
    labels={'boxes': Boxes(classes=('none', 'thing'))},
    labelled={'boxes': [True, True, True, True, False]},
)


def make_boxes_batches(max_boxes: int, label: str = 'boxes') -> MicroBatches:
    """Images with 1, 2, 3 and 4 boxes, and one that is not labelled."""
    config = DataConfig(buckets=((33, 33),))
    detector = DetectionConfig(max_boxes=max_boxes)
    tasks = {'objects': Detection(classes=('none', 'thing'), detector=detector)}
    labels = [{'objects': 'boxes'} if label else {}]
    epochs = Epochs([THINGS], [DatasetConfig()], config, 0)
    return MicroBatches(epochs, [THINGS], labels, config, tasks, 0, 5)


def test_more_boxes_than_places_are_said_once_with_how_many_would_do(caplog):
    batches = make_boxes_batches(2)
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert caplog.messages == [
        'things:train, task objects: 2 images have more than 2 boxes, of which the largest are '
        'kept; detector.max_boxes=4 keeps all'
    ]
    boxes = [only(batches, step).targets for step in range(5)]
    kept = [int(own['objects'].valid.sum()) for own in boxes if own]
    assert sorted(kept) == [1, 2, 2, 2]
    assert len(caplog.records) == 1


@pytest.mark.parametrize(('max_boxes', 'label'), [(4, 'boxes'), (2, '')])
def test_nothing_is_said_where_all_boxes_have_a_place_or_are_not_used(max_boxes, label, caplog):
    make_boxes_batches(max_boxes, label)
    assert not caplog.records
