"""Predicts the speed of data-parallel training on many devices by a formula and by simulation.

    python -m benchmarks.scaling --json scaling.json
    python -m benchmarks.scaling --speed speed.json

No such device is needed. A step is a micro-batch on every device, followed by an all-reduce of the
gradients of all parameters, which waits for the slowest device and overlaps with nothing. The
all-reduce has two levels: a ring in each machine, and rings between the machines, in which each
device sends its part of the sum. The simulation passes on the parts hop by hop, after computation
times that vary randomly.

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
from typing import NamedTuple

import jax
import numpy as np

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
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.network import SHARED, init_variables

ALL, ONLY_DENSE = 'seven tasks', 'six dense tasks'
NETWORKS = {ALL: SEVEN, ONLY_DENSE: DENSE}
PEAK_TFLOPS = {'float32': 495.0, 'bfloat16': 989.0}  # an H100's tensor cores; float32 as TF32
MAX_DEVICES = 100_000  # largest number of devices that is considered
STEPS, SEED = 200, 0  # of the simulation


class Links(NamedTuple):
    """The connections between the devices.

    Attributes:
      machine: number of devices in a machine.
      within: bytes per second that a device can send within its machine while it receives as many.
      between: the same to another machine.
      latency: minimum seconds of a hop.
    """

    machine: int
    within: float
    between: float
    latency: float

    def levels(self, devices: int) -> tuple[int, int]:
        """Returns (devices in a machine, machines).

        Raises:
          UserError: the machines would not be full.
        """
        local = min(devices, self.machine)
        if devices % local:
            raise UserError(
                f'{devices} devices do not fill machines of {self.machine}: --devices takes '
                f'numbers up to {self.machine} and multiples of it, --machine another size'
            )
        return local, devices // local


def ring_seconds(devices: int, nbytes: float, bandwidth: float, latency: float) -> float:
    """Returns the seconds of an all-reduce in a ring with `bandwidth` bytes per second.

    `devices - 1` hops sum the parts, `devices - 1` hops distribute the sums; each carries a part.
    """
    return 2 * (devices - 1) * (nbytes / devices / bandwidth + latency)


def all_reduce_seconds(devices: int, nbytes: float, links: Links) -> float:
    """Returns the seconds of an all-reduce in two levels."""
    local, machines = links.levels(devices)
    within = ring_seconds(local, nbytes, links.within, links.latency)
    return within + ring_seconds(machines, nbytes / local, links.between, links.latency)


def pass_on(clock: np.ndarray, hops: int, seconds: float, axis: int) -> np.ndarray:
    """Returns the times after `hops` hops along a ring; a hop waits for sender and receiver."""
    for _ in range(hops):
        clock = np.maximum(clock, np.roll(clock, 1, axis)) + seconds
    return clock


def simulate(compute: np.ndarray, nbytes: float, links: Links) -> np.ndarray:
    """Returns the seconds of each step, (steps,), given computation times (steps, devices)."""
    local, machines = links.levels(compute.shape[1])
    part = nbytes / local
    within = part / links.within + links.latency
    between = part / machines / links.between + links.latency
    clock = compute.reshape(-1, machines, local)
    clock = pass_on(clock, local - 1, within, axis=2)  # each has a part, summed in its machine
    clock = pass_on(clock, 2 * (machines - 1), between, axis=1)  # the same, over all machines
    clock = pass_on(clock, local - 1, within, axis=2)  # all parts
    return clock.max((1, 2))


def jittered(compute: float, devices: int, jitter: float) -> np.ndarray:
    """Returns computation times (steps, devices): log-normal with median `compute`."""
    normal = np.random.default_rng(SEED).standard_normal((STEPS, devices))
    return compute * np.exp(jitter * normal)


def describe_step(
    images: int, devices: int, compute: float, nbytes: float, links: Links, jitter: float
) -> dict[str, float]:
    """Describes a step in which each device computes `images` images in `compute` seconds."""
    step = compute + all_reduce_seconds(devices, nbytes, links)
    simulated = simulate(jittered(compute, devices, jitter), nbytes, links).mean()
    return {
        'devices': devices,
        'compute ms': 1e3 * compute,
        'all-reduce ms': 1e3 * (step - compute),
        'step ms': 1e3 * step,
        'computing %': 100 * compute / step,
        'images/s': devices * images / step,
        'speed-up': devices * compute / step,
        'simulated step ms': 1e3 * simulated,
        'simulated computing %': 100 * compute / simulated,
    }


def most_devices(compute: float, nbytes: float, links: Links) -> int:
    """Returns the most devices, up to `MAX_DEVICES`, that compute for at least half of a step."""
    counts = [*range(1, links.machine), *range(links.machine, MAX_DEVICES + 1, links.machine)]
    return max(n for n in counts if all_reduce_seconds(n, nbytes, links) <= compute)


def count_groups(config: Config) -> dict[str, tuple[int, int]]:
    """Returns (number of parameters, bytes) by group, without allocating parameters."""
    params, _ = jax.eval_shape(functools.partial(init_variables, config), jax.random.PRNGKey(0))
    groups = {name: jax.tree.leaves(tree) for name, tree in params.items()}
    return {
        name: (sum(x.size for x in leaves), sum(x.size * x.dtype.itemsize for x in leaves))
        for name, leaves in groups.items()
    }


def read_image_seconds(
    path: pathlib.Path, size: tuple[int, int], precision: str
) -> tuple[float, str]:
    """Reads (seconds of a training step of one image, device) from a `benchmarks.speed` report.

    Raises:
      UserError: there is no such file, it is not a report, or it lacks this size and precision.
    """
    sides = f'{size[0]}x{size[1]}'
    name = f'training {sides} {precision}'
    options = f'--sizes {sides} --precisions {precision} --json FILE'
    remedy = f'run `python -m benchmarks.speed {options}` on the device and pass FILE to --speed'
    if not path.is_file():
        raise UserError(f'{path} does not exist: {remedy}')
    try:
        report = read_json(path)
        times = {row['name']: float(row['milliseconds']) for row in report['rows']}
        device = report['device']
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f'{path} is not a report of benchmarks.speed: {remedy}') from error
    if not times.get(name, 0) > 0:
        known = ', '.join(map(repr, times)) or 'nothing'
        raise UserError(f'{path} has no time of {name!r}, but of {known}: {remedy}')
    return times[name] / 1e3, device


def image_seconds(arguments: argparse.Namespace, flops: float) -> tuple[float, str]:
    """Returns seconds of a training step of one image and six dense tasks, and their source."""
    if arguments.speed:
        seconds, device = read_image_seconds(arguments.speed, arguments.size, arguments.precision)
        return seconds, f'measured on {device}: {arguments.speed}'
    if arguments.step_ms:
        return arguments.step_ms / 1e3, 'given by --step-ms'
    peak = arguments.peak_tflops or PEAK_TFLOPS[arguments.precision]
    rate = f'{100 * arguments.share:g} % of {peak:g} TFLOP/s'
    seconds = flops / (arguments.share * peak * 1e12)
    return seconds, f'assumed, not measured: {flops / 1e9:.0f} GFLOP at {rate}'


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
