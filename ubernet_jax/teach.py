"""Predicts the labels that training images lack, so that another network can be trained on them.

    ubernet teach --teacher runs/saliency --task saliency --datasets voc2012 bsds500 --flip

The teacher is a trained network. Its predictions are written beside the prepared dataset, to
DIRECTORY/NAME/taught/SPLIT/TASK, with their confidence, the identity and the scores of the teacher,
and the images that it was trained on. Images that have a real label are left out, and so are the
teacher's test images. To continue an interrupted command, run it again. docs/teaching.md shows how
a network is trained on these labels.
"""

import argparse
import dataclasses
import pathlib
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.config import DatasetConfig
from ubernet_jax.datasets.checks.leaks import find_leaks, leave_out, open_datasets
from ubernet_jax.datasets.contact_sheet import draw_taught
from ubernet_jax.datasets.label_mapping import map_labels
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.datasets.taught_labels import MANIFEST, open_taught, taught_folder
from ubernet_jax.datasets.taught_writer import write_taught
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.inference.views import add_view_options, choose_views, describe_views
from ubernet_jax.json_file import read_json
from ubernet_jax.locks import lock_file
from ubernet_jax.network import make_network
from ubernet_jax.photographs import Exif
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.card import select_results
from ubernet_jax.weights.digest import digest_arrays
from ubernet_jax.weights.exported import TrainedNetwork, flatten
from ubernet_jax.weights.sources import describe_hub_source
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint, results_folder
from ubernet_jax.weights.training_images import find_images_of
from ubernet_jax.writing import new_file


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A trained network that predicts the labels of a task; a `Reader` of an unlabelled split.

    Attributes:
      predictor: the network.
      task: name of the task.
      dataset: the split.
    """

    predictor: Predictor
    task: str
    dataset: Dataset

    def read(self, item: Sequence[Any], exif: Exif) -> tuple[Example, bytes]:
        """Predicts the label of the image `item[0]`; its file is not stored again."""
        example = self.dataset[item[0]]
        label = self.predictor.teach(example.image, self.task)
        return dataclasses.replace(example, labels={self.task: label}), b''


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command.

    Raises:
      UserError: the network has no such task, its classes are not those of a dataset, a dataset
        cannot be opened, or its images were labelled by another teacher.
    """
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as for Ctrl-C
    enable_compilation_cache()
    trained = open_checkpoint(options.teacher)
    config, task = trained.config, options.task
    select_tasks(config.tasks, task)
    config.data.directory = str(options.data_directory or config.data.directory)
    config.evaluation = choose_views(config.evaluation, options.flip, options.scales)
    facts = _describe(trained, options.teacher, task)
    datasets = _open_training_images(trained, options)
    unlabelled = {
        dataset: _find_unlabelled(dataset, task)
        for dataset in datasets
        if not _is_taught(dataset, task, facts)
    }
    trained_on = find_images_of(options.teacher, config)
    network = make_network(config)
    predictor = Predictor(
        network,
        config.input_size,
        trained.params,
        trained.batch_stats,
        evaluation=config.evaluation,
    )
    for dataset, indices in unlabelled.items():
        if not len(indices):
            print(f'every image of {dataset.source} has a label {task}: nothing to teach')
            datasets.remove(dataset)
            continue
        teacher = Teacher(predictor=predictor, task=task, dataset=dataset)
        labels = {task: config.tasks[task].taught_label}
        with lock_file(taught_folder(dataset, task), 'wait until it ends'):
            if _is_taught(dataset, task, facts):  # another command was faster
                continue
            folder = write_taught(dataset, indices, labels, facts, trained_on, teacher)
            _draw(dataset, task, teacher)
        print(f'{dataset.source}: {len(indices)} images were labelled: {folder}')
    if not datasets:
        return
    print(
        f"to train on them: DatasetConfig(..., taught=('{task}',)) in data.train of a configuration"
        ' for ' + ', '.join(dataset.source for dataset in datasets) + ', and then\n'
        '  ubernet doctor --config FILE.py'
    )


