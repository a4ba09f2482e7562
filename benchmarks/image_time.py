"""The time of a training step of one image and six dense tasks: measured, given or assumed."""

import argparse
import pathlib

from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json

PEAK_TFLOPS = {'float32': 495.0, 'bfloat16': 989.0}  # an H100's tensor cores; float32 as TF32


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
