"""PASCAL-Person-Part: the parts of people in VOC2010 photographs, merged to six (Chen et al., CVPR
2014; merged and split as in Chen et al., CVPR 2016, Attention to Scale).
"""

import pathlib

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import list_items, read_image
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels.reading import require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif

_LISTS = 'pascal_person_part/pascal_person_part_trainval_list'

# Part of a person in PASCAL-Part -> index in `PERSON_PARTS`; l and r are left and right.
MERGED_PARTS = {
    'head': 1, 'hair': 1, 'leye': 1, 'reye': 1, 'lear': 1, 'rear': 1, 'lebrow': 1, 'rebrow': 1,
    'nose': 1, 'mouth': 1,
    'torso': 2, 'neck': 2,
    'luarm': 3, 'ruarm': 3,
    'llarm': 4, 'rlarm': 4, 'lhand': 4, 'rhand': 4,
    'luleg': 5, 'ruleg': 5,
    'llleg': 6, 'rlleg': 6, 'lfoot': 6, 'rfoot': 6,
}  # fmt: skip


class PersonPart(Builder):
    """Reads `Annotations_Part/ID.mat` beside VOC2010's `JPEGImages`, and Chen et al.'s lists.

    In `parts`, every pixel outside of the parts of a person is background, including other
    objects. Where parts overlap, the part later in the file is on top.
    """

    name = 'person_part'
    collection = 'PASCAL VOC'
    folders = ('', 'VOC2010', 'VOCdevkit/VOC2010')
    marker = 'Annotations_Part'
    labels = {'parts': STANDARD['parts']}
    card = Card(
        tasks=('parts',),
        counts={'train': 1716, 'val': 1817},
        home='http://roozbehm.info/pascal-parts/pascal-parts.html',
        licence="research; photographs under Flickr's terms",
        citation='Chen et al., Detect What You Can: Detecting and Representing Objects using '
        'Holistic Models and Body Parts, CVPR 2014',
        archives=('trainval.tar.gz', 'pascal_person_part.zip', 'VOCtrainval_03-May-2010.tar'),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        patterns = ('JPEGImages/{}.jpg', 'Annotations_Part/{}.mat')
        return {
            split: list_items(source, source / _LISTS / f'{split}_id.txt', patterns)
            for split in ('train', 'val')
        }

    def read(
        self, item: tuple[pathlib.Path, ...], exif: Exif = Exif.REFUSE
    ) -> tuple[Example, bytes]:
        image_path, part_path = item
        image, encoded_image = read_image(image_path, exif)
        parts = draw_parts(part_path, image.shape[:2])
        example = Example(id=image_path.stem, image=image, labels={'parts': parts})
        return example, encoded_image


def draw_parts(path: pathlib.Path, size: tuple[int, int]) -> np.ndarray:
    """Draws the parts of all people in a file of PASCAL-Part: uint8 (H, W), see `MERGED_PARTS`.

    Raises:
      UserError: the file is damaged, a part is unknown, or a mask is not of this size.
    """
    parts = np.zeros(size, np.uint8)
    for name, mask in read_matlab(path, 'anno', _parse_parts):
        require_size(path, mask, size)
        if name not in MERGED_PARTS:
            raise UserError(
                f'{path}: {name!r} is not a known part of a person; known: '
                f'{", ".join(MERGED_PARTS)}. Use the file as it was published'
            )
        parts[mask != 0] = MERGED_PARTS[name]
    return parts


def _parse_parts(annotation: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Returns name and mask (H, W) of every part of every person."""
    return [
        (part['part_name'].item(), as_map(part['mask']))
        for annotated in annotation[0, 0]['objects'].ravel()
        if annotated['class'].item() == 'person'
        for part in annotated['parts'].ravel()
    ]
