"""The network as a Python object: inputs, results, and use by several threads."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import weight_files
from helpers.weight_files import Call, Global, make_pickle
from ubernet_jax import UberNet
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.network import Network, make_network
from ubernet_jax.tasks import PAPER
from ubernet_jax.visualize import Style
from ubernet_jax.weights.trained import open_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def net(exported) -> UberNet:
    return UberNet.load(str(exported))


def make_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def check_same(actual: Predictions, expected: Predictions) -> None:
    assert list(actual.arrays()) == list(expected.arrays())
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(actual.arrays()[name], array)


def test_results_are_those_of_the_predictor(net, exported):
    config, _, params, batch_stats = open_checkpoint(exported)
    predictor = Predictor(make_network(config), config.input_size, params, batch_stats)
    image = make_image(40, 51)
    result = net.predict(image)
    assert tuple(net.tasks) == tuple(result) == tuple(PAPER)
    check_same(result, predictor(image, tuple(PAPER)))
    np.testing.assert_array_equal(result.image, image)
    boxes = result.detection
    assert len(boxes) > 0
    for box, corners, index, score in zip(
        boxes, boxes.corners, boxes.classes, boxes.scores, strict=True
    ):
        assert box.corners == tuple(corners) and box.score == score
        assert box.label == VOC_CLASSES[index] and isinstance(box.score, float)


def test_files_pillow_images_and_arrays_give_the_same_results(net, tmp_path):
    image = make_image(20, 30)
    Image.fromarray(image).save(tmp_path / 'photo.png')
    path = tmp_path / 'photo.png'
    results = net.predict([image, Image.fromarray(image), path, str(path)], tasks=['parts'])
    assert len(results) == 4 and all(isinstance(result, Predictions) for result in results)
    for result in results:
        check_same(result, results[0])
    assert net.predict([]) == []


def test_a_notebook_shows_the_tasks_and_the_classes(net):
    text = net._repr_html_()
    for name, task in net.tasks.items():
        assert name in repr(net) and name in text and all(c in text for c in task.classes)
    assert 'vgg16' in repr(net) and 'vgg16' in text and len(repr(net)) < 200


def test_only_the_given_tasks_are_predicted(net):
    result = net.predict(make_image(9, 9), tasks='saliency')
    assert list(result) == list(result.arrays()) == ['saliency']
    with pytest.raises(UserError, match='depth.*boundaries, '):
        net.predict(make_image(9, 9), tasks=['depth'])


def test_folders_and_urls_are_refused(net, tmp_path):
    for source in (tmp_path, str(tmp_path), [tmp_path]):
        with pytest.raises(UserError, match=rf'^{tmp_path} .*ubernet predict'):
            net.predict(source)
    url = 'https://example.org/a.jpg'
    for source in (url, pathlib.Path(url)):
        with pytest.raises(UserError, match=f'^{url} .*download'):
            net.predict(source)


def test_several_threads_get_the_results_of_a_single_thread(net):
    images = [make_image(20 + 7 * (seed % 3), 31, seed) for seed in range(9)]
    expected = net.predict(images)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for actual, result in zip(pool.map(net.predict, images), expected, strict=True):
            check_same(actual, result)


def test_the_trunk_is_traced_once_for_each_input_size(net, monkeypatch):
    def trace(*arguments: object) -> None:
        raise AssertionError('the trunk is traced again')

    net.predict(make_image(50, 40), tasks=['normals'])
    monkeypatch.setattr(Network, 'features', trace)
    net.predict([make_image(41, 47), make_image(8, 60)], tasks=['normals'])


def test_it_is_known_whether_a_size_was_compiled(exported):
    net, image = UberNet.load(exported), make_image(20, 30)
    assert not net.is_compiled_for(image)
    net.predict(image, tasks='saliency')
    assert not net.is_compiled_for(image)
    net.predict(image)
    assert net.is_compiled_for(image) and net.datasets == ()


def test_pictures_have_the_given_style(net):
    result = net.predict(make_image(40, 51))
    for name in result:
        picture = result.picture(name)
        assert (picture.dtype, picture.shape) == (np.uint8, (40, 51, 3))
    np.testing.assert_allclose(result.picture('normals') / 127.5 - 1, result.normals, atol=0.01)
    np.testing.assert_array_equal(result.picture('segmentation', Style(opacity=0.0)), result.image)
    np.testing.assert_array_equal(result.picture('detection', Style(score=1.1)), result.image)


def test_saved_files_have_the_results(net, tmp_path):
    result = net.predict(make_image(40, 51))
    result.save(tmp_path / 'new' / 'folder', arrays=True)
    folder = tmp_path / 'new' / 'folder'
    names = {f'{name}.png' for name in PAPER} | {'sheet.png', 'detection.json', 'predictions.npz'}
    names |= {'segmentation.index.png', 'parts.index.png'}
    assert {path.name for path in folder.iterdir()} == names
    arrays = np.load(folder / 'predictions.npz')
    assert set(arrays) == set(result.arrays())
    np.testing.assert_array_equal(arrays['normals'], result.normals)
    np.testing.assert_array_equal(arrays['detection_corners'], result.detection.corners)
    for name in PAPER:
        saved = np.asarray(Image.open(folder / f'{name}.png'))
        np.testing.assert_array_equal(saved, result.picture(name))
    records = json.loads((folder / 'detection.json').read_text())
    assert [record['label'] for record in records] == [box.label for box in result.detection]
    np.testing.assert_allclose(
        [record['box'] for record in records], result.detection.corners, atol=0.05
    )


@pytest.mark.parametrize(
    ('name', 'message'),
    [('a.pth', r'a\.pth.*checkpoint'), ('a.safetensors', r'a\.safetensors cannot be read')],
)
def test_a_pickle_is_not_read_as_a_checkpoint(name, message, tmp_path):
    call = Call(Global('os', 'system'), (f'touch {tmp_path / "ran"}',))
    path = weight_files.write_archive(tmp_path / name, make_pickle(call), {})
    with pytest.raises(UserError, match=message):
        UberNet.load(path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('shape', [(1, 1), (1, 700), (700, 2)])
def test_the_smallest_and_thinnest_pictures_are_saved_in_full(net, shape, tmp_path):
    net.predict(make_image(*shape)).save(tmp_path)
    for name in PAPER:
        with Image.open(tmp_path / f'{name}.png') as picture:
            assert picture.size == shape[::-1]


def test_importing_the_package_imports_no_large_package():
    script = (
        'import sys, ubernet_jax\n'
        'assert not {"jax", "numpy", "PIL"} & set(sys.modules)\n'
        'assert not hasattr(ubernet_jax, "Ubernet")\n'
    )
    process = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


def test_the_photograph_of_the_predictions_is_a_copy(net):
    image = make_image(33, 65)
    result = net.predict(image, 'saliency')
    kept = image.copy()
    image[:] = 0
    np.testing.assert_array_equal(result.image, kept)


FORK = """
import os, sys
from ubernet_jax import UberNet
from ubernet_jax.errors import UserError
net = UberNet.load(sys.argv[1])
child = os.fork()
if child == 0:
    for use in (lambda: net.predict(sys.argv[2]), lambda: UberNet.load(sys.argv[1])):
        try:
            use()
        except UserError as error:
            print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_fork_of_a_process_with_a_network_is_refused(exported, tmp_path):
    Image.fromarray(make_image(33, 65)).save(tmp_path / 'a.png')
    words = [sys.executable, '-c', FORK, str(exported), str(tmp_path / 'a.png')]
    process = subprocess.run(words, capture_output=True, text=True, timeout=120)
    lines = process.stdout.splitlines()
    assert len(lines) == 2 and all('forked' in line and 'spawn' in line for line in lines)
