"""Says that a program is being compiled, with a sign of life, and how long it took before.

The times are kept beside the cache of compiled programs (`compilation.enable_compilation_cache`).
"""

import contextlib
import hashlib
import json
import pathlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import jax
import tqdm

from ubernet_jax.progress import Progress, describe_seconds
from ubernet_jax.writing import write_text

_PATIENCE = 1  # seconds without a word: a program that is read from the cache
_INTERVAL = 15  # seconds until the first sign of life; then twice as long, and so on
_LONGEST = 60  # seconds between signs of life

Size = tuple[int, int]  # height, width


class CompilationNotice:
    """Says on stderr when a program is compiled, which happens once for each size of images."""

    def __init__(self, program: str, settings: Any, silent: bool = False):
        """Takes what the time of compiling depends on.

        Args:
          program: what is compiled, for people.
          settings: of the program, which can be written as JSON.
          silent: whether to say nothing.
        """
        self._program, self._settings, self._silent = program, settings, silent
        self._seconds: dict[Size, float] = {}  # of this process

    @contextlib.contextmanager
    def calling(self, size: Size) -> Iterator[None]:
        """Wraps a call of the program, which compiles it if it is the first with this size."""
        if self._silent or size in self._seconds:
            yield
            return
        done = threading.Event()
        speaker = threading.Thread(target=self._speak, args=[size, done], daemon=True)
        start = time.monotonic()
        speaker.start()
        try:
            yield
        finally:
            seconds = time.monotonic() - start
            done.set()
            speaker.join()
        self._seconds[size] = seconds
        Progress.excluded += seconds
        if seconds > _PATIENCE:
            _write(f'compiled in {describe_seconds(seconds)}')
            self._keep(size, seconds)

    def _speak(self, size: Size, done: threading.Event) -> None:
        if done.wait(_PATIENCE):
            return
        start = time.monotonic() - _PATIENCE
        _write(f'compiling the {self._program} for {_name(size)} images ({self._known(size)})')
        interval = _INTERVAL
        while not done.wait(interval):
            interval = min(2 * interval, _LONGEST)
            _write(f'still compiling, {describe_seconds(time.monotonic() - start)}')

    def _known(self, size: Size) -> str:
        """What is known about the time that it takes."""
        if (before := _read(self._file(size))) is not None:
            return f'once for this size; it took up to {describe_seconds(before)} before'
        if self._seconds:
            other, seconds = next(reversed(self._seconds.items()))
            return f'once for this size; {_name(other)} took {describe_seconds(seconds)}'
        return 'once for this size'

    def _keep(self, size: Size, seconds: float) -> None:
        """Keeps the longest time, that of a program which was not in the cache."""
        file = self._file(size)
        if file and seconds > (_read(file) or 0):
            with contextlib.suppress(OSError):
                write_text(file, f'{seconds:.1f}\n')

    def _file(self, size: Size) -> pathlib.Path | None:
        folder = jax.config.values['jax_compilation_cache_dir']
        if not folder or '://' in folder:  # none, or not of this machine
            return None
        facts = [self._program, self._settings, size, jax.__version__, jax.devices()[0].device_kind]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        return pathlib.Path(folder, 'seconds', digest)


def _name(size: Size) -> str:
    return f'{size[0]}x{size[1]}'


def _read(file: pathlib.Path | None) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        return float(file.read_text()) if file else None
    return None


def _write(text: str) -> None:
    tqdm.tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()
