"""Trains and evaluates for a given time, for a machine that is lent for minutes.

    python -m benchmarks.timed_training --config mini_gpu --out DIR --minutes 6

Options that are not those below are passed on to `ubernet train`. A first, short training compiles
the steps and measures their speed; from it follows the length of the second one, whose learning
rates then decay within the time. DIR gets the logs, the network in float16, and its scores.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from ubernet_jax import cli
from ubernet_jax.config.flags import override_config
from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import SUFFIX

# Shares of the time at the end, for the evaluation and for the export.
EVALUATION, EXPORT = 0.15, 0.05
PROBE_INTERVALS = 4  # of `log_every` steps, the first of which compile
NEVER = '1000000000'


def run(command: Sequence[str], log: pathlib.Path, seconds: float) -> int | None:
    """Runs `ubernet ARGUMENTS`; asks it to stop when the time is over. None if it was stopped."""
    with log.open('w') as output:
        process = subprocess.Popen(
            [sys.executable, '-m', 'ubernet_jax', *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(max(seconds, 1))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)  # saves a checkpoint
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return None


def read_speed(log: pathlib.Path) -> float:
    """Returns the images per second of the last interval in `log.jsonl` of a training.

    Raises:
      UserError: no interval was finished.
    """
    lines = log.read_text().splitlines() if log.exists() else []
    name = 'images_per_second'  # some lines have only scores
    speeds = [numbers[name] for line in lines if name in (numbers := json.loads(line))]
    if not speeds:
        raise UserError(f'the first training finished no steps; see {log.parent}.log')
    return speeds[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description='Trains for a given time.', allow_abbrev=False)
    parser.add_argument('--config', required=True, help='a configuration, or its file')
    parser.add_argument('--out', type=pathlib.Path, required=True, help='folder of the results')
    parser.add_argument('--minutes', type=float, required=True)
    options, overrides = parser.parse_known_args()
    end = time.monotonic() + 60 * options.minutes
    out, config = options.out, override_config(options.config, overrides)
    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(out / 'compiled'))

    def train(name: str, images: int, seconds: float) -> None:
        rare = [f'--config.{key}_every={NEVER}' for key in ('evaluate', 'pictures', 'checkpoint')]
        arguments = ['--config', options.config, '--workdir', str(out / name), *rare, *overrides]
        run(['train', *arguments, f'--config.images={images}'], out / f'{name}.log', seconds)

    images_per_step = config.data.images_per_micro_batch * config.data.micro_batches_per_step
    probe = images_per_step * config.log_every * PROBE_INTERVALS
    train('probe', probe, 0.6 * (end - time.monotonic()))
    speed = read_speed(out / 'probe' / 'log.jsonl')
    reserve = 60 * options.minutes * (EVALUATION + EXPORT)
    seconds = end - time.monotonic() - reserve
    images = int(speed * seconds * 0.85)  # the start takes time, too
    print(f'{speed:.1f} images per second; {seconds:.0f} s for {images} images', flush=True)
    train('training', images, seconds)

    network = out / f'network{SUFFIX}'
    checkpoint = ['--checkpoint', str(out / 'training')]
    if config.evaluation.benchmarks:
        left = end - time.monotonic() - 60 * options.minutes * EXPORT
        run(['evaluate', *checkpoint], out / 'evaluation.log', left)
    export = ['weights', 'export', *checkpoint, '--out', str(network), '--dtype', 'float16']
    run(export, out / 'export.log', 60)
    if not network.exists():
        raise UserError(f'nothing was exported: {(out / "export.log").read_text()[-2000:]}')
    print(f'{network}: {network.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    cli.run(main)
