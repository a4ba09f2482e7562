"""UberNet in JAX/Flax: one network, many vision tasks, diverse datasets, limited memory."""
