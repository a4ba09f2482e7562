"""Measures the memory of the gradient step by number of tasks, image size and number of scales.

    python -m benchmarks.memory --tasks 1,7,16 --sizes 321 --json memory.json
    python -m benchmarks.memory --tasks 1,7,16 --fit 12,24,80

Compares three ways to compute the same gradients for images that are labelled for every task:
plain differentiation of the sum of all losses; ours without rematerialisation; ours. `--methods`
can add ours with the tasks balanced at the branch point (docs/balancing.md). Each case runs in
a separate process. Measured are the temporary buffers of the compiled program, and with `--run`
also the peak memory of a real step: of the device on an accelerator, otherwise of the process.

`kept` is the size of the activations that the trunk's backward pass receives, independent of the
compiler; `batch` is the size of the images on the host if a dataset labels them for a single task.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import pathlib
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from benchmarks.plain import plain_gradients
from benchmarks.workload import count_tasks, make_batch, make_config
from ubernet_jax.compilation import recomputing
from ubernet_jax.config import Balancing, Config, Initialisation, ModelConfig
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.task_gradients import compute_gradients


class Method(NamedTuple):
    """How gradients are computed, with or without rematerialisation of the trunk."""

    gradients: Callable
    remat: bool
    balancing: Balancing = Balancing.NONE


SAME_GRADIENTS = {
    'plain sum': Method(plain_gradients, remat=False),
    'no checkpoints': Method(compute_gradients, remat=False),
    'ours': Method(compute_gradients, remat=True),
}
BALANCED = {
    way.value: Method(compute_gradients, remat=True, balancing=way)
    for way in Balancing
    if way is not Balancing.NONE
}
METHODS = SAME_GRADIENTS | BALANCED
MIB = 2**20
STRIDE = 32  # the sides of images have the form STRIDE * k + 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A case to measure.

    Attributes:
      method: key of `METHODS`.
      tasks: number of tasks.
      size: (height, width).
      scales: number of scales.
      images: number of images that are differentiated at a time. It is 1 for batches of any size
        whose gradients are accumulated image by image.
    """

    method: str
    tasks: int
    size: tuple[int, int]
    scales: int
    images: int = 1

    def config(self) -> Config:
        model = ModelConfig(
            scales=self.scales,
            remat=METHODS[self.method].remat,
            initialisation=Initialisation.RANDOM,
        )
        config = make_config(count_tasks(self.tasks), model=model)
        config.optim.balancing.method = METHODS[self.method].balancing
        return config


def compile_step(case: Case) -> tuple[jax.stages.Compiled, tuple]:
    """Returns the compiled gradients and their arguments: params, statistics, batch, key."""
    config = case.config()
    network, gradients = make_network(config), METHODS[case.method].gradients
    batch = make_batch(config.tasks, case.size, config.tasks, case.images)
    key = jax.random.PRNGKey(0)
    arguments = (*jax.eval_shape(network.init, key), batch, key)
    function = functools.partial(gradients, make_step_settings(config, network))
    gradients = jax.jit(function, compiler_options=recomputing())
    return gradients.lower(*arguments).compile(), arguments


def kept_bytes(case: Case) -> int:
    """Returns the bytes of activations for the trunk's backward pass, without compilation."""
    network = make_network(case.config())
    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    image = np.zeros((case.images, *case.size, 3), np.uint8)
    valid, key = np.ones(image.shape[:3], bool), jax.random.PRNGKey(0)

    def pull_back(params: dict, stats: dict):
        return jax.vjp(lambda p: network.features(p, stats, image, valid, key)[0], params)[1]

    parameters = {leaf.shape for leaf in jax.tree.leaves(params)}
    kept = jax.tree.leaves(jax.eval_shape(pull_back, params[SHARED], stats))
    return sum(x.size * x.dtype.itemsize for x in kept if x.shape not in parameters)


def batch_bytes(case: Case) -> int:
    """Returns the bytes of the images on the host if they are labelled for a single task."""
    tasks = case.config().tasks
    batch = make_batch(tasks, case.size, list(tasks)[:1], case.images)
    return sum(array.nbytes for array in jax.tree.leaves(batch))


