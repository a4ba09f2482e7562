"""Which images each step shows."""

import collections

import pytest

from helpers.memory_datasets import MemoryDataset
from helpers.two_datasets import EPOCH, LANDSCAPE, PHOTOGRAPHS, PORTRAIT, SETS, make_config
from ubernet_jax.config import DataConfig
from ubernet_jax.errors import UserError
from ubernet_jax.training.epoch_plan import describe_epoch, plan_epoch
from ubernet_jax.training.epochs import PADDING, Epochs, MicroBatch
from ubernet_jax.training.training_sets import TrainingSet

UPRIGHT = {2, 4}  # images of PHOTOGRAPHS that are higher than wide


def make_epochs(seed: int = 0, **data: object) -> Epochs:
    return Epochs(SETS, make_config(**data), seed)


def plan(epochs: Epochs, epoch: int = 0) -> list[MicroBatch]:
    """All micro-batches of an epoch."""
    steps = range(epoch * epochs.length, (epoch + 1) * epochs.length)
    return [micro_batch for step in steps for micro_batch in epochs.plan(step)]


def count_images(micro_batches: list[MicroBatch]) -> collections.Counter:
    """(dataset, image) -> how often it is shown."""
    return collections.Counter(
        (micro_batch.dataset, int(index))
        for micro_batch in micro_batches
        for index in micro_batch.images()
    )


def test_a_micro_batch_holds_images_of_one_dataset_and_one_bucket():
    epochs = make_epochs()
    micro_batches = plan(epochs)
    for micro_batch in micro_batches:
        assert len(micro_batch.indices) == 2
        upright = epochs.config.buckets[micro_batch.bucket] == PORTRAIT
        dataset = epochs.sets[micro_batch.dataset].dataset
        expected = UPRIGHT if upright else set(range(len(dataset))) - UPRIGHT
        if dataset is PHOTOGRAPHS:
            assert set(micro_batch.images()) <= expected
        else:
            assert epochs.config.buckets[micro_batch.bucket] == LANDSCAPE
    assert {(batch.dataset, batch.bucket) for batch in micro_batches} == {(0, 0), (0, 1), (1, 0)}


def test_every_epoch_shows_each_image_as_often_as_its_dataset_is_repeated():
    epochs = make_epochs()
    assert epochs.length == EPOCH
    wanted = {(0, index): 1 for index in range(5)} | {(1, index): 2 for index in range(4)}
    plans = [plan(epochs, epoch) for epoch in range(3)]
    assert all(count_images(micro_batches) == wanted for micro_batches in plans)
    orders = [[(b.dataset, *b.indices) for b in micro_batches] for micro_batches in plans]
    assert orders[0] != orders[1] != orders[2]


def test_the_order_is_a_function_of_the_seed():
    def order(seed: int) -> list[tuple]:
        return [(batch.dataset, *batch.indices) for batch in plan(make_epochs(seed))]

    assert order(0) == order(0) != order(1)


def test_micro_batches_of_a_step_share_a_bucket_and_an_epoch_shows_all_images():
    epochs = make_epochs(micro_batches_per_step=3)
    # Six micro-batches of 33x65 and one of 65x33: two steps, and one that is filled up.
    assert epochs.length == 3
    empty = 0
    for step in range(3):
        micro_batches = epochs.plan(step)
        assert len(micro_batches) == 3 and len({batch.bucket for batch in micro_batches}) == 1
        empty += sum((batch.indices == PADDING).all() for batch in micro_batches)
    assert empty == 2
    assert sorted(count_images(plan(epochs)).values()) == [1] * 5 + [2] * 4


def test_the_plan_of_an_epoch_has_its_samples():
    plans = plan_epoch(SETS)
    assert [part.images for part in plans] == [5, 4]
    first, second = describe_epoch(plans)
    assert 'x  1 =     5 samples' in first and 'x  2 =     8 samples' in second


def test_training_without_an_image_is_refused_and_names_the_datasets():
    empty = MemoryDataset(name='voc2012', green=0, sizes=[], labels={})
    with pytest.raises(UserError, match=r'data\.train.*voc2012:train'):
        Epochs([TrainingSet(dataset=empty, repeat=1, labels={})], DataConfig(), 0)
