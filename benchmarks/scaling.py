"""Data-parallel training on many devices, on paper and simulated; none of them is needed.

    python -m benchmarks.scaling --json scaling.json
    python -m benchmarks.scaling --speed speed.json

A step is a micro-batch on every device, and then one all-reduce of the gradients of all parameters,
which waits for the slowest device and overlaps with nothing. The all-reduce has two levels: a ring
in each machine, and rings between the machines, in which each device sends its own part of the sum.
The simulation passes the parts on hop by hop, after times of computing that vary at random.

How long one image takes is what must be measured: `--speed` takes what `benchmarks.speed --json`
wrote on the device, `--step-ms` a number; without them it is assumed. That benchmark trains the six
dense tasks on one image; more images take as many times as long, and seven tasks by their FLOPs.
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
MOST_DEVICES = 100_000  # that are looked at
STEPS, SEED = 200, 0  # of the simulation


class Links(NamedTuple):
    """What joins the devices.

    Attributes:
      machine: devices of one machine.
      within: bytes a second that a device sends inside its machine, while it receives as many.
      between: the same to another machine.
      latency: seconds of a hop, however little it carries.
    """

    machine: int
    within: float
    between: float
    latency: float

    def levels(self, devices: int) -> tuple[int, int]:
        """Devices of a machine, and machines.

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
    """Seconds of an all-reduce in one ring, at so many bytes a second.

    `devices - 1` hops add the parts up, as many hand the sums round; each carries one part.
    """
    return 2 * (devices - 1) * (nbytes / devices / bandwidth + latency)


def all_reduce_seconds(devices: int, nbytes: float, links: Links) -> float:
    """Seconds of an all-reduce in two levels."""
    local, machines = links.levels(devices)
    within = ring_seconds(local, nbytes, links.within, links.latency)
    return within + ring_seconds(machines, nbytes / local, links.between, links.latency)


def pass_on(clock: np.ndarray, hops: int, seconds: float, axis: int) -> np.ndarray:
    """Times after so many hops along a ring; each begins when sender and receiver are ready."""
    for _ in range(hops):
        clock = np.maximum(clock, np.roll(clock, 1, axis)) + seconds
    return clock


def simulate(compute: np.ndarray, nbytes: float, links: Links) -> np.ndarray:
    """Seconds of each step, (steps,), from those that each device computes, (steps, devices)."""
    local, machines = links.levels(compute.shape[1])
    part = nbytes / local
    within = part / links.within + links.latency
    between = part / machines / links.between + links.latency
    clock = compute.reshape(-1, machines, local)
    clock = pass_on(clock, local - 1, within, axis=2)  # each has one part, summed in its machine
    clock = pass_on(clock, 2 * (machines - 1), between, axis=1)  # the same, over all machines
    clock = pass_on(clock, local - 1, within, axis=2)  # all parts
    return clock.max((1, 2))


def jittered(compute: float, devices: int, jitter: float) -> np.ndarray:
    """Seconds that each device computes, (steps, devices): log-normal with median `compute`."""
    normal = np.random.default_rng(SEED).standard_normal((STEPS, devices))
    return compute * np.exp(jitter * normal)


def describe_step(
    images: int, devices: int, compute: float, nbytes: float, links: Links, jitter: float
) -> dict[str, float]:
    """A step in which each device computes `images` in `compute` seconds: on paper, simulated."""
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
    """Of up to `MOST_DEVICES`, the most that still compute for at least half of the step."""
    counts = [*range(1, links.machine), *range(links.machine, MOST_DEVICES + 1, links.machine)]
    return max(n for n in counts if all_reduce_seconds(n, nbytes, links) <= compute)


def count_groups(config: Config) -> dict[str, tuple[int, int]]:
    """Parameters and their bytes by group; none are allocated."""
    params, _ = jax.eval_shape(functools.partial(init_variables, config), jax.random.PRNGKey(0))
    groups = {name: jax.tree.leaves(tree) for name, tree in params.items()}
    return {
        name: (sum(x.size for x in leaves), sum(x.size * x.dtype.itemsize for x in leaves))
        for name, leaves in groups.items()
    }


