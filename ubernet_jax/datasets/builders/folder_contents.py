"""Checks of what a dataset in the folder layout holds beside its images and labels.

A misplaced or misspelt file of labels or classes would otherwise be ignored silently.
"""

import pathlib
from collections.abc import Collection, Mapping

from ubernet_jax.datasets.builders.files import list_visible
from ubernet_jax.datasets.builders.left_out import NO_SPLIT, LeftOutBySplit
from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.standard import FOLDERS, STANDARD

DESCRIPTION = 'labels.json'  # file beside the splits with kinds and classes of custom labels
IMAGES = 'images'
CLASSES = 'classes.txt'  # names the classes of the only folder that needs names


def lacks_splits(source: pathlib.Path) -> bool:
    """Whether a folder has images, but none in the folder of a split."""
    return (source / IMAGES).is_dir() and not any(source.glob(f'*/{IMAGES}'))


def refuse_missing_splits(source: pathlib.Path) -> None:
    """Raises a UserError about images that are not in the folder of a split."""
    train = source / 'train'
    raise UserError(
        f'{source / IMAGES} is not in the folder of a split. Add --test-share 0.2 to this command '
        'to test on a fifth of the images, which is always the same fifth (0: train on all); or '
        f'move it, and the folders of labels beside it, into {train}, so that the images are in '
        f'{train / IMAGES}'
    )


def check_contents(
    source: pathlib.Path,
    splits: Collection[pathlib.Path],
    kinds: Mapping[str, LabelKind],
    left_out: LeftOutBySplit,
) -> None:
    """Checks the files and folders beside the splits, and those in each split.

    Args:
      source: folder of the dataset.
      splits: folders of the splits.
      kinds: folder of labels -> kind.
      left_out: where files and folders that do not look like labels are added.

    Raises:
      UserError: a file or folder looks like labels, classes or images, but would not be read.
    """
    used = {
        DESCRIPTION,
        CLASSES,
        *(f'{name}.txt' for name, kind in kinds.items() if kind.has_classes),
    }
    for path in list_visible(source, left_out[NO_SPLIT]):
        if path in splits or (path.is_file() and path.name in used):
            continue
        if path.is_dir() and source in splits and path.name in (IMAGES, *kinds):
            continue
        if path.is_dir():
            _check_folder(path, kinds)
        else:
            _check_names(path, source, kinds)
        left_out[NO_SPLIT].add(
            path, 'beside the splits, but neither a split nor a description of labels'
        )
    for split in set(splits) - {source}:
        for path in list_visible(split, left_out[split.name]):
            if path.is_file():
                _check_names(path, source, kinds)
                left_out[split.name].add(
                    path, f'beside the folder {IMAGES} of a split, but not a folder'
                )


def _check_folder(path: pathlib.Path, kinds: Mapping[str, LabelKind]) -> None:
    """Refuses a folder beside the splits that looks like labels, or like a split."""
    if path.name.lower() in _names(kinds):
        raise UserError(
            f'{path} is beside the splits, where no labels are read: move it into the folder of '
            f'its split, such as {path.parent / "train" / path.name.lower()}'
        )
    for entry in path.iterdir():
        if entry.is_dir() and entry.name.lower() == IMAGES:
            raise UserError(f'{entry} must be named {IMAGES}, in lower case; rename it')


def _check_names(path: pathlib.Path, source: pathlib.Path, kinds: Mapping[str, LabelKind]) -> None:
    """Refuses a file that looks like a description or the names of classes, but is not read."""
    if path.name.lower() == DESCRIPTION:
        raise UserError(f'{path} is not read: move or rename it to {source / DESCRIPTION}')
    name = path.stem.lower()
    if path.suffix.lower() != '.txt' or name not in _names(kinds):
        return
    with_classes = [folder for folder, kind in kinds.items() if kind.has_classes]
    possible = ', '.join(str(source / f'{folder}.txt') for folder in with_classes) or 'none'
    why = 'is not read'
    if path.parent == source and path.stem in kinds:
        why = f'names classes, but labels of kind {kinds[path.stem].name} have no classes'
    raise UserError(
        f'{path} {why}: the files that name classes here are {possible}; move, rename or remove it'
    )


def _names(kinds: Mapping[str, LabelKind]) -> set[str]:
    """Returns the names that labels have in this dataset or by default, in lower case."""
    return {name.lower() for name in (*kinds, *STANDARD, *FOLDERS)}
