"""The base class of all dataset builders; every dataset is a subclass in a separate module."""

import abc
import collections
import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow_datasets as tfds
from tensorflow_datasets.core.dataset_builder import FileReaderBuilder

from ubernet_jax.datasets.builders import split_metadata
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.left_out import LeftOutBySplit
from ubernet_jax.datasets.storage import records
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.shard_report import ShardReport, merge_reports
from ubernet_jax.datasets.storage.shard_writer import build_shards
from ubernet_jax.datasets.storage.shards import Shard, make_template, plan_shards
from ubernet_jax.datasets.storage.sources import check_sources, list_files
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind, Review, from_json
from ubernet_jax.photographs import Exif
from ubernet_jax.writing import removing_new_empty_folders

ORIGINAL = Storage()


class Builder(FileReaderBuilder, skip_registration=True):
    """Writes a raw dataset as array records, in the order of its lists.

    A subclass defines where the files are, lists them, and reads one image. Finished shards of a
    build are kept in a separate folder, from which an interrupted build resumes; only a complete
    dataset gets its final folder name.

    Attributes:
      folders: possible folders of the dataset below the folder that the user gives, in order of
        preference.
      marker: glob pattern of a file that only this dataset has in its folder; empty for a dataset
        that is not made from files.
      card: facts about a public dataset.
      labels: name -> kind of the labels that images may have.
      collection: identifies the source of the image ids; datasets with the same collection use the
        same id for the same photograph.
      layouts: how the files must be arranged, for the message that they are not found.
      test_share: share of the images of a dataset without splits that becomes the split `test`;
        None if it was not given. Datasets with lists or folders of splits ignore it.
    """

    VERSION = tfds.core.Version(records.VERSION)
    folders: ClassVar[tuple[str, ...]] = ()
    marker: ClassVar[str] = ''
    card: ClassVar[Card] = Card()
    labels: Mapping[str, LabelKind] = {}
    collection: ClassVar[str] = ''
    layouts: ClassVar[str] = 'data/README.md shows the expected folders'
    test_share: float | None = None

    code_path = None  # TFDS's default needs a package that TFDS does not install

    @abc.abstractmethod
    def list_splits(self, source: pathlib.Path) -> Mapping[str, Sequence[Any]]:
        """Maps each split to the arguments of `read` for its images; checks that the files exist.

        An item is a tree of paths, numbers and strings with everything that `read` needs, since
        `read` may run in another process.

        Args:
          source: folder of the dataset; unused for a dataset that is not made from files.

        Files that are not read are added to `left_out`; `prepare` adds those that no list names.

        Raises:
          UserError: a list, or a file in a list, is missing.
        """

    @abc.abstractmethod
    def read(self, item: Any, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        """Reads an image with its labels, and the JPEG or PNG file that stores its pixels.

        Args:
          item: an item of `list_splits`.
          exif: how the EXIF orientation of the image is treated, if it has labels.

        Raises:
          UserError: a file is damaged or its content is invalid; names the file.
        """

    def locate(self, root: pathlib.Path | None) -> pathlib.Path:
        """Finds the folder of the dataset, given that folder or a data root that contains it.

        Raises:
          UserError: the folder does not exist, or does not contain the dataset.
        """
        name = self.dataset_name
        if not self.marker:
            return root or pathlib.Path()
        if root is None:
            raise UserError(f'{name} is made from files; give their folder with --source DIR')
        if not root.is_dir():
            raise UserError(f'--source {root} is not a folder; it must be a folder with {name}')
        if not any(root.iterdir()):
            raise UserError(f'--source {root} is an empty folder; it must contain {name}')
        for folder in self.folders:
            if any(path for path in (root / folder).glob(self.marker) if path.name[0] != '.'):
                return root / folder
        archives = ', '.join(self.card.archives)
        get = f'Get {archives} from {self.card.home} and unpack it there; ' if archives else ''
        candidates = ', '.join(str(root / folder / self.marker) for folder in self.folders)
        raise UserError(
            f'--source {root} does not contain {name}: none of these exist: {candidates}. {get}'
            f'{self.layouts}'
        )

    def prepare(
        self, root: pathlib.Path | None, storage: Storage = ORIGINAL, workers: int = 1
    ) -> None:
        """Builds the dataset from the files in `root`, or resumes an interrupted build.

        Args:
          root: folder of the dataset, or a folder that contains it; None if it is not made from
            files.
          storage: how images are stored.
          workers: maximum number of processes; the result does not depend on it.

        Raises:
          UserError: there is an error in the files, or the disk is full or not writable. Finished
            shards are kept in `unfinished`.
        """
        source = self.locate(root)
        for of_earlier_call in ('left_out', 'remarks'):
            vars(self).pop(of_earlier_call, None)
        splits = self.list_splits(source)
        vars(self).pop('info', None)  # created before the labels were known
        files = list_files(splits)
        self.left_out.add_unlisted(files, source)
        check_sources(files, {source, root or source})
        with removing_new_empty_folders(self.unfinished):
            try:
                self.unfinished.mkdir(parents=True, exist_ok=True)
                kinds = self.labels
                shards = plan_shards(self.name, splits, kinds, storage, self.unfinished)
                reports = build_shards(self.dataset_name, shards, self, kinds, storage, workers)
                self._finish(shards, reports, storage)
            except (OSError, RuntimeError) as error:  # the record writer raises RuntimeError
                raise UserError(
                    f'{self.dataset_name} cannot be prepared in {self.data_path}: {error}; '
                    'free some disk space, or choose another folder with --directory'
                ) from error

    @functools.cached_property
    def left_out(self) -> LeftOutBySplit:
        """The files that are left out of the current build."""
        return LeftOutBySplit()

    @functools.cached_property
    def remarks(self) -> list[str]:
        """What the current build is made from, and what it changes; filled by `list_splits`."""
        return []

    @property
    def unfinished(self) -> pathlib.Path:
        """Folder of the finished shards of an interrupted build."""
        return pathlib.Path(self.data_path.parent, f'unfinished-{self.version}')

    @property
    def dataset_name(self) -> str:
        """The name in configs and on the command line, such as `bsds500` or `folder/kitchen`."""
        config = self.builder_config
        return f'{self.name}/{config.name}' if config else self.name

    def is_prepared(self) -> bool:
        """Whether the dataset is built; unlike TFDS's check, this does not log a warning."""
        return self.data_path.exists()

    def list_other_versions(self) -> list[str]:
        """Lists other versions of the record format, older or newer, that have been built."""
        folders = self.data_path.parent.glob('[0-9]*.[0-9]*.[0-9]*')
        return sorted(folder.name for folder in folders if folder != self.data_path)

    @functools.cached_property
    def info(self) -> tfds.core.DatasetInfo:
        """As for every TFDS builder; recreated by `prepare`, when the labels are known."""
        return self._info()

    @property
    def split_metadata(self) -> dict[str, dict[str, Any]]:
        """Split name -> metadata of a prepared dataset: see the module `split_metadata`."""
        metadata = self.info.metadata
        assert isinstance(metadata, tfds.core.MetadataDict)  # as `_info` creates it
        return metadata

    def read_labels(self) -> dict[str, LabelKind]:
        """Returns the kinds of the labels of a prepared dataset, by name.

        Raises:
          UserError: a kind is unknown; names the module that defines it, if recorded.
        """
        labels = next(iter(self.split_metadata.values()))['labels']
        return {
            name: from_json(kind, f'the label {name!r} of {self.dataset_name}')
            for name, kind in labels.items()
        }

    def read_storage(self) -> Storage:
        """Returns how the images of the prepared dataset are stored."""
        return Storage(**next(iter(self.split_metadata.values()))['storage'])

    def describe_left_out(self) -> list[str]:
        """Describes the files that were left out of a prepared dataset, by split and reason."""
        return next(iter(self.split_metadata.values())).get('left_out', [])

    def describe_remarks(self) -> list[str]:
        """Describes what a prepared dataset was made from, and what was changed, with counts."""
        return next(iter(self.split_metadata.values())).get('remarks', [])

    def review_labels(self) -> dict[str, Review]:
        """Reviews the values of each label of a prepared dataset, over all its splits."""
        return split_metadata.review_labels(self.read_labels(), self.split_metadata)

    def describe_splits(self) -> str:
        """Describes the numbers of images and labels of each split of a prepared dataset."""
        return split_metadata.describe_splits(self.split_metadata, self.card)

    def _info(self) -> tfds.core.DatasetInfo:
        return _Info(
            builder=self,
            # TFDS reads the features of a prepared dataset from its folder, so that its kinds of
            # labels need not be known to inspect it.
            features=None if self.is_prepared() else records.make_features(self.labels),
            metadata=tfds.core.MetadataDict(),
            homepage=self.card.home,
            citation=self.card.citation,
            license=self.card.licence,
            disable_shuffling=True,  # index i is line i of the list, and of the metadata
        )

    def _finish(
        self, shards: Sequence[Shard], reports: Sequence[ShardReport], storage: Storage
    ) -> None:
        """Writes the description of the finished shards, and renames the folder."""
        reports_by_split = collections.defaultdict(list)
        for report in reports:
            reports_by_split[report.split].append(report)
        infos = [
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=[len(report.ids) for report in split_reports],
                num_bytes=sum(report.bytes for report in split_reports),
                filename_template=make_template(self.name, split, self.data_path),
            )
            for split, split_reports in reports_by_split.items()
        ]
        self.info.set_file_format('array_record', override=True)
        self.info.set_splits(tfds.core.SplitDict(infos))
        settings = {
            'labels': {name: kind.to_json() for name, kind in self.labels.items()},
            'storage': dataclasses.asdict(storage),
            'left_out': self.left_out.describe(),
            'remarks': self.remarks,
        }
        metadata = self.split_metadata
        for split, split_reports in reports_by_split.items():
            metadata[split] = merge_reports(split_reports) | settings
        reviews = split_metadata.review_labels(self.labels, metadata)
        split_metadata.refuse_errors(self.dataset_name, reviews)
        self.info.write_to_directory(self.unfinished)
        for shard in shards:
            shard.report_path.unlink()
        self.unfinished.rename(self.data_path)

    def _download_and_prepare(self, dl_manager: Any, download_config: Any) -> None:
        raise NotImplementedError('use `prepare`: TFDS cannot resume a build')


class _Info(tfds.core.DatasetInfo):
    """The description of a dataset. TFDS's looks for another on the web, in a temporary folder."""

    def initialize_from_bucket(self) -> None:
        pass
