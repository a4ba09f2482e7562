"""Base class of the datasets of users, `FORMAT/NAME`, which may have to be divided into splits."""

import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.files import image_id
from ubernet_jax.errors import UserError

NO_SPLIT = ''  # name of the split of images that no file or folder divides
ALIASES = {'training': 'train', 'valid': 'val', 'validation': 'val', 'testing': 'test'}


class NamedBuilder(Builder, skip_registration=True):
    """A dataset `FORMAT/NAME`; the builder config has the NAME. Items start with the image file."""

    @classmethod
    def get_builder_config(
        cls, name: str, version: str | tfds.core.Version | None = None
    ) -> tfds.core.BuilderConfig:
        """Accepts any name as a builder config."""
        return tfds.core.BuilderConfig(name=name)

    @property
    def folder_name(self) -> str:
        """NAME of `FORMAT/NAME`."""
        config = self.builder_config
        assert config is not None  # `make_builder` always sets it
        return config.name

    @property
    def folders(self) -> tuple[str, ...]:
        return f'{self.name}/{self.folder_name}', self.folder_name, ''

    def divide(
        self, splits: Mapping[str, Sequence[Any]], source: pathlib.Path
    ) -> dict[str, Sequence[Any]]:
        """Moves the share `test_share` of the images of a single split to the split `test`.

        The images with the smallest SHA-256 of their ids are moved, so that the same images always
        give the same splits.

        Args:
          splits: split -> items; `NO_SPLIT` for images that nothing divides.
          source: folder of the dataset.

        Raises:
          UserError: the images are in no split, and no share is given; or a split would be empty.
        """
        share = self.test_share
        if share is None and NO_SPLIT in splits:
            raise UserError(
                f'{source} has {len(splits[NO_SPLIT])} images, but no splits such as train and '
                'test. Add --test-share 0.2 to this command to test on a fifth of the images, '
                'which is always the same fifth (0: train on all), or divide the files into '
                'folders: docs/import.md shows the known layouts'
            )
        if share is None:
            return dict(splits)
        if len(splits) > 1:
            self.remarks.append(f'--test-share is not used: it has splits, {", ".join(splits)}')
            return dict(splits)
        ((split, items),) = splits.items()
        ordered = sorted(items, key=lambda item: _digest(item[0]))
        count = round(share * len(items))
        if share and not 0 < count < len(items):
            raise UserError(
                f'--test-share {share:g} of the {len(items)} images of {source} are {count}; '
                'choose a share that leaves images in both splits, or 0 to train on all'
            )
        self.remarks.append(
            f'{count} of {len(items)} images are in test, chosen by the SHA-256 of their names'
        )
        chosen = {id(item) for item in ordered[:count]}
        divided = {
            split or 'train': [item for item in items if id(item) not in chosen],
            'test': [item for item in items if id(item) in chosen],
        }
        return {name: part for name, part in divided.items() if part}


def split_name(name: str) -> str:
    """Returns the name of a split as it is usual here: `valid` and `val2017` are `val`."""
    name = name.lower()
    name = name.rstrip('0123456789') or name
    return ALIASES.get(name, name)


def _digest(path: pathlib.Path) -> str:
    return hashlib.sha256(image_id(path).encode()).hexdigest()
