"""Examples with dense labels, whose values encode the position of each pixel."""

import numpy as np

from helpers.examples import assert_same_example
from ubernet_jax.example import Example
from ubernet_jax.labels import ClassMap
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import STANDARD


def make_example(height: int, width: int) -> Example:
    """Makes an image with all dense labels, whose values encode the position of each pixel."""
    rng = np.random.default_rng(height * width)
    position = np.arange(height * width).reshape(height, width)
    image = np.stack([position // 256, position % 256, rng.integers(0, 256, position.shape)], -1)
    directions = np.stack([position, position % 7 - 3, np.ones_like(position)], -1)
    labels = {
        name: (position % len(kind.classes)).astype(np.uint8)
        for name, kind in STANDARD.items()
        if isinstance(kind, ClassMap)
    }
    labels['saliency'] = (position % 256).astype(np.uint8)
    annotators = np.stack([position % 2, position % 3 == 0, position % 5 == 0])
    labels['boundaries'] = LineMap.of_annotators(annotators)
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    labels['normals'] = (directions / length).astype(np.float32)
    labels['depth'] = (1 + position).astype(np.float32)
    return Example(id='a', image=image.astype(np.uint8), labels=labels, kinds=STANDARD)


def assert_same(actual: Example, wanted: Example) -> None:
    assert_same_example(actual, wanted, STANDARD)


def labelled(name: str, label: np.ndarray) -> Example:
    """Makes an example with a single label, given as an array."""
    image = np.zeros((*label.shape[:2], 3), np.uint8)
    value = LineMap(share=label) if name == 'boundaries' else label
    return Example(id='a', image=image, labels={name: value}, kinds=STANDARD)


def array_of(example: Example, name: str) -> np.ndarray:
    """Returns a label as an array; for boundaries, the share of annotators."""
    label = example.labels[name]
    return label.share if isinstance(label, LineMap) else label
