"""Measures the network on a GPU in a few minutes: agreement with the CPU, memory, speed.

    python -m benchmarks.gpu --out DIR --minutes 7
    python -m benchmarks.gpu --out DIR --rehearse

Runs the other benchmarks as processes, the most important first. What they print is written to
DIR/report.txt as it comes. Every section has a share of the time; a section that fails or takes too
long does not stop the others. `--rehearse` runs every section with tiny sizes, also on a CPU, where
XLA compiles without optimisations.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from ubernet_jax import cli

MACHINE = """
import importlib.metadata, jax
print(jax.devices(), jax.devices()[0].device_kind)
for name in ('jax', 'jaxlib', 'flax', 'optax', 'numpy'):
    print(name, importlib.metadata.version(name))
"""


class Section(NamedTuple):
    """A part of the measurement.

    Attributes:
      name: its title.
      share: of the time, 0..1; a section that starts late may also use the time that others left.
      commands: arguments of Python; the processes of a section run at the same time.
      flags: of XLA.
    """

    name: str
    share: float
    commands: Sequence[Sequence[str]]
    flags: str = ''


def make_sections(rehearse: bool) -> list[Section]:
    """The sections, in the order of importance."""
    small, large = ('33', '33x65') if rehearse else ('321', '641x865')
    # A CPU takes minutes to compile the full network with optimisations.
    flags = '--xla_backend_optimization_level=0 ' if rehearse else ''
    memory = [
        ('-m', 'benchmarks.memory', '--run', '--tasks', tasks, '--methods', method, '--sizes', size)
        for size in ([small] if rehearse else [small, large])
        for method, counts in (('ours', ('1', '7', '16')), ('plain sum', ('1', '7')))
        for tasks in counts
    ]
    speed = [
        Section(
            f'speed, {precision}',
            share,
            [
                ('-m', 'benchmarks.speed', '--precisions', precision, '--sizes', large, '--cases')
                + ('training', 'prediction, seven tasks')
                + (() if rehearse else ('training, PyTorch', 'prediction, PyTorch'))
            ],
            flags,
        )
        for precision, share in (('bfloat16', 0.4), ('float32', 0.3))
    ]
    return [
        Section('machine', 0.05, [('-c', MACHINE)]),
        speed[0],
        # Choosing the fastest kernels takes minutes, and memory of its own.
        Section('memory', 0.15, memory, f'{flags}--xla_gpu_autotune_level=0'),
        speed[1],
        Section('agreement', 0.1, [('-m', 'benchmarks.agreement', '--size', '65x97')], flags),
    ]


def run_section(section: Section, seconds: float) -> str:
    """Runs the commands of a section; returns what they printed."""
    # The processes share the device's memory, and `peak` is what they have really used.
    environment = os.environ | {
        'XLA_PYTHON_CLIENT_PREALLOCATE': 'false',
        'TF_CPP_MIN_LOG_LEVEL': '3',
        'PYTHONUNBUFFERED': '1',
    }
    if section.flags:  # XLA takes a blank value for the name of a file, and ends the process
        environment['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {section.flags}'.strip()
    start = time.monotonic()
    processes = [
        subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that it ends together with the processes that it starts
        )
        for command in section.commands
    ]
    texts = [f'\n## {section.name}']
    for command, process in zip(section.commands, processes, strict=True):
        try:
            left = max(start + seconds - time.monotonic(), 1)  # also to read what others printed
            output, end = process.communicate(timeout=left)[0], f'exit code {process.returncode}'
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, end = process.communicate()[0], f'ended after {seconds:.0f} s'
        texts += [f'$ python {" ".join(command)}', output, end]
    return '\n'.join([*texts, f'{time.monotonic() - start:.0f} s'])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=pathlib.Path, required=True, help='folder of the report')
    parser.add_argument('--minutes', type=float, default=7)
    parser.add_argument('--rehearse', action='store_true', help='tiny sizes, also on a CPU')
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    end, share = time.monotonic() + 60 * arguments.minutes, 1.0
    with (arguments.out / 'report.txt').open('w') as report:
        for section in make_sections(arguments.rehearse):
            left = max(end - time.monotonic(), 0)
            text = run_section(section, left * section.share / share)
            share -= section.share
            for stream in (sys.stdout, report):
                print(text, file=stream, flush=True)


if __name__ == '__main__':
    cli.run(main)
