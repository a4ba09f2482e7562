"""UberNet in JAX/Flax: one network, many vision tasks, diverse datasets, limited memory.

`ubernet_jax.UberNet` is a trained network: see docs/python.md.
"""

__all__ = ['UberNet', '__version__']  # pyright: ignore[reportUnsupportedDunderAll]  (see `__getattr__`)

__version__ = '0.2.0.dev0'


def __getattr__(name: str) -> type:
    """Imports JAX only for those who ask for the network."""
    if name == 'UberNet':
        from ubernet_jax.inference.api import UberNet

        return UberNet
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
