"""Healthy prepared datasets, and a copy to damage."""

import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders import synthetic
from ubernet_jax.doctor import command as doctor


@pytest.fixture(scope='session')
def healthy(tmp_path_factory) -> pathlib.Path:
    """Prepared datasets: four synthetic scenes, and `folder/copy` with scene 1 as a small JPEG."""
    directory, raw = tmp_path_factory.mktemp('prepared'), tmp_path_factory.mktemp('raw')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, 'SEEDS', {'train': range(3), 'test': range(8, 9)})
        prepare.main(['synthetic', '--directory', str(directory)])
    scene = open_dataset('synthetic', 'train', directory)[1]
    for kind, suffix in (('images', 'jpg'), ('segmentation', 'png')):
        path = raw / 'copy' / 'test' / kind / f'holiday.{suffix}'
        path.parent.mkdir(parents=True)
        array = scene.image if kind == 'images' else np.full((161, 161), 255, np.uint8)
        Image.fromarray(array).resize((120, 120), Image.Resampling.NEAREST).save(path)
    prepare.main(['folder/copy', '--source', str(raw), '--directory', str(directory)])
    assert doctor.main(['--data-root', str(directory)]) == 0  # writes the fingerprints
    return directory


@pytest.fixture
def prepared(healthy, tmp_path) -> pathlib.Path:
    """A copy of the datasets that a test may damage."""
    return shutil.copytree(healthy, tmp_path / 'prepared')
