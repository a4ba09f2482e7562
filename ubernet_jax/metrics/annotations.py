"""Reads detections from JSON files, from VOC's `comp4` text files, and from the output of predict.

VOC counts pixels from 1 and includes x2 and y2. The module `boxes` and the JSON files count from 0
and exclude them: `[{"box": [x1, y1, x2, y2], "label": "dog", "score": 0.9}]`.
"""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ubernet_jax.metrics.boxes import ScoredBoxes
from ubernet_jax.metrics.file_bytes import MAX_JSON_BYTES, read_bytes
from ubernet_jax.metrics.json_text import parse_json
from ubernet_jax.metrics.metric import MetricError

_TABLES = '*_det_*_*.txt'


class ImageDetections(dict[str, ScoredBoxes]):
    """Image -> detections. Images that no file mentions are absent.

    Attributes:
      files: all files that were read.
      sources: image -> the files that mention it.
      classes_without_file: the classes without a text file of VOC; empty for JSON files, which can
        contain all classes.
    """

    def __init__(self, classes_without_file: Iterable[str] = ()) -> None:
        super().__init__()
        self.files: list[pathlib.Path] = []
        self.sources: dict[str, list[pathlib.Path]] = {}
        self.classes_without_file = tuple(classes_without_file)


def read_detections(
    path: pathlib.Path, class_names: Sequence[str], task: str = 'detection'
) -> ImageDetections:
    """Reads the detections of all images; hidden files are ignored.

    Args:
      path: a JSON file (image -> list of boxes); a folder with one JSON file per image; a folder
        with VOC's text files of one run and one split, one per class, named
        `comp4_det_SPLIT_CLASS.txt`; or a folder with one subfolder per image that contains
        `TASK.json`, as `predict` writes it.
      class_names: the classes in the order of their indices.
      task: name of the JSON file in the subfolders.

    Raises:
      MetricError: there are no files, several files are for the same image, class or purpose, a
        file cannot be read or contains an unknown class, or no coordinate of all is above 1.
    """
    if path.is_file():
        detections = _read_document(path, class_names)
    else:
        tables = _find(path, _TABLES)
        files = _find_images(path, task)
        if files and tables:
            raise MetricError(
                f'{path} contains both {next(iter(files.values())).relative_to(path)} and '
                f'{tables[0].name}, which are different forms of detections: remove one of them'
            )
        if not files and not tables:
            raise MetricError(
                f'{path} contains neither files ID.json, nor files comp4_det_SPLIT_CLASS.txt, nor '
                f'folders ID with a file {task}.json'
            )
        detections = (
            _read_tables(path, tables, class_names) if tables else _read_images(files, class_names)
        )
    _require_pixels(path, detections)
    return detections


def _find_images(folder: pathlib.Path, task: str) -> dict[str, pathlib.Path]:
    """Returns image -> JSON file; raises MetricError if there are two files for one image."""
    files = {path.stem: path for path in _find(folder, '*.json')}
    outputs = {path.parent.name: path for path in _find(folder, f'*/{task}.json')}
    for name in files.keys() & outputs.keys():
        raise MetricError(
            f'{files[name]} and {outputs[name]} belong to the same image: remove one of them'
        )
    return files | outputs


def _read_document(path: pathlib.Path, class_names: Sequence[str]) -> ImageDetections:
    entries = _read_json(path)
    if not isinstance(entries, dict):
        raise MetricError(f'{path} must contain a JSON object: image -> list of boxes')
    detections = ImageDetections()
    detections.files = [path]
    for name, boxes in entries.items():
        detections[name] = _to_boxes(boxes, class_names, path)
        detections.sources[name] = [path]
    return detections


def _read_images(files: Mapping[str, pathlib.Path], class_names: Sequence[str]) -> ImageDetections:
    detections = ImageDetections()
    detections.files = list(files.values())
    for name, file in files.items():
        detections[name] = _to_boxes(_read_json(file), class_names, file)
        detections.sources[name] = [file]
    return detections