def measure(case: Case, run: bool) -> dict[str, float]:
    """Returns MiB of a case: `temporary`, `kept`, `batch`, and with `run` `peak` of the step."""
    compiled, (params, stats, batch, key) = compile_step(case)
    results = {
        'temporary': compiled.memory_analysis().temp_size_in_bytes / MIB,
        'kept': kept_bytes(case) / MIB,
        'batch': batch_bytes(case) / MIB,
    }
    if run:
        zeros = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), (params, stats))
        jax.block_until_ready(compiled(*jax.device_put(zeros), batch, key))
        statistics = jax.local_devices()[0].memory_stats() or {}
        peak = statistics.get('peak_bytes_in_use')
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        results['peak'] = (peak or resident) / MIB
    return results


def largest_side(case: Case, gigabytes: float) -> int:
    """Returns the side of the largest square image whose compiled step fits into the memory."""
    limit = gigabytes * 1e9

    def needed(k: int) -> int:
        square = dataclasses.replace(case, size=(STRIDE * k + 1, STRIDE * k + 1))
        analysis = compile_step(square)[0].memory_analysis()
        return (
            analysis.temp_size_in_bytes
            + analysis.argument_size_in_bytes
            + analysis.output_size_in_bytes
        )

    # Memory is nearly linear in the area: start from a line through two sizes.
    small, large = 5, 10
    slope = (needed(large) - needed(small)) / (large**2 - small**2)
    k = max(1, int((small**2 + (limit - needed(small)) / slope) ** 0.5))
    while k > 1 and needed(k) > limit:
        k -= 1
    while needed(k + 1) <= limit:
        k += 1
    return STRIDE * k + 1


def measure_in_subprocess(case: Case, run: bool) -> dict[str, float]:
    """Runs `measure` in a new process, so that its peak memory is that of the case."""
    request = json.dumps({'case': dataclasses.asdict(case), 'run': run})
    finished = subprocess.run(
        [sys.executable, '-m', 'benchmarks.memory', '--case', request],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(finished.stdout)


def parse_sizes(text: str) -> list[tuple[int, int]]:
    """Parses sizes: '321,641x865' gives [(321, 321), (641, 865)]."""
    sides = [[int(side) for side in item.split('x')] for item in text.split(',')]
    return [(side[0], side[-1]) for side in sides]


def _numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(',')]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tasks', type=_numbers, default=[1, 7, 16])
    parser.add_argument('--sizes', type=parse_sizes, default=[(321, 321)], help='321 or 641x865')
    parser.add_argument('--scales', type=_numbers, default=[3])
    parser.add_argument('--images', type=_numbers, default=[1], help='images at a time')
    parser.add_argument('--methods', nargs='+', choices=METHODS, default=list(SAME_GRADIENTS))
    parser.add_argument('--run', action='store_true', help='also run a step of each case')
    parser.add_argument(
        '--fit', type=_numbers, default=[], help='find the largest image for these GB'
    )
    parser.add_argument('--json', type=pathlib.Path)
    parser.add_argument('--case', help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    if arguments.case:
        request = json.loads(arguments.case)
        case = request['case']
        case['size'] = tuple(case['size'])
        print(json.dumps(measure(Case(**case), request['run'])))
        return
    rows = []
    for scales, tasks, images, method in itertools.product(
        arguments.scales, arguments.tasks, arguments.images, arguments.methods
    ):
        case = Case(method=method, tasks=tasks, size=(33, 33), scales=scales, images=images)
        for size in [] if arguments.fit else arguments.sizes:
            case = dataclasses.replace(case, size=size)
            rows.append(dataclasses.asdict(case) | measure_in_subprocess(case, arguments.run))
            print(rows[-1], flush=True)
        for gigabytes in arguments.fit:
            side = largest_side(case, gigabytes)
            rows.append(dataclasses.asdict(case) | {'gigabytes': gigabytes, 'side': side})
            print(rows[-1], flush=True)
    if arguments.json:
        device = jax.devices()[0].device_kind
        arguments.json.write_text(
            json.dumps({'device': device, 'jax': jax.__version__, 'rows': rows}, indent=1) + '\n'
        )


if __name__ == '__main__':
    main()
