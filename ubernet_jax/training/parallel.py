"""One to many devices, on one host or several, which share the micro-batches of a step.

A step's micro-batches are fixed by the configuration, so a run computes the same on any number of
devices that divides theirs.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ubernet_jax.batch import Batch
from ubernet_jax.errors import UserError

DATA = 'data'  # the mesh's only axis


def init_distributed(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Makes this process one of several; to be called before JAX is used for anything.

    Args:
      coordinator: HOST:PORT of the first process; None where Slurm, Open MPI or Kubernetes tells
        everything.
      processes: how many there are.
      process: number of this one, from 0.

    Raises:
      UserError: the others cannot be found or reached.
    """
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f'the processes cannot join ({str(error).splitlines()[0]}): start them by Slurm, '
            'Open MPI or Kubernetes with --distributed, or give all of them the same '
            '--coordinator=HOST:PORT and --processes=N, and each its own --process=0..N-1'
        ) from error


def make_mesh(micro_batches: int) -> Mesh:
    """All devices, or of a single process as many as divide a step's micro-batches.

    Raises:
      UserError: the devices of several processes do not divide the micro-batches.
    """
    devices = jax.devices()
    if jax.process_count() > 1 and micro_batches % len(devices):
        raise UserError(
            f'data.micro_batches_per_step is {micro_batches}, which {len(devices)} devices cannot '
            'share: '
            f'set --config.data.micro_batches_per_step={len(devices)} or a multiple of it'
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
    """Puts a copy of every array on every device; each process passes the same values."""
    sharding = NamedSharding(mesh, P())
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), tree
    )


def shard(mesh: Mesh, batches: Sequence[Batch], complete: Callable[[Batch], Batch]) -> Batch:
    """Puts each of a process's micro-batches on its device, and makes one global batch of all.

    Args:
      mesh: of all devices.
      batches: of this process, in the order of its devices.
      complete: adds on the device what a micro-batch lacks of the structure that all share.
    """
    devices = [one for one in mesh.devices.flat if one.process_index == jax.process_index()]
    share = len(batches) // len(devices)
    parts = []
    for number, device in enumerate(devices):
        mine = batches[number * share : (number + 1) * share]
        own = [complete(jax.device_put(batch, device)) for batch in mine]
        parts.append(jax.tree.map(lambda *x: jnp.concatenate(x) if share > 1 else x[0], *own))
    sharding = NamedSharding(mesh, P(DATA))

    def join(*arrays: jax.Array) -> jax.Array:
        shape = (mesh.size * len(arrays[0]), *arrays[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, sharding, list(arrays))

    return jax.tree.map(join, *parts)


def local_replica(tree: Any) -> Any:
    """Of replicated arrays, the copy on this process's first device, for work of its own."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)
