"""Kinds of tasks: one class each, with head, loss, result, metrics and pictures.

To add a kind, subclass `Task`, or `DenseTask` for score maps, and decorate the class with
`register`: see docs/adding_a_task.md.
"""

from ubernet_jax.tasks.boundaries import Boundaries as Boundaries
from ubernet_jax.tasks.class_boundaries import ClassBoundaries as ClassBoundaries
from ubernet_jax.tasks.dense import DenseTask as DenseTask
from ubernet_jax.tasks.depth import Depth as Depth
from ubernet_jax.tasks.detection import Detection as Detection
from ubernet_jax.tasks.normals import Normals as Normals
from ubernet_jax.tasks.paper import PAPER as PAPER
from ubernet_jax.tasks.registry import KINDS as KINDS
from ubernet_jax.tasks.registry import register as register
from ubernet_jax.tasks.registry import select_tasks as select_tasks
from ubernet_jax.tasks.segmentation import Segmentation as Segmentation
from ubernet_jax.tasks.soft_mask import SoftMask as SoftMask
from ubernet_jax.tasks.task import Task as Task
