"""Sizes, network and length of a new configuration, for given images and machines."""

import dataclasses

import numpy as np
import pytest

from helpers.half_labelled import CPU
from ubernet_jax import config as c
from ubernet_jax.configure import settings
from ubernet_jax.configure.length import choose_length
from ubernet_jax.configure.machine import Machine, inspect_machine
from ubernet_jax.models.settings import Initialisation

GPU = Machine(name='a GPU', accelerated=True, memory=80 * 2**30, speed=0.0)
WIDE, TALL, SQUARE = (375, 500), (500, 375), (400, 400)


@pytest.mark.parametrize(
    ('sizes', 'machine', 'buckets'),
    [
        ([WIDE], CPU, ((193, 257),)),
        ([WIDE], GPU, ((353, 449),)),
        ([WIDE] * 5 + [TALL] * 5, CPU, ((193, 257), (257, 193))),
        ([WIDE] * 19 + [TALL], CPU, ((193, 257),)),
        ([SQUARE, TALL], CPU, ((257, 193), (225, 225))),
        ([(33, 65)], GPU, ((33, 65),)),  # images are not enlarged
        ([(5, 9)], CPU, ((33, 33),)),
        ([(1000, 8000)], CPU, ((65, 641),)),
    ],
)
def test_buckets_have_the_shapes_of_the_images_and_a_size_for_the_machine(sizes, machine, buckets):
    assert settings.choose_sizes(np.array(sizes), machine).buckets == buckets


def test_photographs_enter_at_the_size_of_the_training_images():
    data = c.DataConfig(buckets=((193, 257), (225, 225)))
    size = c.InputSizeConfig(short_side=225, long_side=257, area=225 * 225)
    assert settings.choose_input_size(data) == size


def test_small_images_have_one_scale_and_little_memory_recomputes():
    small, large = c.DataConfig(buckets=((97, 129),)), c.DataConfig(buckets=((321, 481),))
    assert settings.choose_model(small, CPU).scales == 1
    assert settings.choose_model(large, CPU).scales == 3
    assert not settings.choose_model(large, CPU).remat
    tight = dataclasses.replace(CPU, memory=2**30)
    assert settings.choose_model(large, tight).remat


def test_without_weights_of_imagenet_the_network_is_narrow_and_all_of_it_is_trained(monkeypatch):
    monkeypatch.setattr(settings, 'has_imagenet', lambda: False)
    model = settings.choose_model(c.DataConfig(), CPU)
    assert model.initialisation is Initialisation.RANDOM
    assert (model.width, model.frozen_blocks) == (0.25, 0)
    monkeypatch.setattr(settings, 'has_imagenet', lambda: True)
    model = settings.choose_model(c.DataConfig(), CPU)
    assert model.initialisation is Initialisation.IMAGENET
    assert (model.width, model.frozen_blocks) == (1, 2)


def test_the_length_follows_from_the_speed_and_the_data():
    data, model = c.DataConfig(buckets=((193, 257),)), c.ModelConfig()
    length = choose_length(200, data, model, CPU)
    assert length.images == 360 and length.epochs == 1.8  # 1.3 s for each image
    assert length.minutes == pytest.approx(8, abs=0.5) and str(length).endswith('about 8 min')
    half = choose_length(200, data, model, dataclasses.replace(CPU, speed=1e11))
    assert half.images == 180
    few = choose_length(4, data, model, CPU)
    assert (few.images, few.epochs) == (120, 30)
    slow = choose_length(200, data, model, dataclasses.replace(CPU, speed=1e9))
    assert slow.images == 100 and slow.minutes > 400
    unknown = choose_length(200, data, model, GPU)
    assert (unknown.images, unknown.minutes) == (6000, None) and 'min' not in str(unknown)


def test_this_machine_has_memory_and_a_speed():
    machine = inspect_machine(measure=True)
    assert machine.memory > 2**30 and 'GiB' in str(machine)
    assert machine.accelerated or 1e8 < machine.speed < 1e14
    assert inspect_machine(measure=False) == inspect_machine(measure=False)
