"""The kinds and classes of the folders of labels in the folder layout.

`labels.json` describes folders. `NAME.txt` names the classes of the folder NAME, one per line, and
`classes.txt` those of the only folder whose classes nothing else names.
"""

import dataclasses
import pathlib
from collections.abc import Collection, Mapping

from absl import logging

from ubernet_jax.datasets.builders.folder_contents import CLASSES, DESCRIPTION, IMAGES
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.labels import KINDS, LabelKind, from_json
from ubernet_jax.labels.kind import check_class_names
from ubernet_jax.labels.standard import FOLDERS, NAMED_CLASSES, STANDARD
from ubernet_jax.labels.text_lists import read_names

STANDARD_FOLDERS = ', '.join((*STANDARD, *FOLDERS))
_EXAMPLE = '{"weeds": {"kind": "class_map", "classes": ["soil", "weed"]}}'


def read_description(file: pathlib.Path) -> dict[str, LabelKind]:
    """Reads folder -> kind from `labels.json`; empty if the file does not exist."""
    if not file.is_file():
        return {}
    plain = read_json(file)
    if not isinstance(plain, dict):
        raise UserError(f'{file} must map names of labels to their kinds, such as {_EXAMPLE}')
    return {name: from_json(kind, f'{file}: {name!r}') for name, kind in plain.items()}


def find_kinds(
    source: pathlib.Path, folders: Collection[str], described: Mapping[str, LabelKind]
) -> dict[str, LabelKind]:
    """Maps the folders of labels to their kinds, with their classes.

    Args:
      source: folder of the dataset.
      folders: names of the folders of labels in its splits.
      described: the kinds in `labels.json`.

    Raises:
      UserError: a kind or its classes are not known, or are defined twice.
    """
    names = {folder: source / f'{folder}.txt' for folder in folders}
    common = source / CLASSES
    if common.is_file():
        needing = [folder for folder in folders if _needs_names(folder, names[folder], described)]
        if len(needing) != 1:
            raise UserError(
                f'{common} names the classes of a single folder, but {len(needing)} folders have '
                f'classes that nothing else names ({", ".join(sorted(needing)) or "none"}): rename '
                'it to NAME.txt, with the name of the folder'
            )
        names[needing[0]] = common
    return {folder: _find_kind(source, folder, described, names[folder]) for folder in folders}


def _needs_names(folder: str, names: pathlib.Path, described: Mapping[str, LabelKind]) -> bool:
    default = STANDARD.get(FOLDERS.get(folder, folder), NAMED_CLASSES)
    known = folder in described and bool(described[folder].classes)
    return described.get(folder, default).has_classes and not known and not names.exists()


def _find_kind(
    source: pathlib.Path, folder: str, described: Mapping[str, LabelKind], names: pathlib.Path
) -> LabelKind:
    """Returns the kind of the labels in a folder; `names` is the file of its classes, if any."""
    name = FOLDERS.get(folder, folder)
    default = NAMED_CLASSES if names.exists() else None
    kind = described.get(folder, STANDARD.get(name, default))
    if kind is None:
        similar = [known for known in (*STANDARD, *FOLDERS, IMAGES) if known == folder.lower()]
        hint = f'If it means {similar[0]!r}, rename it to lower case. ' if similar else ''
        raise UserError(
            f'{source}: the kind of the labels in the folders {folder!r} is unknown. {hint}'
            f'Describe it in {source / DESCRIPTION}, such as {{"{folder}": {{"kind": "class_map", '
            f'"classes": ["background", "{folder}"]}}}}; kinds: {", ".join(sorted(KINDS))}. If its '
            f'pixels are class indices, a file {names} or {CLASSES} with one name per line is '
            f'enough. Folders with a standard name need no description: {STANDARD_FOLDERS}'
        )
    if not kind.has_classes:
        return kind
    if names.exists():
        if folder in described and kind.classes:
            raise UserError(
                f'{names} and {source / DESCRIPTION} both name the classes of {folder}; remove '
                'either'
            )
        kind = dataclasses.replace(kind, classes=tuple(read_names(names)))
        check_class_names(kind.classes, str(names))
    elif folder not in described:
        logging.warning(
            '%s: neither %s nor %s names the classes of %s; the default is used: %s',
            source,
            DESCRIPTION,
            names.name,
            folder,
            ', '.join(kind.classes),
        )
    if kind.classes == ():
        raise UserError(
            f'{source / DESCRIPTION} does not name the classes of {folder}: add "classes": [...] '
            f'there, or name them in {names}, one per line'
        )
    check_class_names(kind.classes, f'{source / DESCRIPTION}: {folder!r}')
    return kind
