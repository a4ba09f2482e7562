"""The network as a Python object: what goes in, what comes out, from several threads."""

import concurrent.futures
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import weight_files
from helpers.weight_files import Call, Global, make_pickle
from ubernet_jax import UberNet
from ubernet_jax.errors import UserError
from ubernet_jax.inference import predictor as predictor_module
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.network import make_network
from ubernet_jax.tasks import PAPER
from ubernet_jax.visualize import Style
from ubernet_jax.weights.trained import open_checkpoint


@pytest.fixture(scope='module')
def net(exported) -> UberNet:
    return UberNet.load(str(exported))


def make_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def check_same(ours: Predictions, theirs: Predictions) -> None:
    ours, theirs = ours.arrays(), theirs.arrays()
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])


def test_a_result_holds_what_the_predictor_says(net, exported):
    config, _, params, batch_stats = open_checkpoint(exported)
    predictor = Predictor(make_network(config), config.input_size, params, batch_stats)
    image = make_image(40, 51)
    result = net.predict(image)
    assert tuple(net.tasks) == tuple(result) == tuple(PAPER)
    check_same(result, predictor(image, tuple(PAPER)))
    np.testing.assert_array_equal(result.image, image)
    found = result.detection
    assert len(found) > 0
    for box, corners, index, score in zip(
        found, found.corners, found.classes, found.scores, strict=True
    ):
        assert box.corners == tuple(corners) and box.score == score
        assert box.label == VOC_CLASSES[index] and isinstance(box.score, float)


def test_files_pillow_images_and_arrays_are_the_same_to_it(net, tmp_path):
    image = make_image(20, 30)
    Image.fromarray(image).save(tmp_path / 'photo.png')
    path = tmp_path / 'photo.png'
    results = net.predict([image, Image.fromarray(image), path, str(path)], tasks=['parts'])
    assert len(results) == 4 and all(isinstance(result, Predictions) for result in results)
    for result in results:
        check_same(result, results[0])
    assert net.predict([]) == []


def test_only_the_wanted_tasks_are_there(net):
    result = net.predict(make_image(9, 9), tasks='saliency')
    assert list(result) == list(result.arrays()) == ['saliency']
    with pytest.raises(UserError, match='unknown task depth: this network has boundaries, '):
        net.predict(make_image(9, 9), tasks=['depth'])


def test_threads_get_what_one_alone_gets(net):
    images = [make_image(20 + 7 * (seed % 3), 31, seed) for seed in range(9)]
    alone = net.predict(images)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(net.predict, images), strict=True):
            check_same(one, other)


def test_sizes_that_enter_alike_are_compiled_once(net):
    net.predict(make_image(50, 40), tasks=['normals'])
    compiled = predictor_module._features._cache_size()
    net.predict([make_image(41, 47), make_image(8, 60)], tasks=['normals'])
    assert predictor_module._features._cache_size() == compiled


def test_pictures_follow_the_style(net):
    result = net.predict(make_image(40, 51))
    for name in result:
        drawn = result.picture(name)
        assert (drawn.dtype, drawn.shape) == (np.uint8, (40, 51, 3))
    np.testing.assert_allclose(result.picture('normals') / 127.5 - 1, result.normals, atol=0.01)
    np.testing.assert_array_equal(result.picture('segmentation', Style(opacity=0.0)), result.image)
    np.testing.assert_array_equal(result.picture('detection', Style(score=1.1)), result.image)


def test_what_is_saved_reads_back(net, tmp_path):
    result = net.predict(make_image(40, 51))
    result.save(tmp_path / 'new' / 'folder')
    folder = tmp_path / 'new' / 'folder'
    names = {f'{name}.png' for name in PAPER} | {'sheet.png', 'detection.json', 'predictions.npz'}
    assert {path.name for path in folder.iterdir()} == names
    arrays = np.load(folder / 'predictions.npz')
    assert set(arrays) == set(result.arrays())
    np.testing.assert_array_equal(arrays['normals'], result.normals)
    np.testing.assert_array_equal(arrays['detection_corners'], result.detection.corners)
    for name in PAPER:
        drawn = np.asarray(Image.open(folder / f'{name}.png'))
        np.testing.assert_array_equal(drawn, result.picture(name))
    records = json.loads((folder / 'detection.json').read_text())
    assert [record['label'] for record in records] == [box.label for box in result.detection]
    np.testing.assert_allclose(
        [record['box'] for record in records], result.detection.corners, atol=0.05
    )


@pytest.mark.parametrize(
    ('name', 'message'),
    [('a.pth', 'holds no checkpoint'), ('a.safetensors', 'cannot be read as a .safetensors file')],
)
def test_a_pickle_is_no_checkpoint(name, message, tmp_path):
    call = Call(Global('os', 'system'), (f'touch {tmp_path / "ran"}',))
    path = weight_files.write_archive(tmp_path / name, make_pickle(call), {})
    with pytest.raises(UserError, match=message):
        UberNet.load(path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('shape', [(1, 1), (1, 700), (700, 2)])
def test_the_smallest_and_thinnest_pictures_are_saved_whole(net, shape, tmp_path):
    net.predict(make_image(*shape)).save(tmp_path)
    for name in PAPER:
        with Image.open(tmp_path / f'{name}.png') as drawn:
            assert drawn.size == shape[::-1]


def test_importing_the_package_imports_nothing_heavy():
    script = (
        'import sys, ubernet_jax\n'
        'assert not {"jax", "numpy", "PIL"} & set(sys.modules)\n'
        'assert not hasattr(ubernet_jax, "Ubernet")\n'
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
