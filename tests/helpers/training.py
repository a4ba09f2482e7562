"""Training in separate processes, on the tiny configuration."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile

from helpers.paths import ROOT


class Process(subprocess.Popen):
    """A process in a separate session that writes to a file.

    A pipe that nobody reads would block the process once it is full.
    """

    def __init__(self, words: list[str], env: dict[str, str]):
        self._output = tempfile.TemporaryFile('a+')
        super().__init__(
            words,
            cwd=ROOT,
            env=env,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def output(self) -> str:
        """The output so far."""
        self._output.seek(0)
        return self._output.read()


def start_training(
    prepared: pathlib.Path,
    workdir: pathlib.Path,
    *settings: str,
    xla: str = '',
    before: tuple[str, ...] = (),
) -> Process:
    """Starts a training process without pictures and scores.

    Args:
      prepared: folder of prepared datasets.
      workdir: of the run.
      settings: further flags, which override the others.
      xla: further flags for XLA.
      before: a command that starts the process, such as `strace`.
    """
    words = [
        *before, sys.executable, '-m', 'ubernet_jax.train',
        '--config', 'tests/helpers/tiny_config.py',
        '--workdir', str(workdir), f'--config.data.directory={prepared}',
        '--config.pictures_every=1000000', '--config.evaluate_every=1000000', *settings,
    ]  # fmt: skip
    return Process(words, os.environ | {'XLA_FLAGS': f'{os.environ["XLA_FLAGS"]} {xla}'})


def finish(*processes: Process, code: int = 0) -> list[str]:
    """Waits for processes that must end with this exit code; returns their outputs."""
    for process in processes:
        process.wait(timeout=300)
        assert process.returncode == code, process.output()
    return [process.output() for process in processes]


def free_port() -> int:
    """A TCP port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
