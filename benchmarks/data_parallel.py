"""The model of a data-parallel step: a formula and a simulation.

A step is a micro-batch on every device, followed by an all-reduce of the gradients of all
parameters, which waits for the slowest device and overlaps with nothing. The all-reduce has two
levels: a ring in each machine, and rings between the machines, in which each device sends its part
of the sum. The simulation passes on the parts hop by hop, after computation times that vary
randomly.
"""

from typing import NamedTuple

import numpy as np

from ubernet_jax.errors import UserError

MAX_DEVICES = 100_000  # largest number of devices that is considered
STEPS, SEED = 200, 0  # of the simulation


class Links(NamedTuple):
    """The connections between the devices.

    Attributes:
      machine: number of devices in a machine.
      within: bytes per second that a device can send within its machine while it receives as many.
      between: the same to another machine.
      latency: minimum seconds of a hop.
    """

    machine: int
    within: float
    between: float
    latency: float

    def levels(self, devices: int) -> tuple[int, int]:
        """Returns (devices in a machine, machines).

        Raises:
          UserError: the machines would not be full.
        """
        local = min(devices, self.machine)
        if devices % local:
            raise UserError(
                f'{devices} devices do not fill machines of {self.machine}: --devices takes '
                f'numbers up to {self.machine} and multiples of it, --machine another size'
            )
        return local, devices // local


def ring_seconds(devices: int, nbytes: float, bandwidth: float, latency: float) -> float:
    """Returns the seconds of an all-reduce in a ring with `bandwidth` bytes per second.

    `devices - 1` hops sum the parts, `devices - 1` hops distribute the sums; each carries a part.
    """
    return 2 * (devices - 1) * (nbytes / devices / bandwidth + latency)


def all_reduce_seconds(devices: int, nbytes: float, links: Links) -> float:
    """Returns the seconds of an all-reduce in two levels."""
    local, machines = links.levels(devices)
    within = ring_seconds(local, nbytes, links.within, links.latency)
    return within + ring_seconds(machines, nbytes / local, links.between, links.latency)


def pass_on(clock: np.ndarray, hops: int, seconds: float, axis: int) -> np.ndarray:
    """Returns the times after `hops` hops along a ring; a hop waits for sender and receiver."""
    for _ in range(hops):
        clock = np.maximum(clock, np.roll(clock, 1, axis)) + seconds
    return clock


def simulate(compute: np.ndarray, nbytes: float, links: Links) -> np.ndarray:
    """Returns the seconds of each step, (steps,), given computation times (steps, devices)."""
    local, machines = links.levels(compute.shape[1])
    part = nbytes / local
    within = part / links.within + links.latency
    between = part / machines / links.between + links.latency
    clock = compute.reshape(-1, machines, local)
    clock = pass_on(clock, local - 1, within, axis=2)  # each has a part, summed in its machine
    clock = pass_on(clock, 2 * (machines - 1), between, axis=1)  # the same, over all machines
    clock = pass_on(clock, local - 1, within, axis=2)  # all parts
    return clock.max((1, 2))


def jittered(compute: float, devices: int, jitter: float) -> np.ndarray:
    """Returns computation times (steps, devices): log-normal with median `compute`."""
    normal = np.random.default_rng(SEED).standard_normal((STEPS, devices))
    return compute * np.exp(jitter * normal)


def describe_step(
    images: int, devices: int, compute: float, nbytes: float, links: Links, jitter: float
) -> dict[str, float]:
    """Describes a step in which each device computes `images` images in `compute` seconds."""
    step = compute + all_reduce_seconds(devices, nbytes, links)
    simulated = simulate(jittered(compute, devices, jitter), nbytes, links).mean()
    return {
        'devices': devices,
        'compute ms': 1e3 * compute,
        'all-reduce ms': 1e3 * (step - compute),
        'step ms': 1e3 * step,
        'computing %': 100 * compute / step,
        'images/s': devices * images / step,
        'speed-up': devices * compute / step,
        'simulated step ms': 1e3 * simulated,
        'simulated computing %': 100 * compute / simulated,
    }


def most_devices(compute: float, nbytes: float, links: Links) -> int:
    """Returns the most devices, up to `MAX_DEVICES`, that compute for at least half of a step."""
    counts = [*range(1, links.machine), *range(links.machine, MAX_DEVICES + 1, links.machine)]
    return max(n for n in counts if all_reduce_seconds(n, nbytes, links) <= compute)
