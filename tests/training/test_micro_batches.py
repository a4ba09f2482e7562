"""Micro-batches: images and targets of a step, augmentation and padding."""

import dataclasses

import jax
import numpy as np
import pytest

from helpers.memory_datasets import UP, MemoryDataset
from helpers.two_datasets import EPOCH, ROOMS, SETS, STEPS, TASKS, make_batches, make_config
from ubernet_jax.batch import Batch
from ubernet_jax.config import DataConfig, DetectionConfig
from ubernet_jax.labels import VOID, Boxes
from ubernet_jax.labels.unit_vectors import to_integers
from ubernet_jax.tasks import Detection
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.training_sets import TrainingSet


def read(batches: MicroBatches, step: int) -> Batch:
    """The micro-batch of a step that has a single micro-batch."""
    (batch,) = batches[step]
    return batch


def is_image(batch: Batch) -> np.ndarray:
    """bool (N,), False for padding."""
    return (batch.image_sizes > 0).all(1)


def assert_equal(actual: list[Batch], wanted: list[Batch]) -> None:
    jax.tree.map(np.testing.assert_array_equal, actual, wanted)


def test_names_are_those_of_the_images():
    batches = make_batches()
    for step in range(EPOCH):
        batch, names = read(batches, step), batches.names(step)
        dataset = {100: 'photographs', 200: 'rooms'}
        pixels = batch.image[is_image(batch), 0, 0]
        assert names == [f'{dataset[green]}:id{red}' for red, green, _ in pixels]


def test_rotations_rotate_images():
    """Only those of the dataset that asks for it."""
    photographs, rooms = SETS
    sets = [photographs, dataclasses.replace(rooms, rotations=16)]
    plain = make_batches(flip=False)
    rotated = MicroBatches(Epochs(sets, make_config(flip=False), 0), TASKS, 0, STEPS)
    changed = set()
    for step in range(STEPS):
        assert plain.names(step) == rotated.names(step)
        if not np.array_equal(read(plain, step).image_sizes, read(rotated, step).image_sizes):
            changed.add(plain.names(step)[0].split(':')[0])
    assert changed == {'rooms'}


def test_a_step_is_a_pure_function_of_the_seed():
    batches, same, longer = make_batches(), make_batches(), make_batches(steps=1000)
    reseeded = make_batches(seed=1)
    for step in (17, 3, 30, 3):
        assert_equal(batches[step], same[step])
        assert_equal(batches[step], longer[step])
    assert [batches.names(s) for s in range(7)] != [reseeded.names(s) for s in range(7)]


def test_photometric_distortion_changes_images_only_and_each_time_as_the_seed_says():
    plain, distorted, same = (make_batches(photometric=strength) for strength in (0.0, 1.0, 1.0))
    changed = set()
    for step in range(2 * EPOCH):
        (before,), (after,), (again,) = plain[step], distorted[step], same[step]
        np.testing.assert_array_equal(after.image, again.image)
        changed.add((before.image != after.image).any())
        inside = np.asarray(before.valid)[..., None]
        np.testing.assert_array_equal(np.where(inside, 0, after.image), 0)
        assert after.targets.keys() == before.targets.keys()
        assert after.image.shape == before.image.shape
    assert True in changed


def test_an_image_is_augmented_differently_each_time():
    batches = make_batches(images_per_micro_batch=1, scale=(0.5, 1.0))
    steps = [step for step in range(STEPS) if batches.names(step) == ['rooms:id0']]
    sizes = [tuple(read(batches, step).image_sizes[0]) for step in steps]
    assert len(sizes) > 3
    assert len(set(sizes)) == len(sizes)


