"""Detection: the objects in an image, each with its box and its class (paper, section 2)."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.example import Example
from ubernet_jax.labels import Boxes, LabelKind
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.losses.detection import detection_loss
from ubernet_jax.metrics import boxes
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.proposals import ProposalMetric
from ubernet_jax.models.box_targets import BoxTargets, SampledOutputs
from ubernet_jax.models.detection import Detected, DetectionHead
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.settings import DetectionConfig, ModelConfig
from ubernet_jax.tasks.task import Size, Task, register

PROPOSALS = 'proposals'  # ends the name of the result that scores the detector's first stage


class Box(NamedTuple):
    """One object that was found.

    Attributes:
      corners: x1, y1, x2, y2 in pixels of the photograph, 0-based; x2 and y2 are exclusive.
      label: its class.
      score: 0..1.
    """

    corners: tuple[float, float, float, float]
    label: str
    score: float


@dataclasses.dataclass(slots=True, kw_only=True)
class Detections:
    """The objects found in one image, by descending score; iterating gives each as a `Box`.

    Attributes:
      corners: float32 (D, 4), in pixels of the original image.
      classes: uint8 (D,), class index, 1..C-1.
      scores: float32 (D,), 0..1.
      names: of the classes.
    """

    corners: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Box]:
        rows = zip(self.corners.tolist(), self.classes, self.scores.tolist(), strict=True)
        return (Box(tuple(corners), self.names[index], score) for corners, index, score in rows)


class Measured(NamedTuple):
    """What the metrics of detection take: the detections, and the proposals, without classes."""

    detections: boxes.ScoredBoxes
    proposals: boxes.ScoredBoxes


@register
@dataclasses.dataclass(kw_only=True)
class Detection(Task):
    """Faster R-CNN on the finest conv5_3; the result is `Detections`.

    Attributes:
      detector: its sizes, thresholds and loss weights.
    """

    kind: ClassVar[str] = 'detection'
    label_kind: ClassVar[type[LabelKind]] = Boxes
    meaning: ClassVar[str] = (
        'boxes x1, y1, x2, y2 in pixels of the input, by descending score; not valid: padding'
    )
    suffixes: ClassVar[tuple[str, ...]] = (
        'corners', 'classes', 'scores', 'voc07', 'voc10', PROPOSALS,
    )  # fmt: skip

    detector: DetectionConfig = dataclasses.field(default_factory=DetectionConfig)

    def validate(self, where: str) -> None:
        super().validate(where)
        own = f'{where}.detector'

        def require(fits: bool, field: str, allowed: str) -> None:
            require_setting(fits, f'{own}.{field}', getattr(self.detector, field), allowed)

        for field in ('width', 'min_side', 'detections', 'max_boxes'):
            require(getattr(self.detector, field) > 0, field, 'above 0')
        for field in ('train_proposals', 'test_proposals'):
            limits = getattr(self.detector, field)
            fits = len(limits) == 2 and limits[0] >= limits[1] > 0
            require(fits, field, 'two numbers, before >= after > 0')
        scales = self.detector.anchor_scales
        require(bool(scales) and min(scales) > 0, 'anchor_scales', 'one or more above 0')
        require(0 <= self.detector.min_score < 1, 'min_score', '0 <= min_score < 1')
        for stage in ('proposal_class', 'proposal_box', 'box_class', 'box'):
            field = f'{stage}_weight'
            require(getattr(self.detector, field) >= 0, field, '0 or more')

    def head(self, model: ModelConfig) -> nn.Module:
        dtype = jnp.dtype(model.precision.value)
        return DetectionHead(len(self.classes), model.dropout, self.detector, dtype)

    def init_head(self, head: nn.Module, rng: jax.Array, features: Features) -> dict:
        return head.init(rng, features.conv5, jnp.zeros((1, 2)), method='detect')['params']

    def outputs(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        target: BoxTargets,
        image_sizes: jax.Array,
        rng: jax.Array,
    ) -> tuple[SampledOutputs, SampledOutputs]:
        """The two stages: samples are drawn around the labelled boxes."""
        sampling_rng, dropout_rng = jax.random.split(rng)
        return head.apply(
            {'params': params},
            features.conv5,
            image_sizes.astype(jnp.float32),
            target,
            sampling_rng,
            rngs={'dropout': dropout_rng},
        )

    def loss(
        self,
        outputs: tuple[SampledOutputs, SampledOutputs],
        target: BoxTargets,
        valid: jax.Array,
        labelled: jax.Array,
        scale_weight: jax.Array | float = 1.0,
    ) -> jax.Array:
        return detection_loss(outputs, labelled, self.detector)

    def predict(
        self, head: nn.Module, params: dict, features: Features, image_sizes: jax.Array
    ) -> Detected:
        images = features.conv5, image_sizes.astype(jnp.float32)
        return head.apply({'params': params}, *images, method='detect')

    def exported(self, output: Detected) -> dict[str, jax.Array]:
        return {name: getattr(output, name) for name in ('boxes', 'classes', 'scores', 'valid')}

    def empty_target(self, images: int, size: Size, arrays: Any = np) -> BoxTargets:
        slots = images, self.detector.max_boxes
        return BoxTargets(
            corners=arrays.zeros((*slots, 4), np.float32),
            classes=arrays.zeros(slots, np.uint8),
            valid=arrays.zeros(slots, bool),
        )

    def write_target(self, target: BoxTargets, index: int, label: BoxSet) -> None:
        """Boxes that are not difficult, the largest if there are too many."""
        own = label[~label.difficult]
        largest = np.argsort(-own.areas(), kind='stable')[: self.detector.max_boxes]
        own = own[np.sort(largest)]
        target.corners[index, : len(own)] = own.corners
        target.classes[index, : len(own)] = own.classes
        target.valid[index, : len(own)] = True

    def find_excess(self, counts: np.ndarray) -> str:
        limit = self.detector.max_boxes
        many = int((counts > limit).sum())
        if not many:
            return ''
        return (
            f'{many} images have more than {limit} boxes, of which the largest are kept; '
            f'detector.max_boxes={counts.max()} keeps all'
        )

    def finish(self, output: Detected, size: Size, image_size: Size) -> Detections:
        kept, corners = output.valid, output.boxes * _corner_scale(size, image_size)
        return Detections(
            corners=corners[kept],
            classes=output.classes[kept].astype(np.uint8),
            scores=output.scores[kept],
            names=tuple(self.classes),
        )

    def finish_for_metrics(self, output: Detected, size: Size, image_size: Size) -> Measured:
        found, proposals = self.finish(output, size, image_size), output.proposals
        kept, corners = proposals.valid, proposals.boxes * _corner_scale(size, image_size)
        return Measured(
            detections=boxes.ScoredBoxes(
                boxes=found.corners, scores=found.scores, classes=found.classes.astype(int) - 1
            ),
            proposals=boxes.ScoredBoxes(boxes=corners[kept], scores=proposals.scores[kept]),
        )

    def arrays(self, name: str, result: Detections) -> dict[str, np.ndarray]:
        parts = ('corners', 'classes', 'scores')
        return {f'{name}_{part}': getattr(result, part) for part in parts}

    def save(self, name: str, result: Detections, folder: pathlib.Path) -> None:
        """`NAME.json`: the folder layout's JSON, with scores."""
        records = [
            {'box': [round(x, 1) for x in corners], 'label': label, 'score': round(score, 4)}
            for corners, label, score in result
        ]
        (folder / f'{name}.json').write_text(json.dumps(records, indent=1) + '\n')

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {
            f'{name}_voc07': DetectionMetric(self.classes[1:], ApMode.VOC07),
            f'{name}_voc10': DetectionMetric(self.classes[1:], ApMode.VOC10),
            f'{name}_{PROPOSALS}': ProposalMetric(),
        }

    def prediction(self, name: str, result: str, measured: Measured) -> boxes.ScoredBoxes:
        is_proposals = result == f'{name}_{PROPOSALS}'
        return measured.proposals if is_proposals else measured.detections

    def truth(self, label: BoxSet, example: Example) -> boxes.Objects:
        return boxes.Objects(
            boxes=label.corners,
            classes=label.classes.astype(int) - 1,
            difficult=label.difficult,
        )

    def describe_point(self, result: Detections, x: int, y: int, least: float) -> str:
        around = [
            f'{label} {score:.2f}'
            for (left, top, right, bottom), label, score in result
            if score >= least and left <= x < right and top <= y < bottom
        ]
        return ', '.join(around) or 'nothing'


def _corner_scale(size: Size, image_size: Size) -> np.ndarray:
    """float32 (4,), by which corners at the network's size are multiplied."""
    scale = np.array([own / side for own, side in zip(image_size, size, strict=True)], np.float32)
    return np.tile(scale[::-1], 2)
