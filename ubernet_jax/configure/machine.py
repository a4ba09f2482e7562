"""What a new configuration needs to know of this machine: its memory and its speed."""

import dataclasses
import time

import jax
import jax.numpy as jnp

from ubernet_jax.doctor.machine import describe_environment
from ubernet_jax.errors import UserError

_SIDE = 1024  # of the matrices that are multiplied to measure the speed
_RUNS = 5  # of which the fastest counts
_CORE = 1e11  # FLOP/s of a core of the machine of docs/results.md


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The device that trains.

    Attributes:
      name: of the device, for people.
      accelerated: whether it is a GPU or a TPU.
      memory: of the device, in bytes.
      speed: FLOP/s of a product of float32 matrices; 0 for an accelerator.
    """

    name: str
    accelerated: bool
    memory: int
    speed: float

    def __str__(self) -> str:
        return f'{self.name} with {self.memory / 2**30:.0f} GiB of memory'


def inspect_machine(measure: bool) -> Machine:
    """Inspects the first device.

    Args:
      measure: whether to measure the speed of a CPU, which differs from time to time; otherwise it
        follows from the number of cores.

    Raises:
      UserError: JAX finds no device.
    """
    environment = describe_environment()
    if environment.error:
        raise UserError(environment.error)
    device = environment.devices[0]
    accelerated = device.platform != 'cpu'
    speed = _measure_speed() if measure and not accelerated else _CORE * environment.cores
    return Machine(
        name=device.kind if accelerated else f'{environment.cores} CPU cores',
        accelerated=accelerated,
        memory=device.memory or environment.memory,
        speed=0.0 if accelerated else speed,
    )


def _measure_speed() -> float:
    matrix = jnp.ones((_SIDE, _SIDE), jnp.float32)
    multiply = jax.jit(jnp.matmul)
    multiply(matrix, matrix).block_until_ready()
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        multiply(matrix, matrix).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * _SIDE**3 / min(times)