def _read_tables(
    folder: pathlib.Path, tables: Sequence[pathlib.Path], class_names: Sequence[str]
) -> ImageDetections:
    """Reads VOC's text files, one per class, which must be of the same run and split."""
    labels = {table: _class_of(table, class_names) for table in tables}
    runs = {table.stem.removesuffix(f'_{label}'): table for table, label in labels.items()}
    if len(runs) > 1:
        raise MetricError(
            f'{folder} contains results of {len(runs)} runs or splits: '
            f'{", ".join(table.name for table in runs.values())}; keep the files of only one '
            'in the folder'
        )
    absent = [name for name in class_names if name not in labels.values()]
    detections, entries = ImageDetections(absent), {}
    detections.files = list(tables)
    for table, label in labels.items():
        for name, entry in _read_table(table, label):
            entries.setdefault(name, []).append(entry)
            sources = detections.sources.setdefault(name, [])
            if table not in sources:
                sources.append(table)
    for name, boxes in entries.items():
        detections[name] = _to_boxes(boxes, class_names, folder)
    return detections


def _class_of(table: pathlib.Path, class_names: Sequence[str]) -> str:
    """Returns the longest class name at the end of the file's name."""
    matches = [name for name in class_names if table.stem.endswith(f'_{name}')]
    if not matches:
        raise MetricError(
            f'{table} is not named comp4_det_SPLIT_CLASS.txt with a known class; the known classes '
            f'are {", ".join(class_names)} (set them with --classes)'
        )
    return max(matches, key=len)


def _read_table(table: pathlib.Path, label: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yields image and entry for each line of a text file."""
    try:
        lines = table.read_bytes().decode('utf-8-sig').splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise MetricError(f'{table} cannot be read as text: {error}') from error
    for number, line in enumerate(lines, 1):
        try:
            name, *numbers = line.split()
            score, x1, y1, x2, y2 = map(float, numbers)
        except ValueError as error:
            raise MetricError(
                f'{table}, line {number} is {line!r}; it must be IMAGE SCORE X1 Y1 X2 Y2'
            ) from error
        yield name, {'label': label, 'score': score, 'box': [x1 - 1, y1 - 1, x2, y2]}


def _find(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    """Returns the files of a pattern that are neither hidden nor in a hidden folder, sorted."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if not any(part.startswith('.') for part in path.relative_to(folder).parts)
    )


def _to_boxes(entries: Any, class_names: Sequence[str], path: pathlib.Path) -> ScoredBoxes:
    if not isinstance(entries, list):
        raise MetricError(f'{path}: the detections of an image must be a list, not {entries!r:.50}')
    for entry in entries:
        if not _is_detection(entry):
            raise MetricError(
                f'{path}: every detection must have "box" [x1, y1, x2, y2] and "score", all '
                f'numbers; got {entry!r:.100}'
            )
    try:
        boxes = np.array([entry['box'] for entry in entries], np.float64).reshape(-1, 4)
        scores = np.array([entry['score'] for entry in entries], np.float64)
    except OverflowError as error:
        raise MetricError(f'{path}: a number is too large ({error})') from error
    labels = [entry['label'] for entry in entries if 'label' in entry]
    classes = _indices(labels, class_names, path) if labels else None
    return ScoredBoxes(boxes=boxes, scores=scores, classes=classes)


def _is_detection(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get('box'), list):
        return False
    numbers = [*entry['box'], entry.get('score')]
    return len(numbers) == 5 and all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
    )


def _indices(labels: list[Any], class_names: Sequence[str], path: pathlib.Path) -> np.ndarray:
    unknown = [label for label in labels if label not in class_names]
    if unknown:
        raise MetricError(
            f'{path} contains the class {unknown[0]!r}; the known classes are '
            f'{", ".join(class_names)} (set them with --classes)'
        )
    index = {name: i for i, name in enumerate(class_names)}
    return np.array([index[label] for label in labels], np.int64)


def _require_pixels(path: pathlib.Path, detections: Mapping[str, ScoredBoxes]) -> None:
    """Raises MetricError if there are boxes, but none reaches beyond the first pixel."""
    largest = [boxes.boxes.max() for boxes in detections.values() if len(boxes.boxes)]
    if largest and max(largest) <= 1:
        raise MetricError(
            f'{path}: no coordinate of all detections is above 1, but they must be in pixels: '
            'multiply x by the width of the image and y by its height'
        )


def _read_json(path: pathlib.Path) -> Any:
    try:
        return parse_json(read_bytes(path, MAX_JSON_BYTES))
    except (ValueError, RecursionError, OSError) as error:
        raise MetricError(f'{path} cannot be read as JSON: {error}') from error
