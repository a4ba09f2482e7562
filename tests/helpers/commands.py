"""Commands of the package, in a process or inside the process of the tests."""

import subprocess
import sys
from collections.abc import Callable

from absl.testing import flagsaver

from helpers.paths import ROOT
from ubernet_jax import train
from ubernet_jax.commands import COMMANDS


def run_command(module: str, *arguments: object) -> subprocess.CompletedProcess:
    """Runs `python -m ubernet_jax.MODULE` in a process."""
    words = [sys.executable, '-m', f'ubernet_jax.{module}', *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)


def call_main(main: Callable[[], None], *arguments: object) -> None:
    """Calls the main function of a command that parses `sys.argv`."""
    kept = sys.argv
    sys.argv = ['command', *map(str, arguments)]
    try:
        main()
    finally:
        sys.argv = kept


def call_ubernet(command: str) -> None:
    """Calls `ubernet COMMAND` in this process, which imports the package only once."""
    name, *arguments = command.split()
    main = COMMANDS[name].load()  # before the flags are kept, since importing defines some
    with flagsaver.flagsaver():
        main(arguments)


def call_train(*arguments: object) -> None:
    """Calls the main function of `train`; absl's flags are reset afterwards."""
    with flagsaver.flagsaver():
        call_main(train.main, *arguments)
