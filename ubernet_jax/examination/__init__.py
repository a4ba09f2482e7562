"""What `python -m ubernet_jax.doctor` finds out before a run does."""
