"""Predicts the speed of data-parallel training on many devices by a formula and by simulation.

    python -m benchmarks.scaling --json scaling.json
    python -m benchmarks.scaling --speed speed.json

No such device is needed. A step is a micro-batch on every device, followed by an all-reduce of the
gradients of all parameters (`benchmarks/data_parallel.py`).

The time of an image must be measured: `--speed` takes the output of `benchmarks.speed --json` on
the device, `--step-ms` takes a number; without them the time is assumed. That benchmark trains the
six dense tasks on one image. The time is proportional to the number of images; for seven tasks it
is scaled by their FLOPs.
"""

import argparse
import functools
import itertools
import json
import pathlib
from collections.abc import Callable

import jax
import numpy as np

from benchmarks.data_parallel import MAX_DEVICES, Links, describe_step, most_devices
from benchmarks.image_time import PEAK_TFLOPS, image_seconds
from benchmarks.memory import STRIDE, parse_sizes
from benchmarks.speed import forward_flops
from benchmarks.workload import DENSE, SEVEN, make_config
from ubernet_jax import cli
from ubernet_jax.config import (
    Config,
    DetectionConfig,
    Initialisation,
    ModelConfig,
    OptimConfig,
    Precision,
)
from ubernet_jax.network import SHARED, init_variables

ALL, ONLY_DENSE = 'seven tasks', 'six dense tasks'
NETWORKS = {ALL: SEVEN, ONLY_DENSE: DENSE}


def count_groups(config: Config) -> dict[str, tuple[int, int]]:
    """Returns (number of parameters, bytes) by group, without allocating parameters."""
    params, _ = jax.eval_shape(functools.partial(init_variables, config), jax.random.PRNGKey(0))
    groups = {name: jax.tree.leaves(tree) for name, tree in params.items()}
    return {
        name: (sum(x.size for x in leaves), sum(x.size * x.dtype.itemsize for x in leaves))
        for name, leaves in groups.items()
    }


def format_table(rows: list[dict]) -> str:
    """Formats a Markdown table; floats have one decimal digit."""
    cells = [list(rows[0])]
    cells += [
        [f'{x:.1f}' if isinstance(x, float) else f'{x}' for x in row.values()] for row in rows
    ]
    header, *lines = (f'| {" | ".join(line)} |\n' for line in cells)
    return ''.join([header, '|---' * len(rows[0]) + '|\n', *lines])


def group_table(groups: dict[str, tuple[int, int]], detection_width: int) -> str:
    """Formats a table of the gradients that are sent in each step."""
    parts = {
        'trunk': [SHARED],
        ONLY_DENSE: DENSE,
        f'detection, {detection_width} wide': ['detection'],
        'all': groups,
    }
    rows = []
    for name, part in parts.items():
        count, nbytes = np.sum([groups[group] for group in part], axis=0)
        parameters, megabytes = f'{count:,}'.replace(',', ' '), f'{nbytes / 1e6:.1f} MB'
        rows.append({'group': name, 'parameters': parameters, 'bytes a step': megabytes})
    return format_table(rows)


def _size(text: str) -> tuple[int, int]:
    size, *others = parse_sizes(text)
    if others or any(side % STRIDE != 1 for side in size):
        raise argparse.ArgumentTypeError(f'{text} is not HEIGHTxWIDTH, both 32k+1, as 641x865')
    return size