def _open_training_images(trained: TrainedNetwork, options: argparse.Namespace) -> list[Dataset]:
    """Opens the splits, without the images that the teacher is tested on; checks their classes."""
    config = trained.config
    benchmarks = open_datasets(
        'evaluation.benchmarks of the teacher', config.evaluation.benchmarks, config.data.directory
    )
    opened = []
    for name in dict.fromkeys(options.datasets):
        dataset = open_dataset(name, options.split, pathlib.Path(config.data.directory))
        setting = DatasetConfig(name=name, split=options.split)
        map_labels(dataset, setting, {options.task: config.tasks[options.task]})
        leaks = find_leaks([dataset], benchmarks)
        (kept,) = leave_out([dataset], leaks)
        if not len(kept):
            raise UserError(
                f'all images of {dataset.source} are test images of the teacher: name another '
                '--split'
            )
        if leaks:
            print(f'{len(leaks)} of {len(dataset)} images of {dataset.source} are test images of '
                  'the teacher: left out', flush=True)  # fmt: skip
        opened.append(kept)
    return opened


def _find_unlabelled(dataset: Dataset, task: str) -> np.ndarray:
    labelled = dataset.labelled.get(task, np.zeros(len(dataset), bool))
    return np.flatnonzero(~labelled)


def _is_taught(dataset: Dataset, task: str, facts: Mapping[str, Any]) -> bool:
    """Whether this teacher has labelled a split; raises a UserError if another one has."""
    manifest = taught_folder(dataset, task) / MANIFEST
    if not manifest.exists():
        return False
    try:
        earlier = read_json(manifest)['teacher']
        network, checkpoint = earlier['network'], earlier['checkpoint']
        views = earlier['views']
    except (KeyError, TypeError) as error:
        raise UserError(
            f'{manifest} is not the manifest of taught labels ({error!r:.80}): delete '
            f'{manifest.parent} and run the command again'
        ) from error
    if network != facts['network']:
        raise UserError(
            f'{manifest.parent} has labels of another teacher, {checkpoint} (network {network}; '
            f'this one is {facts["network"]}): delete that folder to replace them'
        )
    if views != facts['views']:
        raise UserError(
            f'{manifest.parent} has labels of this teacher for other views of the images, {views} '
            f'(now {facts["views"]}): delete that folder to replace them'
        )
    print(f'{dataset.source}: already labelled by this teacher: {manifest.parent}')
    return True


def _describe(trained: TrainedNetwork, checkpoint: pathlib.Path, task: str) -> dict[str, Any]:
    """Returns the identity and the scores of the teacher, for the manifest."""
    network = digest_arrays(flatten(trained.params, trained.batch_stats))
    results = results_folder(checkpoint, f'{trained.step:08d}')
    return {
        'checkpoint': describe_hub_source(checkpoint) or str(checkpoint),
        'experiment': trained.config.name,
        'step': trained.step,
        'network': network,
        'views': describe_views(trained.config.evaluation),
        'scores': select_results(results, network, [task]).scores,
    }


def _draw(dataset: Dataset, task: str, teacher: Teacher) -> None:
    """Draws some images with their taught labels beside the labels."""
    kind = teacher.predictor.network.tasks[task].taught_label
    path = taught_folder(dataset, task) / 'contact_sheet.png'
    with new_file(path) as new:
        sheet = draw_taught(dataset, open_taught(dataset, task, kind, task))
        Image.fromarray(sheet).save(new)
    print(f'see {path} for some of the labels')


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('teach')
    parser.add_argument('--teacher', type=pathlib.Path, required=True, metavar='RUN',
                        help=CHECKPOINT_HELP)  # fmt: skip
    parser.add_argument('--task', required=True, help='the task of the teacher to predict')
    parser.add_argument('--datasets', nargs='+', required=True, metavar='NAME',
                        help='prepared datasets with images that lack the label')  # fmt: skip
    parser.add_argument('--split', default='train',
                        help='their split to train on (default: %(default)s)')  # fmt: skip
    add_view_options(parser)
    parser.add_argument('--data-directory', type=pathlib.Path, metavar='DIR',
                        help='prepared datasets; default: those of the training')  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)
