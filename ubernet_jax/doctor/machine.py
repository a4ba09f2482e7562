"""Describes the environment of the process: versions, devices, memory."""

import dataclasses
import importlib.metadata
import os
import platform

import jax

_PACKAGES = ('ubernet_jax', 'jax', 'jaxlib', 'numpy')


@dataclasses.dataclass(slots=True, kw_only=True)
class Device:
    """A device that JAX computes on.

    Attributes:
      kind: the manufacturer's name for the device.
      platform: `cpu`, `gpu` or `tpu`.
      memory: bytes of device memory that JAX may use; None if the device has no separate memory.
    """

    kind: str
    platform: str
    memory: int | None


@dataclasses.dataclass(slots=True, kw_only=True)
class Environment:
    """The machine and the installed packages.

    Attributes:
      versions: name -> version of Python and of packages.
      devices: the devices that JAX found.
      error: why JAX found no device; empty if it found devices.
      cores: number of CPU cores.
      memory: of the machine, in bytes.
    """

    versions: dict[str, str]
    devices: list[Device]
    error: str
    cores: int
    memory: int


def describe_environment() -> Environment:
    """Describes this process, its packages and its machine."""
    devices, message = [], ''
    try:
        devices = _find_devices()
    except RuntimeError as error:  # a driver is missing or incompatible
        message = f'JAX finds no device: {error}'
    return Environment(
        versions={'python': platform.python_version(), **_find_versions()},
        devices=devices,
        error=message,
        cores=os.cpu_count() or 1,
        memory=os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE'),
    )


def _find_versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = 'not installed'  # it is run from a checkout
    return versions


def _find_devices() -> list[Device]:
    return [
        Device(
            kind=device.device_kind,
            platform=device.platform,
            memory=(device.memory_stats() or {}).get('bytes_limit'),
        )
        for device in jax.devices()
    ]
