"""What the TFDS builders of all datasets share; a dataset is one subclass, in a file of its own."""

import abc
import collections
import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow_datasets as tfds
from tensorflow_datasets.core.dataset_builder import FileReaderBuilder

from ubernet_jax.datasets.builders.card import Card, describe_share
from ubernet_jax.datasets.storage import records
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.shards import (
    Report,
    Shard,
    build_shards,
    make_template,
    merge_reports,
    plan_shards,
)
from ubernet_jax.datasets.storage.sources import check_sources, list_files
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind, Review, from_json
from ubernet_jax.labels.kind import add_surveys

ORIGINAL = Storage()


class Builder(FileReaderBuilder, skip_registration=True):
    """Writes a raw dataset as array records, in the order of its lists.

    A subclass says where its files are, lists them, and reads one. What is finished of a build lies
    in a folder of its own, from which the build continues; only a whole set gets its final name.

    `info.metadata` tells of each split what must be known without reading it: the fields of
    `shards.Report`, `labels` (name -> kind) and `storage` (its fields).

    Attributes:
      folders: where the set may lie below the folder that the user names, likeliest first.
      marker: a pattern of what only this set has in its folder; empty if it is made from no files.
      card: the facts of a public set.
      labels: name -> kind, of what its images may be labelled with.
      collection: whose ids its images keep; sets of one collection share photographs.
    """

    VERSION = tfds.core.Version(records.VERSION)
    folders: ClassVar[tuple[str, ...]] = ()
    marker: ClassVar[str] = ''
    card: ClassVar[Card] = Card()
    labels: Mapping[str, LabelKind] = {}
    collection: ClassVar[str] = ''

    code_path = None  # TFDS's own needs a package that it does not install

    @abc.abstractmethod
    def list_splits(self, source: pathlib.Path) -> dict[str, Sequence[Any]]:
        """Split name -> what `read` takes for each of its images; checks that the files exist.

        An item is a tree of paths, numbers and texts that says all that `read` needs: that may run
        in a process where this did not.

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
        archives = ', '.join(self.card.archives)
        get = f'Get {archives} from {self.card.home} and unpack it there; ' if archives else ''
        looked_for = ', '.join(str(root / folder / self.marker) for folder in self.folders)
        raise UserError(
            f'--source {root} does not hold {name}: there is none of {looked_for}. {get}'
            'data/README.md shows the folders expected'
        )

    def prepare(
        self, root: pathlib.Path | None, storage: Storage = ORIGINAL, workers: int = 1
    ) -> None:
        """Builds the set from what `root` holds, or continues to.

        Args:
          root: the set's own folder, or one that contains it; None if it is made from no files.
          storage: how images are stored.
          workers: processes, at most. What is written does not depend on their number.

        Raises:
          UserError: something is wrong with the files, or the disk; what is whole stays in
            `unfinished`.
        """
        source = self.locate(root)
        splits = self.list_splits(source)
        self.__dict__.pop('info', None)  # made before the labels were known
        if source:
            check_sources(list_files(splits), (root, source))
        with _without_empty_folders(self.unfinished):
            try:
                self.unfinished.mkdir(parents=True, exist_ok=True)
                kinds = self.labels
                shards = plan_shards(self.name, splits, kinds, storage, self.unfinished)
                reports = build_shards(self.dataset_name, shards, self, kinds, storage, workers)
                self._finish(shards, reports, storage)
            except (OSError, RuntimeError) as error:  # the record writer raises the latter
                raise UserError(
                    f'{self.dataset_name} cannot be prepared in {self.data_path}: {error}; '
                    'make room there, or choose another folder with --directory'
                ) from error

    @property
    def unfinished(self) -> pathlib.Path:
        """Where the finished shards of an interrupted build lie."""
        return pathlib.Path(self.data_path.parent, f'unfinished-{self.version}')

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

    @functools.cached_property
    def info(self) -> tfds.core.DatasetInfo:
        """As of every TFDS builder; made anew by `prepare`, when the labels are known."""
        return self._info()

    def read_labels(self) -> dict[str, LabelKind]:
        """Name -> kind of the labels of a prepared set.

        Raises:
          UserError: a kind is not known; it names the module that defines it, if it is known.
        """
        about = next(iter(self.info.metadata.values()))
        return {
            name: from_json(kind, f'the label {name!r} of {self.dataset_name}')
            for name, kind in about['labels'].items()
        }

    def read_storage(self) -> Storage:
        """How the images of the prepared set are stored."""
        return Storage(**next(iter(self.info.metadata.values()))['storage'])

    def review_labels(self) -> dict[str, Review]:
        """What the values of each label of a prepared set say, over all its splits."""
        return _review(self.read_labels(), self.info.metadata.values())

    def describe_splits(self) -> str:
        """Images of each split of a prepared set, and of each task's label, beside the official."""
        return ', '.join(
            f'{describe_share(split, len(about["ids"]), self.card.counts.get(split))} images '
            f'({self._describe_labels(split, count_labels(about))})'
            for split, about in self.info.metadata.items()
        )

    def _describe_labels(self, split: str, labelled: Mapping[str, int]) -> str:
        official = self.card.labels.get(split, {})
        present = {name: count for name, count in labelled.items() if count}
        counts = (describe_share(name, n, official.get(name)) for name, n in present.items())
        return ', '.join(counts) or 'no labels'

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            # TFDS reads those of a prepared set from it: no kind need be known to look at it.
            features=None if self.is_prepared() else records.make_features(self.labels),
            metadata=tfds.core.MetadataDict(),
            homepage=self.card.home,
            citation=self.card.citation,
            license=self.card.licence,
            disable_shuffling=True,  # index i is line i of the list, and of `metadata`
        )

    def _finish(self, shards: Sequence[Shard], reports: Sequence[Report], storage: Storage) -> None:
        """Describes the shards, all finished, and gives their folder its final name."""
        by_split = collections.defaultdict(list)
        for report in reports:
            by_split[report.split].append(report)
        infos = [
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=[len(report.ids) for report in own],
                num_bytes=sum(report.bytes for report in own),
                filename_template=make_template(self.name, split, self.data_path),
            )
            for split, own in by_split.items()
        ]
        self.info.set_file_format('array_record', override=True)
        self.info.set_splits(tfds.core.SplitDict(infos))
        settings = {
            'labels': {name: kind.to_json() for name, kind in self.labels.items()},
            'storage': dataclasses.asdict(storage),
        }
        for split, own in by_split.items():
            self.info.metadata[split] = merge_reports(own) | settings
        _refuse_errors(self.dataset_name, _review(self.labels, self.info.metadata.values()))
        self.info.write_to_directory(self.unfinished)
        for shard in shards:
            shard.report_path.unlink()
        self.unfinished.rename(self.data_path)

    def _download_and_prepare(self, dl_manager: Any, download_config: Any) -> None:
        raise NotImplementedError('`prepare` builds the set: TFDS cannot continue a build')


