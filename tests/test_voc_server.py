"""`python -m ubernet_jax.voc_server`: files in the format of VOC's development kit."""

import pathlib
import tarfile

import numpy as np
import pytest
from PIL import Image

from helpers.commands import call_main
from helpers.dataset_files import random_image, save_list
from ubernet_jax import UberNet, voc_server
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.metrics.annotations import read_detections
from ubernet_jax.tasks.detections import Detections
from ubernet_jax.tasks.voc_results import detection_results, segmentation_results


def test_a_class_map_is_a_picture_of_indices_with_the_colours_of_voc(tmp_path):
    classes = np.array([[0, 1, 15], [20, 12, 0]], np.uint8)
    ((name, content),) = segmentation_results('2008_000006', classes).items()
    assert name == 'Segmentation/comp6_test_cls/2008_000006.png'
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with Image.open(path) as picture:
        assert picture.mode == 'P'
        np.testing.assert_array_equal(np.asarray(picture), classes)
        colours = np.asarray(picture.convert('RGB'))
    # Aeroplane, person and television in the legend of the development kit.
    assert colours[0].tolist() == [[0, 0, 0], [128, 0, 0], [192, 128, 128]]
    assert colours[1, 0].tolist() == [0, 64, 128]


def test_boxes_count_pixels_from_one_and_every_class_has_a_file():
    detections = Detections(
        corners=np.float32([[0, 0, 40, 30], [4, 5.25, 5, 7], [1, 1, 2, 2]]),
        classes=np.uint8([12, 15, 12]),
        scores=np.float32([0.75, 0.5, 0.0625]),
        names=VOC_CLASSES,
    )
    files = detection_results('2008_000006', detections)
    assert set(files) == {f'Main/comp4_det_test_{name}.txt' for name in VOC_CLASSES[1:]}
    assert files['Main/comp4_det_test_dog.txt'].decode() == (
        '2008_000006 0.750000 1.0 1.0 40.0 30.0\n2008_000006 0.062500 2.0 2.0 2.0 2.0\n'
    )
    assert files['Main/comp4_det_test_person.txt'] == b'2008_000006 0.500000 5.0 6.2 5.0 7.0\n'
    assert files['Main/comp4_det_test_cat.txt'] == b''


def write_test_images(root: pathlib.Path) -> pathlib.Path:
    voc = root / 'VOCdevkit' / 'VOC2012'
    for name in ('2008_000006', '2008_000011', '2009_000001'):
        random_image(voc / 'JPEGImages' / f'{name}.jpg', 30, 40)
    save_list(voc / 'ImageSets' / 'Segmentation' / 'test.txt', ('2009_000001', '2008_000006'))
    save_list(voc / 'ImageSets' / 'Main' / 'test.txt', ('2008_000006', '2008_000011'))
    return voc


@pytest.mark.slow
def test_the_results_are_those_of_the_network_on_the_listed_images(exported, tmp_path):
    voc, out = write_test_images(tmp_path), tmp_path / 'out'
    call_main(voc_server.main, '--checkpoint', exported, '--source', tmp_path, '--out', out)
    results = out / 'results' / 'VOC2012'
    maps = sorted((results / 'Segmentation' / 'comp6_test_cls').iterdir())
    assert [path.name for path in maps] == ['2008_000006.png', '2009_000001.png']
    predicted = UberNet.load(exported).predict(voc / 'JPEGImages' / '2008_000006.jpg')
    np.testing.assert_array_equal(np.asarray(Image.open(maps[0])), predicted.segmentation)
    # The evaluator reads the files as those of other programs.
    assert len(list((results / 'Main').iterdir())) == 20
    read = read_detections(results / 'Main', VOC_CLASSES[1:])
    assert set(read) <= {'2008_000006', '2008_000011'}
    boxes = read['2008_000006']
    order = np.argsort(-boxes.scores, kind='stable')
    assert len(order) == len(predicted.detection) > 0
    np.testing.assert_allclose(boxes.scores[order], predicted.detection.scores, atol=1e-6)
    np.testing.assert_allclose(boxes.boxes[order], predicted.detection.corners, atol=0.051)
    with tarfile.open(out / 'results.tgz') as archive:
        assert f'results/VOC2012/Segmentation/comp6_test_cls/{maps[0].name}' in archive.getnames()
    with pytest.raises(UserError, match=f'{out / "results"} exists'):
        call_main(voc_server.main, '--checkpoint', exported, '--source', tmp_path, '--out', out)


@pytest.mark.parametrize(
    ('tasks', 'message'),
    [(('normals', 'parts'), 'normals, parts'), (('segmentation',), 'Segmentation/test.txt')],
)
def test_tasks_that_voc_does_not_score_and_missing_lists_are_refused(
    tasks, message, exported, tmp_path
):
    voc = write_test_images(tmp_path)
    (voc / 'ImageSets' / 'Segmentation' / 'test.txt').unlink()
    words = ('--checkpoint', exported, '--source', voc, '--out', tmp_path / 'out', '--tasks')
    with pytest.raises(UserError, match=message):
        call_main(voc_server.main, *words, *tasks)
    assert not (tmp_path / 'out').exists()
