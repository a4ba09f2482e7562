"""Datasets of users in the format of YOLO: `yolo/NAME`."""

import pathlib
from collections.abc import Sequence

from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.instances import (
    BACKGROUND,
    BOXES,
    MASKS,
    Corrections,
    InstanceBuilder,
    Item,
    refuse_same_ids,
)
from ubernet_jax.datasets.builders.named import NamedBuilder
from ubernet_jax.datasets.builders.yolo_layouts import LAYOUTS, YoloFolder, find_yolo, label_file
from ubernet_jax.datasets.builders.yolo_lines import read_lines
from ubernet_jax.errors import UserError, name_some
from ubernet_jax.labels.kind import check_class_names


class YoloSet(InstanceBuilder, NamedBuilder):
    """Reads boxes and polygons from `LAYOUTS`. An image without a label file is unlabelled."""

    name = 'yolo'
    marker = '*'
    card = Card(tasks=(BOXES, MASKS), licence='whatever yours has')

    def list_splits(self, source: pathlib.Path) -> dict[str, Sequence[Item]]:
        found = find_yolo(source)
        classes = BACKGROUND, *found.names
        check_class_names(classes, f'{found.named_by}, with the background before its names,')
        self.remarks.append(f'made from {found.named_by.name} and text files of YOLO')
        corrections = Corrections()
        splits = {
            split: self._list_items(found, source, paths, corrections)
            for split, paths in found.images.items()
        }
        _refuse_shared(found)
        self.remarks.extend(corrections.describe())
        items = [item for of_split in splits.values() for item in of_split]
        unlabelled = [str(path) for path, _, _, names, _ in items if not names]
        if len(unlabelled) == len(items):
            raise UserError(
                f'{source}: none of the {len(items)} images has a label file, such as '
                f'{label_file(items[0][0], source)}. Known layouts: {LAYOUTS}'
            )
        self.use_classes(classes, items)
        if unlabelled:
            self.remarks.append(
                f'{len(unlabelled)} images have no label file and are unlabelled: '
                f'{name_some(unlabelled)}; an empty file would mean that there is no object'
            )
        return self.divide(splits, source)

    def _list_items(
        self,
        found: YoloFolder,
        source: pathlib.Path,
        paths: Sequence[pathlib.Path],
        corrections: Corrections,
    ) -> list[Item]:
        items: list[Item] = []
        labels = {path: label_file(path, source) for path in paths}
        for path, file in labels.items():
            if file.is_file():
                objects = read_lines(file, found.names, found.named_by, corrections)
                items.append((path, None, objects, [BOXES], [file]))
            else:
                items.append((path, None, [], [], []))
        refuse_same_ids(items)
        for folder in sorted({file.parent for file in labels.values()}):
            for file in sorted(folder.glob('*.txt')):
                if file not in labels.values():
                    raise UserError(
                        f'{file} has no image of the same name beside it or in the folder of '
                        'images; remove it, or add the image'
                    )
        return items


def _refuse_shared(found: YoloFolder) -> None:
    """Raises a UserError if an image is in two splits."""
    owner: dict[pathlib.Path, str] = {}
    for split, paths in found.images.items():
        for path in paths:
            if owner.setdefault(path, split) != split:
                raise UserError(
                    f'{path} is in the splits {owner[path]} and {split}: name other images in '
                    f'{found.named_by}, or remove one of the splits and give --test-share 0.2'
                )
