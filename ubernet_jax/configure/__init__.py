"""`ubernet configure`: a configuration for prepared datasets and for this machine."""

from ubernet_jax.configure.plan import Plan, make_plan

__all__ = ['Plan', 'make_plan']