def count_labels(about: Mapping[str, Any]) -> dict[str, int]:
    """Label -> how many images of a split have it, of the split's metadata."""
    return {name: flags.count('1') for name, flags in about['labelled'].items()}


def _review(
    kinds: Mapping[str, LabelKind], splits: Iterable[Mapping[str, Any]]
) -> dict[str, Review]:
    """Label -> what its values over all splits say, of their metadata."""
    found = collections.defaultdict(list)
    for about in splits:
        for name, survey in about['surveys'].items():
            found[name].append(survey)
    return {
        name: kinds[name].review(functools.reduce(add_surveys, own)) for name, own in found.items()
    }


def _refuse_errors(name: str, reviews: Mapping[str, Review]) -> None:
    errors = [f'{label}: {error}' for label, own in reviews.items() for error in own.errors]
    if errors:
        raise UserError(f'{name} has labels that can only be wrong:\n  ' + '\n  '.join(errors))


@contextlib.contextmanager
def _without_empty_folders(folder: pathlib.Path) -> Iterator[None]:
    """Takes back, after an error, `folder` and those above it that were not there before."""
    new = [folder, *(path for path in folder.parents if not path.exists())]
    try:
        yield
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(OSError):  # not made, or not empty
            for path in new:
                path.rmdir()
        raise
