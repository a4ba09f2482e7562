"""The data structures `Example` and `Batch`."""

import jax
import numpy as np

from ubernet_jax.batch import Batch
from ubernet_jax.example import Example
from ubernet_jax.labels import ClassMap, SoftMask


def test_rename_selects_and_renames_labels():
    weeds, sky = np.zeros((2, 2, 3), np.uint8)
    kinds = {'weeds': ClassMap(classes=('soil', 'weed')), 'sky': SoftMask(), 'far': SoftMask()}
    example = Example(
        id='a',
        image=np.zeros((2, 3, 3), np.uint8),
        labels={'weeds': weeds, 'sky': sky},
        kinds=kinds,
    )
    names = {'segmentation': 'weeds', 'saliency': 'sky', 'copy': 'sky', 'depth': 'far', 'no': 'no'}
    renamed = example.rename(names)
    assert set(renamed.labels) == set(renamed.kinds) == {'segmentation', 'saliency', 'copy'}
    assert renamed.labels['segmentation'] is weeds and renamed.labels['copy'] is sky
    assert renamed.kinds['segmentation'] is kinds['weeds']
    assert (renamed.id, renamed.image is example.image) == ('a', True)
    assert set(example.labels) == {'weeds', 'sky'}
    assert example.rename({}).labels == {}


def test_valid_is_false_on_padding():
    batch = Batch(
        image=np.zeros((3, 3, 4, 3), np.uint8),
        image_sizes=np.array([[3, 4], [2, 1], [0, 0]], np.int32),
        scales=np.ones((3, 2), np.float32),
        targets={},
        labelled={},
        taught={},
    )
    wanted = np.zeros((3, 3, 4), bool)
    wanted[0] = True
    wanted[1, :2, :1] = True
    np.testing.assert_array_equal(batch.valid, wanted)
    np.testing.assert_array_equal(jax.jit(lambda traced: traced.valid)(batch), wanted)
