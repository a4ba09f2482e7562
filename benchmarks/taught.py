"""Measures how much a training step grows when every image has labels of all seven tasks.

    python -m benchmarks.taught --size 129x129 --json taught.json

An image has the labels of one of the paper's datasets alone, or also taught labels of all other
tasks. The network of the paper takes one image at a time, in turns in one process; a step is the
same compiled program whatever is labelled. Times are processor time, bytes those of the packed
micro-batch that goes to the device.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import time
from collections.abc import Collection, Mapping, Sequence

import jax
import numpy as np

from benchmarks.memory import MIB, parse_sizes
from benchmarks.speed import make_training
from benchmarks.workload import SEVEN, make_batch, make_config
from ubernet_jax import cli
from ubernet_jax.batch import Batch
from ubernet_jax.config import Config, Initialisation, ModelConfig
from ubernet_jax.configs.ubernet import training_sets
from ubernet_jax.tasks import Task
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.packing import pack


@dataclasses.dataclass(kw_only=True)
class Labelled:
    """A micro-batch that is labelled for some tasks.

    Attributes:
      batch: the micro-batch, on the device.
      sent: bytes of the packed micro-batch.
      seconds: processor time of the training step in each round.
    """

    batch: Batch[jax.Array]
    sent: int
    seconds: list[float] = dataclasses.field(default_factory=list)


def label_sets() -> list[tuple[str, ...]]:
    """The different sets of tasks that the datasets of the paper label."""
    return list(dict.fromkeys(setting.tasks for setting in training_sets('with_val')))


def make_labelled(
    tasks: Mapping[str, Task], size: tuple[int, int], labelled: Collection[str]
) -> Labelled:
    """Makes a micro-batch of one image of `size` (height, width)."""
    batch = make_batch(tasks, size, labelled)
    sent = sum(array.nbytes for array in jax.tree.leaves(pack(batch)))
    return Labelled(batch=add_absent_targets(tasks, jax.device_put(batch)), sent=sent)


def measure(
    config: Config, datasets: Sequence[tuple[str, ...]], size: tuple[int, int], rounds: int
) -> dict[str, object]:
    """Measures the training step; each case runs once untimed, then once in each round.

    Args:
      config: of the network.
      datasets: the tasks that each dataset labels.
      size: (height, width) of the image.
      rounds: how often each case is timed.

    Returns:
      `temporary_mib` of the compiled step; `seconds` of each case; and `growth`, the ratios of the
      seconds and of the bytes sent with all labels to the means over the datasets.
    """
    labelled = [*datasets, tuple(config.tasks)]
    cases = [make_labelled(config.tasks, size, names) for names in labelled]
    jitted, state = make_training(config)
    compiled = jitted.lower(state, cases[0].batch).compile()
    for timed in [False] + [True] * rounds:
        for case in cases:
            start = time.process_time()
            state, _ = jax.block_until_ready(compiled(state, case.batch))
            if timed:
                case.seconds.append(time.process_time() - start)
    *alone, every = cases
    ratios = np.divide(every.seconds, np.mean([case.seconds for case in alone], 0))
    return {
        'temporary_mib': compiled.memory_analysis().temp_size_in_bytes / MIB,
        'seconds': {
            ', '.join(names): statistics.median(case.seconds)
            for names, case in zip(labelled, cases, strict=True)
        },
        'growth': {
            'seconds': float(np.median(ratios)),
            'sent': every.sent / float(np.mean([case.sent for case in alone])),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=parse_sizes, default='129x129', help='height and width')
    parser.add_argument('--rounds', type=cli.positive_integer, default=5)
    parser.add_argument('--json', type=pathlib.Path)
    arguments = parser.parse_args()
    (size,) = arguments.size
    config = make_config(SEVEN, model=ModelConfig(initialisation=Initialisation.RANDOM))
    report = json.dumps(measure(config, label_sets(), size, arguments.rounds), indent=1)
    print(report)
    if arguments.json:
        arguments.json.write_text(report + '\n')


if __name__ == '__main__':
    cli.run(main)
