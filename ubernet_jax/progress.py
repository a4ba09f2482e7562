"""Progress of long work: a bar on a terminal, and elsewhere lines of text at intervals."""

import sys
import time
from typing import ClassVar

import tqdm

_INTERVAL = 30  # seconds between lines


class Progress:
    """Counts steps, images or files; a context manager. Writes to stderr.

    Without a terminal it writes lines such as `garden:test: image 12/200, 3 min left`.

    Attributes:
      excluded: seconds of this process that tell nothing about the time that is left, because what
        they were spent on happens only once, such as compiling.
    """

    excluded: ClassVar[float] = 0.0

    def __init__(self, unit: str, total: int, name: str = '', done: int = 0):
        """Shows the state before the first.

        Args:
          unit: what is counted, such as `image`.
          total: how many there are.
          name: of the work; may be empty.
          done: how many are done already, which tells nothing about the time that is left.
        """
        self._unit, self._total, self._name = unit, total, f'{name}: ' if name else ''
        self._done = self._first = done
        self._start = self._clock()
        self._bar = tqdm.tqdm(
            total=total, initial=done, desc=name or None, unit=unit, leave=False, disable=None
        )
        self._write()

    def __enter__(self) -> 'Progress':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __str__(self) -> str:
        state = f'{self._name}{self._unit} {self._done}/{self._total}'
        done, left = self._done - self._first, self._total - self._done
        if not done or left <= 0:
            return state
        seconds = (self._clock() - self._start) / done * left
        return f'{state}, {describe_seconds(seconds)} left'

    def close(self) -> None:
        """Removes the bar."""
        self._bar.close()

    def advance(self, count: int = 1) -> None:
        """Counts some as done, and shows it if the last line was long ago."""
        self._done += count
        self._bar.update(count)
        if time.monotonic() - self._written >= _INTERVAL:
            self._write()

    def note(self, text: str) -> None:
        """Shows a text with the state: beside the bar, or as a line on stdout."""
        self._bar.set_postfix_str(text)
        if self._bar.disable:
            self._written = time.monotonic()
            print(f'{self}: {text}', flush=True)

    def write(self, text: str) -> None:
        """Writes a line to stdout, above the bar."""
        self._bar.write(text)
        sys.stdout.flush()

    @staticmethod
    def _clock() -> float:
        return time.monotonic() - Progress.excluded

    def _write(self) -> None:
        self._written = time.monotonic()
        if self._bar.disable:
            print(self, file=sys.stderr, flush=True)


def describe_seconds(seconds: float) -> str:
    """`40 s`, `12 min` or `3.5 h`."""
    if seconds < 99.5:
        return f'{seconds:.0f} s'
    minutes = seconds / 60
    return f'{minutes:.0f} min' if minutes < 99.5 else f'{minutes / 60:.1f} h'
