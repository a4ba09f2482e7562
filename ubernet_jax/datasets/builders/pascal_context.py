"""PASCAL-Context: 10,103 VOC2010 photographs with every pixel in one of 459 classes (Mottaghi et
al., CVPR 2014).
"""

import pathlib

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import list_items, read_image
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.reading import require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif


class PascalContext(Builder):
    """Reads `trainval/ID.mat` beside the `JPEGImages` and `ImageSets/Main` of VOC2010.

    `boundaries` lie between any two classes, objects and background alike; the paper trains on
    them together with BSDS500. They come from a single annotation, so every pixel is 0 or 255. The
    class `unknown` is treated like any other class.
    """

    name = 'pascal_context'
    collection = 'PASCAL VOC'
    folders = ('', 'VOC2010', 'VOCdevkit/VOC2010')
    marker = 'trainval/*.mat'
    labels = {'boundaries': STANDARD['boundaries']}
    card = Card(
        tasks=('boundaries',),
        counts={'train': 4998, 'val': 5105},
        home='https://cs.stanford.edu/~roozbeh/pascal-context/',
        licence="research; photographs under Flickr's terms",
        citation='Mottaghi et al., The Role of Context for Object Detection and Semantic '
        'Segmentation in the Wild, CVPR 2014',
        archives=('trainval.tar.gz', 'VOCtrainval_03-May-2010.tar'),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        patterns = ('JPEGImages/{}.jpg', 'trainval/{}.mat')
        return {
            split: list_items(source, source / 'ImageSets' / 'Main' / f'{split}.txt', patterns)
            for split in ('train', 'val')
        }

    def read(
        self, item: tuple[pathlib.Path, ...], exif: Exif = Exif.REFUSE
    ) -> tuple[Example, bytes]:
        image_path, map_path = item
        image, encoded_image = read_image(image_path, exif)
        classes = read_matlab(map_path, 'LabelMap', lambda array: as_map(array, largest=65_535))
        require_size(map_path, classes, image.shape[:2])
        boundaries = LineMap(share=np.where(find_boundaries(classes), np.uint8(255), np.uint8(0)))
        example = Example(id=image_path.stem, image=image, labels={'boundaries': boundaries})
        return example, encoded_image


def find_boundaries(regions: np.ndarray) -> np.ndarray:
    """Finds the lines between regions, one pixel wide, in the same way as BSDS500.

    A pixel is on a boundary if the pixel to the right, below, or diagonally to the right below
    belongs to another region.

    Args:
      regions: integers (H, W).

    Returns:
      bool (H, W).
    """
    padded = np.pad(regions, ((0, 1), (0, 1)), mode='edge')
    right, below, diagonal = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    return (regions != right) | (regions != below) | (regions != diagonal)
