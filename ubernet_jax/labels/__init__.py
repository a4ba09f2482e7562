"""Kinds of labels: one class each, with everything that the host code knows about such labels.

A plugin adds a kind of label as a subclass of `LabelKind`, or of `MapKind` for maps, with the
decorator `register`: see docs/adding_a_task.md.
"""

from ubernet_jax.labels.boxes import Boxes as Boxes
from ubernet_jax.labels.class_lines import ClassLines as ClassLines
from ubernet_jax.labels.class_map import ClassMap as ClassMap
from ubernet_jax.labels.kind import VOID as VOID
from ubernet_jax.labels.kind import LabelKind as LabelKind
from ubernet_jax.labels.lines import Lines as Lines
from ubernet_jax.labels.maps import MapKind as MapKind
from ubernet_jax.labels.metres import Metres as Metres
from ubernet_jax.labels.registry import KINDS as KINDS
from ubernet_jax.labels.registry import from_json as from_json
from ubernet_jax.labels.registry import register as register
from ubernet_jax.labels.review import Review as Review
from ubernet_jax.labels.soft_mask import SoftMask as SoftMask
from ubernet_jax.labels.unit_vectors import UnitVectors as UnitVectors
