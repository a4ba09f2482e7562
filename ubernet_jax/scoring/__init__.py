"""The command `python -m ubernet_jax.metrics`: anybody's files, scored by the evaluators.

Ground truth is read as `prepare` reads labels, by the kinds of labels, and so are predictions, but
in their own precision.
"""
