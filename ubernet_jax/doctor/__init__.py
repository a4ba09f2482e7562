"""`python -m ubernet_jax.doctor`: checks the machine, prepared datasets and a configuration."""
