"""Reading boxes: VOC's XML annotations and `comp4` text files, and JSON files.

VOC counts pixels from 1 and includes x2 and y2; `boxes` counts from 0 and excludes them, and so do
the JSON files: `[{"box": [x1, y1, x2, y2], "label": "dog", "score": 0.9, "difficult": false}]`.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ubernet_jax.metrics.boxes import ScoredBoxes
from ubernet_jax.metrics.metric import MetricError

SIDES = ('xmin', 'ymin', 'xmax', 'ymax')

# What a JSON file raises that is no list of dictionaries with four numbers.
_UNLIKE_ENTRIES = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


def read_entries(path: pathlib.Path) -> Any:
    """What a JSON file holds, unchecked; of VOC's XML, what a JSON file of the same boxes would.

    Raises:
      MetricError: the file cannot be read.
    """
    return _read_json(path) if path.suffix == '.json' else _read_xml(path)


def read_detections(
    path: pathlib.Path, class_names: Sequence[str], task: str = 'detection'
) -> dict[str, ScoredBoxes]:
    """ScoredBoxes of all images; hidden files are passed over.

    Args:
      path: a JSON file (image -> list of boxes), a folder with one JSON file an image, a folder
        with VOC's text files, one a class, named `comp4_det_SPLIT_CLASS.txt`, or a folder with one
        folder an image, as `predict` writes it, and `TASK.json` in each.
      class_names: the classes in the order of their indices.
      task: name of the file in the folders of images.

    Returns:
      Image -> detections; images without a word about them are absent.

    Raises:
      MetricError: nothing is there, a file cannot be read, or names an unknown class.
    """
    if path.is_file():
        entries = _read_json(path)
        if not isinstance(entries, dict):
            raise MetricError(f'{path} must hold an object: image -> list of boxes')
        return {name: _detections(boxes, class_names, path) for name, boxes in entries.items()}
    documents = {doc.stem: doc for doc in _find(path, '*.json')}
    documents |= {doc.parent.name: doc for doc in _find(path, f'*/{task}.json')}
    if documents:
        return {
            name: _detections(_read_json(doc), class_names, doc) for name, doc in documents.items()
        }
    tables = _find(path, '*_det_*_*.txt')
    if not tables:
        raise MetricError(
            f'{path} holds neither ID.json files nor comp4_det_SPLIT_CLASS.txt files, nor folders '
            f'ID with {task}.json'
        )
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        label = table.stem.rsplit('_', 1)[1]
        for number, line in enumerate(_read_lines(table), 1):
            try:
                name, *numbers = line.split()
                score, *box = map(float, numbers)
                entry = {'label': label, 'score': score, 'box': _zero_based(box)}
            except ValueError as error:
                raise MetricError(
                    f'{table}, line {number}: needed are IMAGE SCORE X1 Y1 X2 Y2, got {line!r}'
                ) from error
            rows.setdefault(name, []).append(entry)
    return {name: _detections(entries, class_names, path) for name, entries in rows.items()}


def _find(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith('.'))


def _detections(
    entries: list[dict[str, Any]], class_names: Sequence[str], path: pathlib.Path
) -> ScoredBoxes:
    try:
        boxes = np.array([entry['box'] for entry in entries], np.float64).reshape(-1, 4)
        scores = np.array([entry['score'] for entry in entries], np.float64)
        labels = [entry['label'] for entry in entries if 'label' in entry]
    except _UNLIKE_ENTRIES as error:
        raise MetricError(
            f'{path}: each detection needs "box" [x1, y1, x2, y2] and "score"; {error}'
        ) from error
    classes = _indices(labels, class_names, path) if labels else None
    return ScoredBoxes(boxes=boxes, scores=scores, classes=classes)


def _indices(labels: list[str], class_names: Sequence[str], path: pathlib.Path) -> np.ndarray:
    unknown = [label for label in labels if label not in class_names]
    if unknown:
        raise MetricError(
            f'{path} holds the class {unknown[0]!r}: known are {", ".join(class_names)} (--classes)'
        )
    index = {name: i for i, name in enumerate(class_names)}
    return np.array([index[label] for label in labels], np.int64)


def _read_lines(path: pathlib.Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except UnicodeDecodeError as error:
        raise MetricError(f'{path} cannot be read as text: {error}') from error


def _read_json(path: pathlib.Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (ValueError, RecursionError, OSError) as error:
        raise MetricError(f'{path} cannot be read as JSON: {error}') from error


def _read_xml(path: pathlib.Path) -> list[dict[str, Any]]:
    try:
        items = list(ElementTree.parse(path).iter('object'))
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise MetricError(f'{path} cannot be read as an annotation of VOC: {error}') from error
    return [_entry(item, f'{path}, box {number}') for number, item in enumerate(items, 1)]


def _entry(item: ElementTree.Element, what: str) -> dict[str, Any]:
    """An `object` of VOC's XML as an entry of a JSON file."""
    label = item.findtext('name')
    if label is None:
        raise MetricError(f'{what} cannot be read: it has no name')
    try:
        box = _zero_based([float(item.findtext(f'bndbox/{side}', '')) for side in SIDES])
    except ValueError as error:
        raise MetricError(
            f'{what} cannot be read: its bndbox needs the numbers {", ".join(SIDES)}; {error}'
        ) from error
    difficult = item.findtext('difficult', '0').strip() == '1'
    return {'label': label, 'box': box, 'difficult': difficult}


def _zero_based(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1 - 1, y1 - 1, x2, y2]
