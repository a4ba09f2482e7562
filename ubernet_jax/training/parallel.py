"""One to many devices, on one host or several: the micro-batches of a step are spread over them.

A step's micro-batches are fixed by the configuration, so a run computes the same on any number of
devices that divides theirs.
"""

import math
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ubernet_jax.errors import UserError

DATA = 'data'  # the mesh's only axis


def join_processes(coordinator: str | None, processes: int | None, process: int | None) -> None:
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
            f'data.micro_batches is {micro_batches}, which {len(devices)} devices cannot share: '
            f'set --config.data.micro_batches={len(devices)} or a multiple of it'
        )
    used = devices[: math.gcd(len(devices), micro_batches)]
    if len(used) < len(devices):
        print(
            f'{len(used)} of {len(devices)} devices are used: --config.data.micro_batches='
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


def spread(mesh: Mesh, tree: Any) -> Any:
    """Makes global arrays from each process's part of them, which is split over its devices."""
    sharding = NamedSharding(mesh, P(DATA))
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), tree)


def own_copy(tree: Any) -> Any:
    """Of replicated arrays, the copy on this process's first device, for work of its own."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)
