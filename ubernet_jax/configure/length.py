"""The length of a new run: how many images it sees, and how long that takes."""

from typing import NamedTuple

from ubernet_jax.config import DataConfig, ModelConfig
from ubernet_jax.configure.machine import Machine

_MINUTES = 8  # of training on a CPU, without compiling
_EPOCHS = 30  # the most that a run has
_MIN_IMAGES = 100
_PYRAMID = {1: 1.0, 2: 1.25, 3: 1.3125}  # scales -> pixels of all scales, relative to the finest
# FLOP of training for each pixel of the pyramid, at the speed of a product of matrices: 3.5e6 in
# docs/results/boundaries.md, 5.1e6 in docs/results/mini.md, on cores of 1e11 FLOP/s.
_COST = 4e6


class Length(NamedTuple):
    """The length of a run.

    Attributes:
      images: that it sees.
      epochs: in which it sees them.
      minutes: that this takes on the machine, without compiling; None if it is not known.
    """

    images: int
    epochs: float
    minutes: float | None

    def __str__(self) -> str:
        if self.minutes is None:
            return f'{self.epochs:.1f} epochs'
        return f'{self.epochs:.1f} epochs, about {max(1, round(self.minutes))} min'


def choose_length(epoch: int, data: DataConfig, model: ModelConfig, machine: Machine) -> Length:
    """Trains as long as a first result is worth waiting for.

    Args:
      epoch: images of an epoch.
      data: sizes of the images.
      model: the network.
      machine: on which it trains.
    """
    seconds = _estimate_seconds(data, model, machine)
    affordable = _MINUTES * 60 / seconds if seconds else _EPOCHS * epoch
    images = int(min(_EPOCHS * epoch, max(_MIN_IMAGES, affordable)))
    if images > _MIN_IMAGES:
        images -= images % 10
    minutes = images * seconds / 60 if seconds else None
    return Length(images=images, epochs=images / epoch, minutes=minutes)


def explain(machine: Machine) -> str:
    """What the time of a `Length` rests on, for people."""
    if not machine.speed:
        return 'how long this takes is not known for this device'
    return (
        f'the time is an estimate, from {machine.speed / 1e9:.0f} GFLOP/s of this machine for a '
        'product of matrices at the moment, and the computation for a pixel in the runs of '
        'docs/results.md; without compiling, scoring and pictures'
    )


def _estimate_seconds(data: DataConfig, model: ModelConfig, machine: Machine) -> float:
    """Seconds of training for an image; 0 if they are not known."""
    if not machine.speed:
        return 0.0
    pixels = max(height * width for height, width in data.buckets) * _PYRAMID[model.scales]
    return pixels * model.width**1.5 * _COST / machine.speed
