"""The configurations that are installed with the package, as `ubernet_jax.configs`."""
