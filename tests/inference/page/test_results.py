"""Results of visitors as files."""

import pathlib
import tempfile
import zipfile

import numpy as np
import pytest

from ubernet_jax.inference.page import results
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.tasks import PAPER


@pytest.fixture
def result(tmp_path, monkeypatch) -> Predictions:
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    image = np.zeros((4, 5, 3), np.uint8)
    return Predictions(image, {'saliency': PAPER['saliency']()}, {'saliency': np.eye(4, 5)})


def test_a_stored_result_is_loaded_until_it_is_deleted(result, tmp_path):
    path = results.store(result)
    assert pathlib.Path(path).parent == tmp_path
    loaded = results.load(path)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.saliency, result.saliency)
    assert loaded.picture('saliency').shape == (4, 5, 3)
    pathlib.Path(path).unlink()
    assert results.load(path) is None


def test_everything_is_packed_and_no_other_file_remains(result, tmp_path):
    path = results.pack(result)
    with zipfile.ZipFile(path) as file:
        assert {'saliency.png', 'sheet.png'} <= set(file.namelist())
    assert [file for file in tmp_path.rglob('*') if file.is_file()] == [pathlib.Path(path)]