def read_image_seconds(
    path: pathlib.Path, size: tuple[int, int], precision: str
) -> tuple[float, str]:
    """Seconds of a training step of one image, and the device, as `benchmarks.speed` wrote them.

    Raises:
      UserError: there is no such file, it is something else, or lacks this size and precision.
    """
    sides = f'{size[0]}x{size[1]}'
    name = f'training {sides} {precision}'
    options = f'--sizes {sides} --precisions {precision} --json FILE'
    remedy = f'`python -m benchmarks.speed {options}`, run on the device, makes what --speed takes'
    if not path.is_file():
        raise UserError(f'there is no file {path}: {remedy}')
    try:
        report = read_json(path)
        times = {row['name']: float(row['milliseconds']) for row in report['rows']}
        device = report['device']
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f'{path} is not a report of benchmarks.speed: {remedy}') from error
    if not times.get(name, 0) > 0:
        found = ', '.join(map(repr, times)) or 'nothing'
        raise UserError(f'{path} has no time of {name!r}, but of {found}: {remedy}')
    return times[name] / 1e3, device


def image_seconds(arguments: argparse.Namespace, flops: float) -> tuple[float, str]:
    """Seconds of a training step of one image and six dense tasks, and where they are from."""
    if arguments.speed:
        seconds, device = read_image_seconds(arguments.speed, arguments.size, arguments.precision)
        return seconds, f'measured on {device}: {arguments.speed}'
    if arguments.step_ms:
        return arguments.step_ms / 1e3, 'as --step-ms says'
    peak = arguments.peak_tflops or PEAK_TFLOPS[arguments.precision]
    rate = f'{100 * arguments.share:g} % of {peak:g} TFLOP/s'
    seconds = flops / (arguments.share * peak * 1e12)
    return seconds, f'assumed, not measured: {flops / 1e9:.0f} GFLOP at {rate}'


def format_table(rows: list[dict]) -> str:
    """A table in Markdown; numbers that are not whole have one digit."""
    cells = [list(rows[0])]
    cells += [
        [f'{x:.1f}' if isinstance(x, float) else f'{x}' for x in row.values()] for row in rows
    ]
    header, *lines = (f'| {" | ".join(line)} |\n' for line in cells)
    return ''.join([header, '|---' * len(rows[0]) + '|\n', *lines])


def group_table(groups: dict[str, tuple[int, int]], detection_width: int) -> str:
    """What goes over the wire each step."""
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
    whole, above_zero = cli.positive_integer, _number(1e-3, 1e6)
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.scaling',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, time = parser.add_argument, parser.add_mutually_exclusive_group()
    time.add_argument('--speed', type=pathlib.Path, help='file of `benchmarks.speed --json`')
    time.add_argument('--step-ms', type=above_zero, help='of one image and six dense tasks')
    add('--share', type=_number(0.01, 1), default=0.35, help='assumed, of the peak (%(default)s)')
    add('--peak-tflops', type=above_zero, help='assumed (495 in float32, 989 in bfloat16)')
    add('--size', type=_size, default='641x865', help='of images (%(default)s)')
    add('--precision', choices=PEAK_TFLOPS, default='float32', help='(%(default)s)')
    add('--detection-width', type=whole, default=4096, help='(%(default)s)')
    add('--images', type=whole, nargs='+', default=[1, 4], help='of a micro-batch (1 4)')
    add('--devices', type=whole, nargs='+', default=[1, 8, 64, 512], help='(1 8 64 512)')
    add('--machine', type=whole, default=8, help='devices of a machine (%(default)s)')
    add('--within', type=above_zero, default=450, help='GB/s a device in it (%(default)s)')
    add('--between', type=above_zero, default=50, help='GB/s a device to others (%(default)s)')
    # A hop in NCCL's src/graph/tuning.cc (01afd20; Ring, Simple): NVLink 3.4, network 9.6.
    add('--latency-us', type=_number(0, 1e6), default=10, help='of a hop (%(default)s)')
    add('--jitter', type=_number(0, 1), default=0.05, help='of computing, sigma (%(default)s)')
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
        f'assumed: {arguments.within:g} GB/s a device in a machine of {arguments.machine}, '
        f'{arguments.between:g} GB/s between machines, {arguments.latency_us:g} us a hop; '
        f'simulated with {100 * arguments.jitter:g} % of jitter\n'
    )
    print(group_table(groups[ALL], arguments.detection_width))
    print(format_table(steps))
    print(f'most devices (of up to {MOST_DEVICES}) that still compute for half of a step, and that')
    print("bring no more images a step than the trunk's effective batch:\n")
    print(format_table(limits), end='')
    if arguments.json:
        report = {'image_ms': 1e3 * seconds, 'from': source, 'links': links._asdict()}
        report |= {'jitter': arguments.jitter, 'groups': groups, 'steps': steps, 'limits': limits}
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    cli.run(main)