def _number(lowest: float, highest: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        if not lowest <= float(text) <= highest:
            raise argparse.ArgumentTypeError(f'{text} is not from {lowest:g} to {highest:g}')
        return float(text)

    return number


def _arguments() -> argparse.Namespace:
    integer, above_zero = cli.positive_integer, _number(1e-3, 1e6)
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.scaling',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, time = parser.add_argument, parser.add_mutually_exclusive_group()
    time.add_argument('--speed', type=pathlib.Path, help='file of `benchmarks.speed --json`')
    time.add_argument('--step-ms', type=above_zero, help='time of one image and six dense tasks')
    add(
        '--share',
        type=_number(0.01, 1),
        default=0.35,
        help='assumed share of the peak (%(default)s)',
    )
    add('--peak-tflops', type=above_zero, help='assumed peak (495 in float32, 989 in bfloat16)')
    add('--size', type=_size, default='641x865', help='image size (%(default)s)')
    add('--precision', choices=PEAK_TFLOPS, default='float32', help='(%(default)s)')
    add('--detection-width', type=integer, default=4096, help='(%(default)s)')
    add('--images', type=integer, nargs='+', default=[1, 4], help='images in a micro-batch (1 4)')
    add('--devices', type=integer, nargs='+', default=[1, 8, 64, 512], help='(1 8 64 512)')
    add('--machine', type=integer, default=8, help='devices in a machine (%(default)s)')
    add(
        '--within', type=above_zero, default=450, help='GB/s of a device in a machine (%(default)s)'
    )
    add(
        '--between',
        type=above_zero,
        default=50,
        help='GB/s of a device to other machines (%(default)s)',
    )
    # Latencies in NCCL's src/graph/tuning.cc (01afd20; Ring, Simple): NVLink 3.4, network 9.6.
    add('--latency-us', type=_number(0, 1e6), default=10, help='latency of a hop (%(default)s)')
    add(
        '--jitter',
        type=_number(0, 1),
        default=0.05,
        help='sigma of the computation times (%(default)s)',
    )
    add('--json', type=pathlib.Path)
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    bandwidths = 1e9 * arguments.within, 1e9 * arguments.between
    links = Links(arguments.machine, *bandwidths, latency=arguments.latency_us / 1e6)
    model = ModelConfig(
        precision=Precision(arguments.precision),
        initialisation=Initialisation.RANDOM,
    )
    configs = {tasks: make_config(names, model=model) for tasks, names in NETWORKS.items()}
    detector = DetectionConfig(width=arguments.detection_width)
    configs[ALL].tasks['detection'].detector = detector
    groups = {tasks: count_groups(config) for tasks, config in configs.items()}
    flops = {tasks: 3 * forward_flops(c, arguments.size) for tasks, c in configs.items()}
    seconds, source = image_seconds(arguments, flops[ONLY_DENSE])
    steps, limits = [], []
    for tasks, images in itertools.product(NETWORKS, arguments.images):
        case = {'tasks': tasks, 'images a device': images}
        compute = images * seconds * flops[tasks] / flops[ONLY_DENSE]
        nbytes = sum(nbytes for _, nbytes in groups[tasks].values())
        for devices in arguments.devices:
            row = describe_step(images, devices, compute, nbytes, links, arguments.jitter)
            steps.append(case | row)
        half = most_devices(compute, nbytes, links)
        batch = OptimConfig().shared.batch_size // images
        limits.append(case | {'half computing': half, 'within the batch': batch})
    print(
        f'one image of {arguments.size[0]}x{arguments.size[1]}, {arguments.precision}, '
        f'{ONLY_DENSE}: {1e3 * seconds:.1f} ms, {source}\n'
        f'seven tasks: {flops[ALL] / flops[ONLY_DENSE]:.2f} times that, by their FLOPs\n'
        f'assumed: {arguments.within:g} GB/s per device in a machine of {arguments.machine}, '
        f'{arguments.between:g} GB/s between machines, {arguments.latency_us:g} us per hop; '
        f'simulated with {100 * arguments.jitter:g} % of jitter\n'
    )
    print(group_table(groups[ALL], arguments.detection_width))
    print(format_table(steps))
    print(f'most devices (up to {MAX_DEVICES}) that compute for at least half of a step, and most')
    print("devices whose images do not exceed the trunk's effective batch:\n")
    print(format_table(limits), end='')
    if arguments.json:
        report = {'image_ms': 1e3 * seconds, 'from': source, 'links': links._asdict()}
        report |= {'jitter': arguments.jitter, 'groups': groups, 'steps': steps, 'limits': limits}
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    cli.run(main)
