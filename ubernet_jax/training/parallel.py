"""Data parallelism: devices of one host or several share the micro-batches of a step.

The configuration fixes the number of micro-batches in a step, so that a run computes the same on
any number of devices that divides it.
"""

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ubernet_jax import cli
from ubernet_jax.batch import Batch
from ubernet_jax.errors import UserError

DATA = 'data'  # the only axis of the mesh


def init_distributed(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Joins this process with the others of a run; call it before any other use of JAX.

    Args:
      coordinator: HOST:PORT of the first process; None where Slurm, Open MPI or Kubernetes
        provides all three arguments.
      processes: how many processes there are.
      process: number of this process, from 0.

    Raises:
      UserError: the other processes cannot be found or reached.
    """
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f'the processes cannot join ({str(error).splitlines()[0]}): start them by Slurm, '
            'Open MPI or Kubernetes with --distributed, or give all of them the same '
            '--coordinator=HOST:PORT and --processes=N, and each a different --process=0..N-1'
        ) from error


def make_mesh(micro_batches: int) -> Mesh:
    """All devices; with a single process, as many as divide the micro-batches of a step.

    Raises:
      UserError: the devices of several processes do not divide the micro-batches.
    """
    devices = jax.devices()
    if jax.process_count() > 1 and micro_batches % len(devices):
        raise UserError(
            f'data.micro_batches_per_step is {micro_batches}, which {len(devices)} devices cannot '
            f'share evenly: set --config.data.micro_batches_per_step={len(devices)} or a multiple'
        )
    used = devices[: math.gcd(len(devices), micro_batches)]
    if len(used) < len(devices):
        print(
            f'{len(used)} of {len(devices)} devices are used: --config.data.micro_batches_per_step='
            f'{len(devices)} or a multiple of it would use all',
            flush=True,
        )
    return Mesh(np.array(used), (DATA,), axis_types=(AxisType.Auto,))


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Copies every array to every device; each process passes the same values."""
    sharding = NamedSharding(mesh, P())
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), tree
    )


def shard(
    mesh: Mesh,
    batches: Sequence[Batch[np.ndarray]],
    complete: Callable[[Batch[jax.Array]], Batch[jax.Array]],
) -> Batch[jax.Array]:
    """Puts each micro-batch of this process on its device, and makes them one global batch.

    Args:
      mesh: all devices.
      batches: of this process, in the order of its devices.
      complete: restores, on the device, what was not transferred: `unpack`, `add_absent_targets`.
    """
    process = jax.process_index()
    devices = [device for device in mesh.devices.flat if device.process_index == process]
    share = len(batches) // len(devices)
    parts = []
    for number, device in enumerate(devices):
        on_device = [
            complete(jax.device_put(batch, device))
            for batch in batches[number * share : (number + 1) * share]
        ]
        parts.append(jax.tree.map(lambda *x: jnp.concatenate(x) if share > 1 else x[0], *on_device))
    sharding = NamedSharding(mesh, P(DATA))

    def join(*arrays: jax.Array) -> jax.Array:
        shape = (mesh.size * len(arrays[0]), *arrays[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, sharding, list(arrays))

    return jax.tree.map(join, *parts)


def local_replica(tree: Any) -> Any:
    """The copy of replicated arrays on the first device of this process."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


@contextlib.contextmanager
def exiting_without_lost_processes() -> Iterator[None]:
    """Ends this process with a message if JAX fails because another process has ended."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        print(
            f'error: the {jax.process_count()} processes cannot continue '
            f'({str(error).splitlines()[0]}); most likely one of them has ended. Start all of '
            'them again: the same commands continue from the last checkpoint',
            file=sys.stderr,
            flush=True,
        )
        os._exit(cli.USER_ERROR)  # otherwise JAX waits a minute for the lost processes
