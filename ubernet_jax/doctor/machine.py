"""What the program runs on: versions, devices, memory."""

import dataclasses
import importlib.metadata
import os
import platform

import jax

_PACKAGES = ('ubernet_jax', 'jax', 'jaxlib', 'numpy')


@dataclasses.dataclass(slots=True, kw_only=True)
class Device:
    """One device that JAX computes on.

    Attributes:
      kind: the maker's name of it.
      platform: `cpu`, `gpu` or `tpu`.
      memory: bytes that JAX may use of its own memory; None if it has none of its own.
    """

    kind: str
    platform: str
    memory: int | None


@dataclasses.dataclass(slots=True, kw_only=True)
class Environment:
    """The machine and what is installed on it.

    Attributes:
      versions: of Python and of packages, by name.
      devices: those that JAX found.
      error: why JAX found none; empty otherwise.
      cores: of the processor.
      memory: of the machine, in bytes.
    """

    versions: dict[str, str]
    devices: list[Device]
    error: str
    cores: int
    memory: int


def describe_environment() -> Environment:
    """Looks at this process, its packages and its machine."""
    devices, error = [], ''
    try:
        devices = [_describe_device(device) for device in jax.devices()]
    except RuntimeError as error:  # a driver that is missing, or does not fit
        error = f'JAX finds no device: {error}'
    return Environment(
        versions={'python': platform.python_version(), **_find_versions()},
        devices=devices,
        error=error,
        cores=os.cpu_count() or 1,
        memory=os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE'),
    )


def _find_versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = 'not installed'  # run from a checkout
    return versions


def _describe_device(device: jax.Device) -> Device:
    statistics = device.memory_stats() or {}
    return Device(
        kind=device.device_kind,
        platform=device.platform,
        memory=statistics.get('bytes_limit'),
    )
