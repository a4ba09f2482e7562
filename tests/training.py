"""Training in processes of its own, on the tiny configuration."""

import os
import pathlib
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def start_training(
    prepared: pathlib.Path,
    workdir: pathlib.Path,
    *settings: str,
    xla: str = '',
    before: tuple[str, ...] = (),
) -> subprocess.Popen:
    """A training process without pictures and scores.

    Args:
      prepared: where datasets are.
      workdir: of the run.
      settings: more flags, which win.
      xla: flags for XLA.
      before: a command that runs it.
    """
    words = [
        *before, sys.executable, '-m', 'ubernet_jax.train', '--config', 'tests/tiny_config.py',
        '--workdir', str(workdir), f'--config.data.directory={prepared}',
        '--config.pictures_every=1000000', '--config.evaluate_every=1000000', *settings,
    ]  # fmt: skip
    return subprocess.Popen(
        words,
        cwd=ROOT,
        env=os.environ | {'XLA_FLAGS': xla},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(*processes: subprocess.Popen, code: int = 0) -> list[str]:
    """Waits for processes that must end with this exit code; returns what each said."""
    outputs = []
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, output
        outputs.append(output)
    return outputs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
