"""PASCAL VOC 2007 and 2012: boxes, semantic segmentation, and the boundaries between its classes.

The masks are SegmentationClassAug if it exists (VOC + SBD: Everingham et al., IJCV 2010; Hariharan
et al., ICCV 2011), otherwise those of VOC.
"""

import pathlib
from typing import ClassVar

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist, read_image, read_list
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.metrics.boundary_extraction import find_class_boundaries
from ubernet_jax.photographs import Exif


def _make_card(
    year: int, counts: dict[str, tuple[int, int]], archives: tuple[str, ...], size: str
) -> Card:
    """Returns the card of a year; `counts` maps split -> images with boxes, images with masks."""
    return Card(
        tasks=('detection', 'segmentation', 'semantic_boundaries'),
        labels={
            split: {'segmentation': masks, 'semantic_boundaries': masks, 'detection': boxes}
            for split, (boxes, masks) in counts.items()
        },
        home=f'http://host.robots.ox.ac.uk/pascal/VOC/voc{year}/',
        licence="photographs under Flickr's terms",
        citation='Everingham et al., The PASCAL Visual Object Classes (VOC) Challenge, IJCV 2010',
        archives=archives,
        size=size,
    )


class Voc(Builder, skip_registration=True):
    """Reads every image in a list of a split, with the labels of the lists that it is in.

    An image listed in `ImageSets/Segmentation` has a mask in `SegmentationClassAug` or
    `SegmentationClass`, and an image listed in `ImageSets/Main` has boxes in `Annotations`.
    Annotations of other images are ignored: those of the VOC2007 photographs among the masks of
    2012 are not training data of 2012.

    There is no boundary between two touching instances of the same class.

    Attributes:
      possible_splits: the splits to look for; a split without any list is skipped.
    """

    possible_splits: ClassVar[tuple[str, ...]]
    labels = {name: STANDARD[name] for name in ('detection', 'segmentation', 'semantic_boundaries')}

    def list_splits(self, source: pathlib.Path) -> dict[str, list[dict[str, pathlib.Path]]]:
        splits = {split: _list_items(source, split) for split in self.possible_splits}
        if not any(splits.values()):
            lists = ' or '.join(f'{split}.txt' for split in self.possible_splits)
            raise UserError(
                f'{source / "ImageSets"} has no {lists} in Main or Segmentation; '
                f'unpack {self.name} again'
            )
        return {split: items for split, items in splits.items() if items}

    def read(
        self, item: dict[str, pathlib.Path], exif: Exif = Exif.REFUSE
    ) -> tuple[Example, bytes]:
        image, encoded_image = read_image(item['images'], exif)
        labels = {
            name: self.labels[name].read(path, image.shape[:2])
            for name, path in item.items()
            if name in self.labels
        }
        if 'segmentation' in labels:
            labels['semantic_boundaries'] = find_class_boundaries(labels['segmentation'])
        return Example(id=item['images'].stem, image=image, labels=labels), encoded_image


class Voc2007(Voc):
    """Reads `VOCdevkit/VOC2007`; the separate archive of test images has the same folder."""

    name = 'voc2007'
    folders = ('', 'VOC2007', 'VOCdevkit/VOC2007')
    marker = 'JPEGImages/00*.jpg'
    possible_splits = ('train', 'val', 'test')
    card = _make_card(
        2007,
        {'train': (2501, 209), 'val': (2510, 213), 'test': (4952, 210)},
        ('VOCtrainval_06-Nov-2007.tar', 'VOCtest_06-Nov-2007.tar'),
        '911 MB',
    )


class Voc2012(Voc):
    """Reads `VOCdevkit/VOC2012`; the labels of its test images are not public."""

    name = 'voc2012'
    collection = 'PASCAL VOC'
    folders = ('', 'VOC2012', 'VOCdevkit/VOC2012')
    marker = 'JPEGImages/20*_*.jpg'
    possible_splits = ('train', 'val')
    card = _make_card(
        2012,
        {'train': (5717, 1464), 'val': (5823, 1449)},
        ('VOCtrainval_11-May-2012.tar',),
        '2.0 GB',
    )


def _list_items(source: pathlib.Path, split: str) -> list[dict[str, pathlib.Path]]:
    """Lists for each image of a split: 'images' -> its file, and task -> label file if listed."""
    augmented = source / 'SegmentationClassAug'
    masks = augmented if augmented.is_dir() else source / 'SegmentationClass'
    items: dict[str, dict[str, pathlib.Path]] = {}
    for task, lists, labels, suffix in (
        ('segmentation', 'Segmentation', masks, '.png'),
        ('detection', 'Main', source / 'Annotations', '.xml'),
    ):
        path = source / 'ImageSets' / lists / f'{split}.txt'
        ids = read_list(path) if path.exists() else []
        for name in ids:
            item = items.setdefault(name, {'images': source / 'JPEGImages' / f'{name}.jpg'})
            item[task] = labels / f'{name}{suffix}'
        check_exist([file for name in ids for file in items[name].values()], named_by=path)
    return list(items.values())
