"""BSDS500: boundaries of photographs by 4 to 9 annotators each (Arbelaez et al., TPAMI 2011)."""

import functools
import pathlib

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import (
    check_exist,
    image_id,
    list_by_id,
    list_images,
    read_image,
)
from ubernet_jax.datasets.builders.left_out import LeftOut
from ubernet_jax.datasets.builders.matlab import read_matlab
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap, parse_annotators
from ubernet_jax.labels.reading import require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif


class Bsds500(Builder):
    """Reads `data/images/SPLIT/ID.jpg` and `data/groundTruth/SPLIT/ID.mat`, as downloaded.

    `boundaries` keeps the lines of all annotators.
    """

    name = 'bsds500'
    folders = ('', 'BSDS500', 'BSR/BSDS500')
    marker = 'data/images'
    labels = {'boundaries': STANDARD['boundaries']}
    card = Card(
        tasks=('boundaries',),
        counts={'train': 200, 'val': 100, 'test': 200},
        home='https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html',
        licence='non-commercial research and education',
        citation='Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, '
        'TPAMI 2011',
        archives=('BSR_bsds500.tgz',),
        size='71 MB',
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        return {
            split: _list_pairs(source / 'data', split, self.left_out[split])
            for split in ('train', 'val', 'test')
        }

    def read(
        self, item: tuple[pathlib.Path, ...], exif: Exif = Exif.REFUSE
    ) -> tuple[Example, bytes]:
        image_path, truth_path = item
        image, encoded_image = read_image(image_path, exif)
        parse = functools.partial(parse_annotators, truth_path)
        boundaries = LineMap.of_annotators(read_matlab(truth_path, 'groundTruth', parse))
        require_size(truth_path, boundaries.share, image.shape[:2])
        example = Example(id=image_id(image_path), image=image, labels={'boundaries': boundaries})
        return example, encoded_image


def _list_pairs(
    data: pathlib.Path, split: str, left_out: LeftOut
) -> list[tuple[pathlib.Path, ...]]:
    images = list_images(data / 'images' / split, left_out)
    folder = data / 'groundTruth' / split
    truths = [folder / f'{image.stem}.mat' for image in images]
    check_exist(truths)
    for path in list_by_id(folder, ('.mat',), left_out).values():
        if path not in truths:
            left_out.add(path, 'annotations without an image')
    return list(zip(images, truths, strict=True))
