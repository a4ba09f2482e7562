"""Datasets of users in COCO's format, from any tool: `coco/NAME`."""

import pathlib
from collections.abc import Sequence

from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.coco_json import (
    Document,
    file_name,
    image_size,
    read_document,
    read_objects,
)
from ubernet_jax.datasets.builders.coco_layouts import LAYOUTS, Part, find_image, find_parts
from ubernet_jax.datasets.builders.files import check_exist
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
from ubernet_jax.errors import UserError, name_some
from ubernet_jax.labels.kind import check_class_names


class CocoSet(InstanceBuilder, NamedBuilder):
    """Reads objects with boxes and masks from `LAYOUTS`; the categories are the classes.

    An image without an annotation contains no object of these classes.
    """

    name = 'coco'
    marker = '**/*.json'
    layouts = f'Known layouts: {LAYOUTS}'
    card = Card(tasks=(BOXES, MASKS), licence='whatever yours has')

    def list_splits(self, source: pathlib.Path) -> dict[str, Sequence[Item]]:
        parts = find_parts(source)
        if not parts:
            raise UserError(f'{source} has no annotation file where one is known: {LAYOUTS}')
        documents = [read_document(part.path) for part in parts]
        classes = self._name_classes(documents)
        index = {name: number for number, name in enumerate(classes)}
        files = ', '.join(str(part.path.relative_to(source)) for part in parts)
        self.remarks.append(f'made from {files} in the format of COCO')
        corrections = Corrections()
        splits = {
            part.split: _list_items(part, document, index, corrections)
            for part, document in zip(parts, documents, strict=True)
        }
        self.remarks.extend(corrections.describe())
        items = [item for of_split in splits.values() for item in of_split]
        self.use_classes(classes, items)
        if empty := sum(not instances for _, _, instances, _, _ in items):
            self.remarks.append(
                f'{empty} images have no annotation: they count as images without any object'
            )
        return self.divide(splits, source)

    def _name_classes(self, documents: Sequence[Document]) -> tuple[str, ...]:
        """Returns the classes of all files: the background, and the categories in their order."""
        unused = set.intersection(*(set(document.placeholders) for document in documents))
        names = [
            [name for name in document.categories.values() if name not in unused]
            for document in documents
        ]
        if unused:
            self.remarks.append(f'categories without objects were dropped: {sorted(unused)}')
        union = list(dict.fromkeys(name for of_file in names for name in of_file))
        for document, of_file in zip(documents, names, strict=True):
            what = f'{document.path}, with the {BACKGROUND} before its categories,'
            check_class_names((BACKGROUND, *of_file), what)
            if absent := [name for name in union if name not in of_file]:
                self.remarks.append(
                    f'{document.path.name} lacks the categories {name_some(absent)} of the other '
                    'files: the lists were merged'
                )
        check_class_names((BACKGROUND, *union), 'the annotation files together')
        return BACKGROUND, *union


def _list_items(
    part: Part, document: Document, index: dict[str, int], corrections: Corrections
) -> list[Item]:
    if not document.images:
        raise UserError(f'{part.path} has no image in its list "images"; export it again')
    objects = read_objects(document, index, corrections)
    items: list[Item] = [
        (
            find_image(file_name(document, key), part),
            image_size(document, key),
            objects.get(key, []),
            [BOXES],
            [],
        )
        for key in document.images
    ]
    check_exist([item[0] for item in items], named_by=part.path)
    refuse_same_ids(items)
    return items
