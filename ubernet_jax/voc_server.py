"""Writes the results on VOC2012's test images that its test server scores.

    ubernet voc_server --checkpoint runs/ubernet --source DIR --out submission

DIR has the unpacked archive `VOC2012test.tar`: `VOCdevkit/VOC2012` with `JPEGImages` and the lists
`ImageSets/{Segmentation,Main}/test.txt`. For the tasks of the network with the classes of VOC,
writes to `submission/results/VOC2012` the class maps as `Segmentation/comp6_test_cls/ID.png` and
the detections as `Main/comp4_det_test_CLASS.txt`, and packs them into `submission/results.tgz`, the
file to upload.
"""

import argparse
import pathlib
import tarfile
from collections import defaultdict
from collections.abc import Mapping, Sequence

import tqdm

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.datasets.builders.files import check_exist, read_list
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.tasks import Task, select_tasks
from ubernet_jax.weights.trained import CHECKPOINT_HELP
from ubernet_jax.writing import new_files

YEAR = 'VOC2012'


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command.

    Raises:
      UserError: the network has no task of VOC, an image or list is missing, or there are results
        in the output folder.
    """
    options = _parse(arguments)
    results = options.out / 'results'
    if results.exists():
        raise UserError(f'{results} exists: delete it, or give another folder with --out')
    source = make_builder('voc2012', pathlib.Path()).locate(options.source)
    enable_compilation_cache()
    net = UberNet.load(options.checkpoint)
    images = _list_images(source, net.tasks, select_tasks(net.tasks, options.tasks))
    photographs = {image: source / 'JPEGImages' / f'{image}.jpg' for image in images}
    check_exist([*photographs.values()])
    archive = results.with_suffix('.tgz')
    with new_files(options.out) as new:
        for image, path in tqdm.tqdm(photographs.items(), unit='image', disable=None):
            for name, result in net.predict(path, images[image]).items():
                for file, content in net.tasks[name].voc_results(image, result).items():
                    _append(new / results.name / YEAR / file, content)
        with tarfile.open(new / archive.name, 'w:gz') as packed:
            packed.add(new / results.name, results.name)
    print(f'results of {len(images)} images: {archive}')


def _list_images(
    source: pathlib.Path, tasks: Mapping[str, Task], names: Sequence[str]
) -> dict[str, list[str]]:
    """Returns test image -> the tasks that VOC scores on it."""
    scored = {
        name: tasks[name].voc_list
        for name in names
        if tasks[name].voc_list and tuple(tasks[name].classes) == VOC_CLASSES
    }
    if not scored:
        raise UserError(
            f'the test server of VOC scores none of the tasks {", ".join(names)}: it takes class '
            'maps and boxes of the classes of VOC'
        )
    if len(set(scored.values())) < len(scored):
        raise UserError(f'{", ".join(scored)} have results for the same files: choose with --tasks')
    images = defaultdict(list)
    for name, folder in scored.items():
        for image in read_list(source / 'ImageSets' / folder / 'test.txt'):
            images[image].append(name)
    return images


def _append(new: pathlib.Path, content: bytes) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    with new.open('ab') as file:
        file.write(content)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('voc_server')
    parser.add_argument(
        '--checkpoint', type=pathlib.Path, required=True, metavar='RUN', help=CHECKPOINT_HELP
    )
    parser.add_argument('--source', type=pathlib.Path, required=True, metavar='DIR',
                        help='the folder VOC2012, or a folder that contains it')  # fmt: skip
    parser.add_argument(
        '--tasks', nargs='+', metavar='TASK', help='only these tasks; default: all of VOC'
    )
    parser.add_argument('--out', type=pathlib.Path, required=True, help='folder to write to')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)