def test_only_labels_that_are_mapped_to_a_task_become_targets():
    batches = make_batches()
    for step in range(EPOCH):
        batch = read(batches, step)
        indices = [int(name.split('id')[1]) for name in batches.names(step)]
        if batch.image[0, 0, 0, 1] == ROOMS.green:
            wanted = ROOMS.labelled['surfaces'][indices]
            assert set(batch.targets) == set(batch.labelled) == {'normals'}
            np.testing.assert_array_equal(batch.labelled['normals'], wanted)
            known = np.asarray(batch.valid) & wanted[:, None, None]
            target = batch.targets['normals']
            assert target.dtype == np.int8
            np.testing.assert_array_equal(target, known[..., None] * to_integers(UP, np.int8))
        else:
            assert set(batch.targets) == set(batch.labelled) == {'segmentation'}
            np.testing.assert_array_equal(batch.labelled['segmentation'], is_image(batch))
            target = batch.targets['segmentation']
            assert target.dtype == np.uint8
            every = slice(None, None, TASKS['segmentation'].stride)
            wanted = np.where(batch.valid, batch.image[..., 0], VOID)[:, every, every]
            np.testing.assert_array_equal(target, wanted)


def test_padding_is_empty_and_unlabelled():
    batches = make_batches(images_per_micro_batch=4)
    counts = [len(batches.names(step)) for step in range(4)]
    assert sorted(counts) == [2, 3, 4, 4]
    for step, count in enumerate(counts):
        batch = read(batches, step)
        assert is_image(batch).tolist() == [True] * count + [False] * (4 - count)
        assert not batch.image[count:].any() and not batch.image_sizes[count:].any()
        assert not any(labelled[count:].any() for labelled in batch.labelled.values())


def test_micro_batches_of_a_step_have_the_same_size():
    batches = make_batches(micro_batches_per_step=3)
    for step in range(3):
        parts = batches[step]
        assert len(parts) == 3 and len({part.image.shape for part in parts}) == 1
        for part in parts:
            assert len(set(part.image[is_image(part), 0, 0, 1])) <= 1
        assert len(batches.names(step)) == sum(is_image(part).sum() for part in parts)


def test_a_micro_batch_of_padding_has_no_target():
    batches = make_batches(micro_batches_per_step=3)
    empty = [part for step in range(3) for part in batches[step] if not is_image(part).any()]
    assert len(empty) == 2
    assert not any(part.image.any() or part.targets or part.labelled for part in empty)


def test_processes_share_the_micro_batches_of_a_step():
    alone = make_batches(micro_batches_per_step=4)
    first, second = (make_batches(micro_batches_per_step=4, process=(n, 2)) for n in range(2))
    for step in range(4):
        assert_equal(alone[step], first[step] + second[step])
        assert len(first[step]) == 2 and first.names(step) == alone.names(step)


def test_steps_outside_the_run_are_index_errors():
    batches = make_batches(steps=5)
    for step in (5, -1):
        with pytest.raises(IndexError):
            batches[step]
    assert len(list(batches)) == 5


OBJECTS = MemoryDataset(
    name='objects',
    green=0,
    sizes=[(33, 33)] * 5,
    labels={'boxes': Boxes(classes=('none', 'object'))},
    labelled={'boxes': [True, True, True, True, False]},
)


def make_boxes_batches(max_boxes: int, labelled: bool = True) -> MicroBatches:
    """Images with 1, 2, 3 and 4 boxes, and an image without the label."""
    config = DataConfig(buckets=((33, 33),))
    detector = DetectionConfig(max_boxes=max_boxes)
    tasks = {'detection': Detection(classes=('none', 'object'), detector=detector)}
    labels = {'detection': 'boxes'} if labelled else {}
    objects = TrainingSet(dataset=OBJECTS, repeat=1, labels=labels)
    return MicroBatches(Epochs([objects], config, 0), tasks, 0, 5)


def test_a_warning_reports_images_with_more_boxes_than_slots(caplog):
    batches = make_boxes_batches(2)
    assert [record.levelname for record in caplog.records] == ['WARNING']
    (message,) = caplog.messages
    for part in ('objects:train', 'detection', '2 images', 'detector.max_boxes=4'):
        assert part in message
    targets = [read(batches, step).targets for step in range(5)]
    kept = [int(target['detection'].valid.sum()) for target in targets if target]
    assert sorted(kept) == [1, 2, 2, 2]
    assert len(caplog.records) == 1  # reading adds no warning


@pytest.mark.parametrize(('max_boxes', 'labelled'), [(4, True), (2, False)])
def test_there_is_no_warning_if_all_boxes_fit_or_are_not_used(max_boxes, labelled, caplog):
    make_boxes_batches(max_boxes, labelled)
    assert not caplog.records
