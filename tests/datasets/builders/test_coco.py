"""COCO 2017: classes and errors in files; test_datasets.py covers reading."""

import json

from helpers.dataset_files import random_image, write_json
from helpers.tiny_box_datasets import write_coco
from ubernet_jax.datasets.builders.coco import COCO_CLASSES


def test_the_classes_of_coco():
    assert len(COCO_CLASSES) == 1 + 80
    assert len(set(COCO_CLASSES)) == 81
    assert [COCO_CLASSES[i] for i in (1, 12, 40, 41, 80)] == [
        'person', 'stop sign', 'bottle', 'wine glass', 'toothbrush',
    ]  # fmt: skip


def test_invalid_instances(tmp_path, refuses):
    write_coco(tmp_path)
    path = tmp_path / 'coco/annotations/instances_train2017.json'
    content = json.loads(path.read_text())
    for errors, message in (
        ({'categories': content['categories'][1:]}, 'categories'),
        ({'annotations': [{'image_id': 9, 'category_id': 1}]}, 'annotations[0] has the bbox None'),
        (
            {'annotations': [{'bbox': [0] * 4, 'category_id': 41, 'image_id': 9, 'iscrowd': 0}]},
            'category_id 41',
        ),
    ):
        write_json(path, content | errors)
        refuses('coco2017', path, message)
    path.write_text('{')
    refuses('coco2017', path, 'JSON')
    path.unlink()
    refuses('coco2017', f'no file {path}')


def test_images_that_differ_from_their_annotation(tmp_path, refuses):
    write_coco(tmp_path)
    path = tmp_path / 'coco/val2017/000000000139.jpg'
    random_image(path, 40, 30)
    refuses('coco2017', path, '30 x 40', '40 x 30')
    path.unlink()
    refuses('coco2017', path, 'instances_val2017.json')
