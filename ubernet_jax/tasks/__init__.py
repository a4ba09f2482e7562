"""Kinds of tasks: one class each, with head, loss, result, metrics and pictures.

A class of one's own is a subclass of `Task`, or of `DenseTask` for score maps, with the decorator
`register`: docs/adding_a_task.md.
"""

from ubernet_jax.tasks.boundaries import Boundaries as Boundaries
from ubernet_jax.tasks.class_boundaries import ClassBoundaries as ClassBoundaries
from ubernet_jax.tasks.dense import DenseTask as DenseTask
from ubernet_jax.tasks.depth import Depth as Depth
from ubernet_jax.tasks.detection import Detection as Detection
from ubernet_jax.tasks.normals import Normals as Normals
from ubernet_jax.tasks.paper import PAPER as PAPER
from ubernet_jax.tasks.segmentation import Segmentation as Segmentation
from ubernet_jax.tasks.soft_mask import SoftMask as SoftMask
from ubernet_jax.tasks.task import KINDS as KINDS
from ubernet_jax.tasks.task import Task as Task
from ubernet_jax.tasks.task import register as register
from ubernet_jax.tasks.task import select_tasks as select_tasks
