"""SBD: masks of object instances in 11,355 PASCAL VOC photographs (Hariharan et al., ICCV 2011)."""

import pathlib

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import list_items, read_image
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab
from ubernet_jax.example import Example
from ubernet_jax.labels.class_map import check_classes
from ubernet_jax.labels.reading import require_size
from ubernet_jax.labels.standard import STANDARD, VOC_CLASSES
from ubernet_jax.metrics.boundary_extraction import outline_instances
from ubernet_jax.photographs import Exif


class Sbd(Builder):
    """Reads `img/ID.jpg`, `cls/ID.mat`, `inst/ID.mat`, `train.txt` and `val.txt`, as downloaded.

    `segmentation` is `GTcls.Segmentation`. `semantic_boundaries` are the outlines of the instances,
    `GTinst.Segmentation` and `GTinst.Categories`: see `outline_instances`. The files also hold
    boundaries, a sparse matrix per class, which the benchmark scores with. These do not fit into a
    single class map: where objects touch, a pixel can be on the boundaries of several classes.
    """

    name = 'sbd'
    collection = 'PASCAL VOC'
    folders = ('', 'dataset', 'benchmark_RELEASE/dataset', 'SBD/dataset')
    marker = 'cls'
    labels = {name: STANDARD[name] for name in ('segmentation', 'semantic_boundaries')}
    card = Card(
        tasks=('segmentation', 'semantic_boundaries'),
        counts={'train': 8498, 'val': 2857},
        home='http://home.bharathh.info/pubs/codes/SBD/download.html',
        licence="research; photographs under Flickr's terms",
        citation='Hariharan et al., Semantic Contours from Inverse Detectors, ICCV 2011',
        archives=('benchmark.tgz',),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        patterns = ('img/{}.jpg', 'cls/{}.mat', 'inst/{}.mat')
        return {
            split: list_items(source, source / f'{split}.txt', patterns)
            for split in ('train', 'val')
        }

    def read(
        self, item: tuple[pathlib.Path, ...], exif: Exif = Exif.REFUSE
    ) -> tuple[Example, bytes]:
        image_path, class_path, instance_path = item
        image, encoded_image = read_image(image_path, exif)
        segmentation = read_matlab(class_path, 'GTcls', _parse_classes)
        instances, categories = read_matlab(instance_path, 'GTinst', _parse_instances)
        for path, label in ((class_path, segmentation), (instance_path, instances)):
            require_size(path, label, image.shape[:2])
        check_classes(class_path, segmentation, VOC_CLASSES)
        check_classes(instance_path, categories, VOC_CLASSES)
        labels = {
            'segmentation': segmentation,
            'semantic_boundaries': outline_instances(instances, categories),
        }
        return Example(id=image_path.stem, image=image, labels=labels), encoded_image


def _parse_classes(truth: np.ndarray) -> np.ndarray:
    return as_map(truth[0, 0]['Segmentation']).astype(np.uint8)


def _parse_instances(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    instances = as_map(truth[0, 0]['Segmentation'], largest=65_535)
    categories = as_map(truth[0, 0]['Categories']).ravel().astype(np.uint8)
    if instances.max(initial=0) > len(categories):
        raise ValueError(f'instance {instances.max()} has no category, only {len(categories)} have')
    return instances, categories
