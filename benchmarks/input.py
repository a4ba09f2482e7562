"""Whether reading keeps up with training: images a second that each manages.

    python -m benchmarks.input --config configs/mini.py --workdir runs/mini --json input.json

`--workdir` is a run of that configuration on the same machine, whose log says how fast it trained;
`--step-seconds` says how long a step takes instead.
"""

import argparse
import contextlib
import dataclasses
import itertools
import json
import pathlib
import statistics
import sys
import time
from collections.abc import Sequence

from absl import flags

from ubernet_jax import cli
from ubernet_jax.batch import Batch
from ubernet_jax.config import Config
from ubernet_jax.config.flags import load_config
from ubernet_jax.datasets.label_mapping import find_classes, map_labels
from ubernet_jax.datasets.reading import open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.training.batching import MicroBatches, read_ahead
from ubernet_jax.training.epochs import Epochs

WORKERS = (1, 2)
WARM_UP = 10  # steps: processes start, and fill their buffers


@dataclasses.dataclass(slots=True, kw_only=True)
class Speeds:
    """Images a second.

    Attributes:
      read: by number of reader processes.
      trained: by the training step.
    """

    read: dict[int, float]
    trained: float

    def __str__(self) -> str:
        parts = [
            f'{workers} reading: {speed:.1f} ({speed / self.trained:.1f} times)'
            for workers, speed in self.read.items()
        ]
        return f'images a second: training {self.trained:.2f}, {", ".join(parts)}'


def measure_reading(steps: Sequence[list[Batch]], workers: int, count: int) -> float:
    """Images a second of `count` steps, after the first `WARM_UP`.

    Args:
      steps: such as `MicroBatches`, at least `WARM_UP + count` long.
      workers: reader processes; 0 reads by threads.
      count: how many are timed.
    """
    with contextlib.closing(read_ahead(steps, 0, workers)) as stream:
        for _ in itertools.islice(stream, WARM_UP):
            pass
        start = time.perf_counter()
        timed = itertools.islice(stream, count)
        images = sum(len(batch.image) for batches in timed for batch in batches)
        return images / (time.perf_counter() - start)


def read_training_speed(workdir: pathlib.Path) -> float:
    """The median of the images a second in a run's log.

    Raises:
      UserError: there is no log, or no such line in it.
    """
    path = workdir / 'log.jsonl'
    if not path.is_file():
        raise UserError(f'there is no {path}: --workdir takes the folder of a run')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    speeds = [line['images_per_second'] for line in lines if 'images_per_second' in line]
    if not speeds:
        raise UserError(f'{path} says of no step how fast it was: train for longer')
    return statistics.median(speeds)


def make_batches(config: Config, steps: int) -> MicroBatches:
    """The micro-batches of the first steps of a run."""
    settings, directory = config.data.train, pathlib.Path(config.data.directory)
    datasets = [open_dataset(own.name, own.split, directory) for own in settings]
    tasks = find_classes(config, datasets).tasks
    labels = [map_labels(*pair, tasks) for pair in zip(datasets, settings, strict=True)]
    epochs = Epochs(datasets, settings, config.data, config.seed)
    return MicroBatches(epochs, datasets, labels, config.data, tasks, config.seed, steps)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.input',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--config', required=True, help='FILE.py[:VARIANT] of configs/')
    parser.add_argument('--directory', help='where prepared sets lie, if not where the config says')
    step = parser.add_mutually_exclusive_group(required=True)
    step.add_argument('--workdir', type=pathlib.Path, help='a run of the configuration')
    step.add_argument('--step-seconds', type=float, help='of a step of training')
    parser.add_argument(
        '--count', type=cli.positive_integer, default=300, help='steps (%(default)s)'
    )
    parser.add_argument('--json', type=pathlib.Path, required=True, help='where the figures go')
    arguments = parser.parse_args()
    flags.FLAGS(sys.argv[:1])  # which Grain's processes need
    config = load_config(arguments.config)
    config.data.directory = arguments.directory or config.data.directory
    batches = make_batches(config, WARM_UP + arguments.count)
    trained = (
        read_training_speed(arguments.workdir)
        if arguments.workdir
        else config.data.images_per_micro_batch
        * config.data.micro_batches_per_step
        / arguments.step_seconds
    )
    read = {workers: measure_reading(batches, workers, arguments.count) for workers in WORKERS}
    speeds = Speeds(read=read, trained=trained)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(dataclasses.asdict(speeds), indent=2) + '\n')
    print(speeds)


if __name__ == '__main__':
    cli.run(main)
