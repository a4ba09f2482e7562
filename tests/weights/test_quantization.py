"""Kernels in 8 bits: rounding, repetition, files."""

import numpy as np
import pytest

from ubernet_jax.config import PAPER, Config
from ubernet_jax.weights import quantization
from ubernet_jax.weights.exported import read_file, write_file
from ubernet_jax.weights.quantization import quantise, restore


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(quantization, 'LARGE', 100)


def draw() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 1, (5, 8, 4)).astype(np.float32) * np.array([1, 1e-4, 50, 0], np.float32)
    return {
        'params/a/kernel': kernel,
        'params/a/bias': rng.normal(size=200).astype(np.float32),  # one axis
        'params/b/kernel': rng.normal(size=(9, 9)).astype(np.float32),  # small
    }


def test_rounding_and_what_is_left_as_it_is():
    arrays = draw()
    quantised = quantise(arrays)
    assert quantised['params/a/kernel'].dtype == np.int8
    assert quantised['params/a/kernel:scale'].shape == (4,)
    restored = restore(quantised)
    assert list(restored) == list(arrays)
    kernel = arrays.pop('params/a/kernel')
    limit = np.abs(kernel).max((0, 1)) / 127 / 2 * 1.001
    assert (np.abs(restored['params/a/kernel'] - kernel) <= limit).all()
    for name, array in arrays.items():
        np.testing.assert_array_equal(restored[name], array)


def test_a_second_time_nothing_changes():
    once = quantise(draw())
    twice = quantise(restore(once))
    for name, array in once.items():
        np.testing.assert_array_equal(twice[name], array)


def test_a_file(tmp_path):
    config = Config(steps=0, tasks={'saliency': PAPER['saliency']()})
    path = tmp_path / 'a.safetensors'
    write_file(path, draw(), config, 1, {}, np.float16, quantised=True)
    read = read_file(path).arrays
    wanted = restore(quantise(draw()))
    np.testing.assert_array_equal(read['params/a/kernel'], wanted['params/a/kernel'])
    np.testing.assert_array_equal(read['params/b/kernel'], draw()['params/b/kernel'].astype('f2'))
    assert {array.dtype.name for array in read.values()} == {'float32'}
