"""The standard label names of public datasets and of the folder layout, with their kinds."""

from collections.abc import Mapping

from ubernet_jax.labels.boxes import Boxes
from ubernet_jax.labels.class_lines import ClassLines
from ubernet_jax.labels.class_map import ClassMap
from ubernet_jax.labels.class_palette import VOC_CLASSES as VOC_CLASSES
from ubernet_jax.labels.kind import LabelKind
from ubernet_jax.labels.lines import Lines
from ubernet_jax.labels.metres import Metres
from ubernet_jax.labels.soft_mask import SoftMask
from ubernet_jax.labels.unit_vectors import UnitVectors

PERSON_PARTS = (
    'background', 'head', 'torso', 'upper arm', 'lower arm', 'upper leg', 'lower leg',
)  # fmt: skip

STANDARD: Mapping[str, LabelKind] = {
    'boundaries': Lines(),
    'normals': UnitVectors(),
    'depth': Metres(),
    'saliency': SoftMask(),
    'segmentation': ClassMap(classes=VOC_CLASSES),
    'parts': ClassMap(classes=PERSON_PARTS),
    'semantic_boundaries': ClassLines(classes=VOC_CLASSES),
    'detection': Boxes(classes=VOC_CLASSES),
}
FOLDERS = {'boxes': 'detection'}  # alternative name of a label folder -> standard name
NAMED_CLASSES = ClassMap()  # the kind of a folder of any other name, if a file names its classes
