"""Reads boxes from VOC's XML annotations and `comp4` text files, and from JSON files.

VOC counts pixels from 1 and includes x2 and y2. The module `boxes` and the JSON files count from 0
and exclude them: `[{"box": [x1, y1, x2, y2], "label": "dog", "score": 0.9, "difficult": false}]`.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ubernet_jax.metrics.boxes import ScoredBoxes
from ubernet_jax.metrics.metric import MetricError

_CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')

# Errors of JSON that is not a list of dictionaries with four numbers each.
_MALFORMED = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


def read_entries(path: pathlib.Path) -> Any:
    """Reads a JSON file without checks, or VOC's XML converted to the structure of the JSON files.

    Raises:
      MetricError: the file cannot be read.
    """
    return _read_json(path) if path.suffix == '.json' else _read_xml(path)


def read_detections(
    path: pathlib.Path, class_names: Sequence[str], task: str = 'detection'
) -> dict[str, ScoredBoxes]:
    """Reads the detections of all images; hidden files are ignored.

    Args:
      path: a JSON file (image -> list of boxes); a folder with one JSON file per image; a folder
        with VOC's text files, one per class, named `comp4_det_SPLIT_CLASS.txt`; or a folder with
        one subfolder per image that contains `TASK.json`, as `predict` writes it.
      class_names: the classes in the order of their indices.
      task: name of the JSON file in the subfolders.

    Returns:
      Image -> detections. Images that no file mentions are absent.

    Raises:
      MetricError: there are no files, a file cannot be read, or it contains an unknown class.
    """
    if path.is_file():
        entries = _read_json(path)
        if not isinstance(entries, dict):
            raise MetricError(f'{path} must contain a JSON object: image -> list of boxes')
        return {name: _detections(boxes, class_names, path) for name, boxes in entries.items()}
    files = {file.stem: file for file in _find(path, '*.json')}
    files |= {file.parent.name: file for file in _find(path, f'*/{task}.json')}
    if files:
        return {
            name: _detections(_read_json(file), class_names, file) for name, file in files.items()
        }
    tables = _find(path, '*_det_*_*.txt')
    if not tables:
        raise MetricError(
            f'{path} contains neither files ID.json, nor files comp4_det_SPLIT_CLASS.txt, nor '
            f'folders ID with a file {task}.json'
        )
    entries = _read_comp4(tables)
    return {name: _detections(boxes, class_names, path) for name, boxes in entries.items()}


def _read_comp4(tables: Sequence[pathlib.Path]) -> dict[str, list[dict[str, Any]]]:
    """Reads VOC's text files into entries as in a JSON file: image -> entries."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        label = table.stem.rsplit('_', 1)[1]
        for number, line in enumerate(_read_lines(table), 1):
            try:
                name, *numbers = line.split()
                score, *box = map(float, numbers)
                entry = {'label': label, 'score': score, 'box': _zero_based(box)}
            except ValueError as error:
                raise MetricError(
                    f'{table}, line {number} is {line!r}; it must be IMAGE SCORE X1 Y1 X2 Y2'
                ) from error
            entries.setdefault(name, []).append(entry)
    return entries


def _find(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith('.'))


def _detections(
    entries: list[dict[str, Any]], class_names: Sequence[str], path: pathlib.Path
) -> ScoredBoxes:
    try:
        boxes = np.array([entry['box'] for entry in entries], np.float64).reshape(-1, 4)
        scores = np.array([entry['score'] for entry in entries], np.float64)
        labels = [entry['label'] for entry in entries if 'label' in entry]
    except _MALFORMED as error:
        raise MetricError(
            f'{path}: every detection must have "box" [x1, y1, x2, y2] and "score"; {error}'
        ) from error
    classes = _indices(labels, class_names, path) if labels else None
    return ScoredBoxes(boxes=boxes, scores=scores, classes=classes)


def _indices(labels: list[str], class_names: Sequence[str], path: pathlib.Path) -> np.ndarray:
    unknown = [label for label in labels if label not in class_names]
    if unknown:
        raise MetricError(
            f'{path} contains the class {unknown[0]!r}; the known classes are '
            f'{", ".join(class_names)} (set them with --classes)'
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
    """Converts an `object` element of VOC's XML to an entry as in a JSON file."""
    label = item.findtext('name')
    if label is None:
        raise MetricError(f'{what} cannot be read: it has no name')
    try:
        box = _zero_based([float(item.findtext(f'bndbox/{corner}', '')) for corner in _CORNERS])
    except ValueError as error:
        raise MetricError(
            f'{what} cannot be read: its bndbox needs the numbers {", ".join(_CORNERS)}; {error}'
        ) from error
    difficult = item.findtext('difficult', '0').strip() == '1'
    return {'label': label, 'box': box, 'difficult': difficult}


def _zero_based(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1 - 1, y1 - 1, x2, y2]
