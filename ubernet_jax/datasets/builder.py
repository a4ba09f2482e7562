"""What the TFDS builders of all datasets share; a dataset is one subclass, in a file of its own."""

import abc
import collections
import contextlib
import io
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import tensorflow_datasets as tfds
from tqdm import tqdm

from ubernet_jax.datasets import records
from ubernet_jax.datasets.card import Card
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Example


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Writes a raw dataset as array records, in the order of its lists.

    A subclass says where its files are, lists them, and reads one. TFDS writes to a folder beside
    and renames it at the end: a build that fails leaves nothing.

    `info.metadata` tells of each split what must be known without reading it: `ids`, `sizes`
    (height, width), `box_counts` (boxes that are not difficult), all by image, and `labelled`: task
    name -> how many images have its label.

    Attributes:
      folders: where the set may lie below the folder that the user names, likeliest first.
      marker: a pattern of what only this set has in its folder; empty if it is made from no files.
      card: the facts of a public set.
      collection: whose ids its images keep; sets of one collection share photographs.
    """

    VERSION = tfds.core.Version(records.VERSION)
    folders: ClassVar[tuple[str, ...]] = ()
    marker: ClassVar[str] = ''
    card: ClassVar[Card] = Card()
    collection: ClassVar[str] = ''

    code_path = None  # TFDS's own needs a package that it does not install

    @abc.abstractmethod
    def list_splits(self, source: pathlib.Path) -> dict[str, Sequence[Any]]:
        """Split name -> what `read` takes for each of its images; checks that the files exist.

        Raises:
          UserError: a list or a file that a list names is missing.
        """

    @abc.abstractmethod
    def read(self, item: Any) -> tuple[Example, bytes]:
        """One image with its labels, and the JPEG or PNG file that stores its pixels.

        Raises:
          UserError: a file is broken, or its content does not fit; names the file.
        """

    def locate(self, root: pathlib.Path | None) -> pathlib.Path | None:
        """The set's own folder, given that folder or a data root that contains it.

        Raises:
          UserError: there is no such folder, or the set is not in it.
        """
        name = self.dataset_name
        if not self.marker:
            return None
        if root is None:
            raise UserError(f'{name} is made from files; say where they are with --source DIR')
        if not root.is_dir():
            raise UserError(f'--source {root} is not a folder; it must be one that holds {name}')
        if not any(root.iterdir()):
            raise UserError(f'--source {root} is an empty folder; it must hold {name}')
        for folder in self.folders:
            if any((root / folder).glob(self.marker)):
                return root / folder
        looked_for = ', '.join(str(root / folder / self.marker) for folder in self.folders)
        raise UserError(
            f'--source {root} does not hold {name}: there is none of {looked_for}. '
            'data/README.md shows the folders expected'
        )

    def prepare(self, root: pathlib.Path | None) -> None:
        """Builds the set from what `root` holds.

        Raises:
          UserError: something is wrong with the files, or the disk; nothing is left behind.
        """
        self._splits = self.list_splits(self.locate(root))
        tfds.disable_progress_bar()  # ours knows how many images there are
        with (
            _without_empty_folders(self.data_path.parent),
            tempfile.TemporaryDirectory() as scratch,
            contextlib.redirect_stdout(io.StringIO()),  # TFDS announces a download; there is none
        ):
            try:
                self.download_and_prepare(download_dir=scratch, file_format='array_record')
            except (OSError, RuntimeError) as error:  # the record writer raises the latter
                raise UserError(
                    f'{self.dataset_name} cannot be prepared in {self.data_path}: {error}; '
                    'make room there, or choose another folder with --directory'
                ) from error

    @property
    def dataset_name(self) -> str:
        """The name in configs and on the command line, such as `bsds500` or `folder/kitchen`."""
        config = self.builder_config
        return f'{self.name}/{config.name}' if config else self.name

    def is_prepared(self) -> bool:
        """Whether the set is built; TFDS's own check also logs a warning where it is not."""
        return self.data_path.exists()

    def list_other_versions(self) -> list[str]:
        """Versions of the record format, older or newer, in which the set is built."""
        folders = self.data_path.parent.glob('[0-9]*.[0-9]*.[0-9]*')
        return sorted(folder.name for folder in folders if folder != self.data_path)

    def describe_splits(self) -> str:
        """How many images each split of a prepared set has, and how many each task's label."""
        return ', '.join(
            f'{split} {len(about["ids"])} images ({_describe_counts(about["labelled"])})'
            for split, about in self.info.metadata.items()
        )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            features=records.FEATURES,
            metadata=tfds.core.MetadataDict(),
            homepage=self.card.home,
            citation=self.card.citation,
            license=self.card.licence,
            disable_shuffling=True,  # index i is line i of the list, and of `metadata`
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {
            split: self._generate_examples(split, items) for split, items in self._splits.items()
        }

    def _generate_examples(self, split: str, items: Sequence[Any]) -> Iterator[tuple[int, dict]]:
        ids, sizes, box_counts, labelled = [], [], [], collections.Counter()
        label = f'{self.dataset_name} {split}'
        with tqdm(items, desc=label, unit='image') as progress:
            for index, item in enumerate(progress):
                example, encoded_image = self.read(item)
                ids.append(example.id)
                sizes.append(example.image.shape[:2])
                boxes = example.labels.get('detection')
                box_counts.append(int((~boxes.difficult).sum()) if boxes else 0)
                labelled.update(example.labels.keys())
                yield index, records.encode(example, encoded_image)
        self.info.metadata[split] = {
            'ids': ids,
            'sizes': sizes,
            'box_counts': box_counts,
            'labelled': dict(labelled),
        }


@contextlib.contextmanager
def _without_empty_folders(folder: pathlib.Path) -> Iterator[None]:
    """Takes back, after an error, `folder` and those above it that were not there before."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(OSError):  # not made, or another set is in it by now
            for path in new:
                path.rmdir()
        raise


def _describe_counts(labelled: dict[str, int]) -> str:
    return ', '.join(f'{task} {count}' for task, count in labelled.items()) or 'no labels'
