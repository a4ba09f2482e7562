"""The samples of the page: drawn scenes or photographs, with their terms."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ubernet_jax.inference.page.samples import write_samples


@pytest.mark.parametrize('datasets', [(), ('folder/garden',), ('synthetic', 'voc2012')])
def test_a_network_for_photographs_has_photographs_with_their_terms(datasets, tmp_path):
    samples = write_samples(tmp_path, datasets)
    assert [sample.name for sample in samples] == ['astronaut', 'cat', 'coffee']
    for sample, load in zip(samples, (data.astronaut, data.chelsea, data.coffee), strict=True):
        np.testing.assert_array_equal(Image.open(sample.path), load())
        (terms,) = {'public domain', 'CC0'} & {sample.credit.split(', ')[1]}
        assert terms in load.__doc__  # as skimage documents them


def test_a_network_for_drawn_scenes_has_drawn_scenes(tmp_path):
    samples = write_samples(tmp_path, ['synthetic'])
    assert len(samples) == 3 and not any(sample.credit for sample in samples)
    assert {sample.path.parent for sample in samples} == {tmp_path}
