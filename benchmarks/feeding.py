"""Measures what an image costs before the device has it: processor time, and bytes.

    python -m benchmarks.feeding --size 641x865 --json feeding.json

The image is a synthetic scene with the labels of all tasks of a case. Its record is in memory, as
it is stored on disk. The time is that of one core, from the record to the packed micro-batch:
decompressing, scaling to `--size`, mirroring every second time, writing the targets, packing them.
"""

import argparse
import dataclasses
import io
import json
import pathlib
import statistics
import time
from collections.abc import Mapping

import jax
import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from benchmarks.memory import parse_sizes
from benchmarks.workload import DENSE, SEVEN, count_tasks, make_config, original
from ubernet_jax import cli
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.datasets.storage import records
from ubernet_jax.tasks import Depth, Task
from ubernet_jax.training.collation import collate
from ubernet_jax.training.packing import pack
from ubernet_jax.transforms.joint import fit


@dataclasses.dataclass(slots=True, kw_only=True)
class Cost:
    """The cost of an image.

    Attributes:
      milliseconds: processor time, median of the rounds.
      megabytes: of the packed micro-batch.
    """

    milliseconds: float
    megabytes: float


def make_cases() -> dict[str, Mapping[str, Task]]:
    """The tasks of each case; the image is labelled for all of them."""
    seven, depth = make_config(SEVEN).tasks, {'depth': Depth()}
    return {
        'no label': {},
        **{name: {name: seven[name]} for name in DENSE},
        'depth': depth,
        'seven tasks': seven,
        'seven tasks and depth': {**seven, **depth},
        'sixteen tasks': make_config(count_tasks(16)).tasks,
    }


def measure(
    tasks: Mapping[str, Task], photograph: tuple[int, int], size: tuple[int, int], rounds: int
) -> Cost:
    """Measures the cost of an image of `photograph` (height, width) that is scaled to `size`."""
    scene, labels = draw_scene(0, *photograph), {name: original(name) for name in tasks}
    kinds = {label: scene.kinds[label] for label in labels.values()}
    file = io.BytesIO()
    Image.fromarray(scene.image).save(file, 'jpeg', quality=92)
    features = records.make_features(kinds)
    record = features.serialize_example(records.encode(scene, kinds, file.getvalue()))
    decoders = {'image': tfds.decode.SkipDecoding()}
    seconds, megabytes = [], 0.0
    for number in range(1 + rounds):
        rng = np.random.default_rng(number)
        start = time.process_time()
        stored = features.deserialize_example_np(record, decoders=decoders)
        example = records.decode(stored, kinds).rename(labels)
        batch = pack(collate([fit(example, size, (1, 1), True, rng)], size, tasks))
        seconds.append(time.process_time() - start)
        megabytes = sum(array.nbytes for array in jax.tree.leaves(batch)) / 1e6
    return Cost(milliseconds=1e3 * statistics.median(seconds[1:]), megabytes=megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=parse_sizes, default='641x865', help='that of the network')
    parser.add_argument(
        '--photograph', type=parse_sizes, default='480x640', help='height and width of the image'
    )
    parser.add_argument('--rounds', type=cli.positive_integer, default=20)
    parser.add_argument('--json', type=pathlib.Path)
    arguments = parser.parse_args()
    (size,), (photograph,) = arguments.size, arguments.photograph
    report = {
        name: dataclasses.asdict(measure(tasks, photograph, size, arguments.rounds))
        for name, tasks in make_cases().items()
    }
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    cli.run(main)
