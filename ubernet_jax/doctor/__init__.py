"""`python -m ubernet_jax.doctor`: diagnoses a machine, prepared datasets and a configuration."""
