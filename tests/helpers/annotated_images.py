"""Images annotated in the formats of COCO and YOLO, as annotation tools export them."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.dataset_files import random_image, save_list, write_json

HEIGHT, WIDTH = 30, 40
CATEGORIES = {1: 'cat', 2: 'dog'}


def annotation(image: int, category: int, box: Sequence[float], **fields: Any) -> dict[str, Any]:
    """An annotation of COCO's format with a box x, y, width, height."""
    plain = {'image_id': image, 'category_id': category, 'bbox': list(box), 'iscrowd': 0}
    return plain | {'segmentation': []} | fields


def document(
    names: Sequence[str],
    annotations: Sequence[dict[str, Any]] = (),
    categories: Mapping[int, str] = CATEGORIES,
    first: int = 1,
) -> dict[str, Any]:
    """A file of COCO's format; the ids of the images count from `first`."""
    return {
        'images': [
            {'id': number, 'file_name': name, 'width': WIDTH, 'height': HEIGHT}
            for number, name in enumerate(names, first)
        ],
        'annotations': [{'id': number, **entry} for number, entry in enumerate(annotations, first)],
        'categories': [{'id': key, 'name': name} for key, name in categories.items()],
    }


def write_coco_set(
    source: pathlib.Path,
    path: str = 'annotations/instances_train.json',
    folder: str = 'images/train',
    **changes: Any,
) -> pathlib.Path:
    """Writes two images, the first with a cat and a dog; returns the annotation file.

    `changes` are lists that replace those of the file.
    """
    names = ['a.jpg', 'b.jpg']
    for name in names:
        random_image(source / folder / name, HEIGHT, WIDTH)
    content = document(names, [annotation(1, 1, (2, 3, 10, 8)), annotation(1, 2, (20, 5, 20, 25))])
    write_json(source / path, content | changes)
    return source / path


def write_yolo_set(
    source: pathlib.Path,
    lines: Sequence[str] = ('0 0.5 0.5 0.25 0.2',),
    names: Sequence[str] = ('cat', 'dog'),
    splits: Sequence[str] = ('train', 'val'),
) -> pathlib.Path:
    """Writes an image in each split, all with the same lines; returns the label file of `train`."""
    yaml = [f'{split}: images/{split}' for split in splits]
    for split in splits:
        random_image(source / 'images' / split / f'{split}.jpg', HEIGHT, WIDTH)
        save_list(source / 'labels' / split / f'{split}.txt', tuple(lines))
    save_list(source / 'data.yaml', (*yaml, f'names: [{", ".join(names)}]'))
    return source / 'labels' / splits[0] / f'{splits[0]}.txt'
