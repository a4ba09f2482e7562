"""`ubernet configure`: a configuration for prepared datasets and for this machine."""

from ubernet_jax.configure.machine import Machine, inspect_machine
from ubernet_jax.configure.plan import Plan, make_plan

__all__ = ['Machine', 'Plan', 'inspect_machine', 'make_plan']
