"""Measures whether reading keeps up with training: images per second of each.

    python -m benchmarks.input --config configs/mini.py --workdir runs/mini --json input.json

`--workdir` is a run of that configuration on the same machine, whose log has the training speed;
instead, `--step-seconds` gives the duration of a step.
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
from ubernet_jax.errors import UserError
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.prefetch import read_ahead
from ubernet_jax.training.training_sets import open_training_sets

WORKERS = (1, 2)
WARM_UP = 10  # untimed steps, in which processes start and fill their buffers


@dataclasses.dataclass(slots=True, kw_only=True)
class Speeds:
    """Speeds in images per second.

    Attributes:
      read: speed of reading, by number of reader processes.
      trained: speed of the training step.
    """

    read: dict[int, float]
    trained: float

    def __str__(self) -> str:
        parts = [
            f'{workers} reading: {speed:.1f} ({speed / self.trained:.1f} times)'
            for workers, speed in self.read.items()
        ]
        return f'images per second: training {self.trained:.2f}, {", ".join(parts)}'


def measure_reading(steps: Sequence[list[Batch]], workers: int, count: int) -> float:
    """Returns images per second of `count` steps, after the first `WARM_UP` steps.

    Args:
      steps: the batches of each step, at least `WARM_UP + count` long.
      workers: number of reader processes; 0 reads with threads.
      count: number of timed steps.
    """
    with contextlib.closing(read_ahead(steps, 0, workers)) as stream:
        for _ in itertools.islice(stream, WARM_UP):
            pass
        start = time.perf_counter()
        timed = itertools.islice(stream, count)
        images = sum(len(batch.image) for batches in timed for batch in batches)
        return images / (time.perf_counter() - start)


def read_training_speed(workdir: pathlib.Path) -> float:
    """Returns the median of the images per second in the log of a run.

    Raises:
      UserError: there is no log, or it has no speed.
    """
    path = workdir / 'log.jsonl'
    if not path.is_file():
        raise UserError(f'{path} does not exist: --workdir takes the folder of a run')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    speeds = [line['images_per_second'] for line in lines if 'images_per_second' in line]
    if not speeds:
        raise UserError(f'{path} has no images_per_second: train for longer')
    return statistics.median(speeds)


def make_batches(config: Config, steps: int) -> MicroBatches:
    """Returns the micro-batches of the first steps of a run; keeps images of the benchmarks."""
    config.evaluation.benchmarks = []
    config, sets = open_training_sets(config)
    return MicroBatches(Epochs(sets, config.data, config.seed), config.tasks, config.seed, steps)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.input',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--config', required=True, help='FILE.py[:VARIANT] of configs/')
    parser.add_argument(
        '--directory', help='folder of the prepared datasets; default: that of the config'
    )
    step = parser.add_mutually_exclusive_group(required=True)
    step.add_argument('--workdir', type=pathlib.Path, help='folder of a run of the configuration')
    step.add_argument('--step-seconds', type=float, help='duration of a training step')
    parser.add_argument(
        '--count',
        type=cli.positive_integer,
        default=300,
        help='number of timed steps (%(default)s)',
    )
    parser.add_argument('--json', type=pathlib.Path, required=True, help='output file')
    arguments = parser.parse_args()
    flags.FLAGS(sys.argv[:1])  # parsed flags are needed by Grain's processes
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
