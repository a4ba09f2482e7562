"""Detection: a box and a class for every object in an image (paper, section 2)."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.example import Example
from ubernet_jax.json_file import write_json
from ubernet_jax.labels import Boxes, LabelKind
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.taught_boxes import ScoredBoxSet, TaughtBoxes
from ubernet_jax.losses.detection import detection_loss
from ubernet_jax.metrics.boxes import Objects, ScoredBoxes
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.proposals import ProposalMetric
from ubernet_jax.models.box_targets import BoxTargets, SampledOutputs
from ubernet_jax.models.detection import DetectionHead, DetectionOutputs
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.settings import DetectionConfig, ModelConfig, Pooling
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.tasks.box_slots import write_boxes
from ubernet_jax.tasks.detections import Detections, MeasuredBoxes
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.task import Size, Task
from ubernet_jax.tasks.voc_results import detection_results

_ANCHOR = 16  # unit of `DetectionConfig.anchor_scales`, in pixels
PROPOSALS = 'proposals'  # suffix of the result that scores the detector's first stage


@register
@dataclasses.dataclass(kw_only=True)
class Detection(Task):
    """Faster R-CNN on the finest conv5_3; the result is `Detections`.

    Attributes:
      detector: sizes, thresholds and loss weights of the detector.
      taught_ignored: boxes that a teacher predicted with a score from here up to
        `taught_confidence` may be objects: the network learns nothing there. Those below are
        background, those above are objects.
    """

    kind: ClassVar[str] = 'detection'
    label_kind: ClassVar[type[LabelKind]] = Boxes
    meaning: ClassVar[str] = (
        'boxes x1, y1, x2, y2 in pixels of the input, by descending score; not valid: padding'
    )
    suffixes: ClassVar[tuple[str, ...]] = (
        'corners', 'classes', 'scores', 'voc07', 'voc10', PROPOSALS,
    )  # fmt: skip
    pretrained: ClassVar[tuple[str, ...]] = ('box_head/fc6', 'box_head/fc7')
    voc_list: ClassVar[str] = 'Main'
    in_onnx: ClassVar[bool] = False  # gathers and loops for all classes at once

    detector: DetectionConfig = dataclasses.field(default_factory=DetectionConfig)
    taught_ignored: float = 0.2

    def validate(self, where: str) -> None:
        super().validate(where)

        def require(fits: bool, field: str, allowed: str) -> None:
            value = getattr(self.detector, field)
            require_setting(fits, f'{where}.detector.{field}', value, allowed)

        ignored, most = self.taught_ignored, self.taught_confidence
        allowed = f'0 to taught_confidence, {most}'
        require_setting(0 <= ignored <= most, f'{where}.taught_ignored', ignored, allowed)
        for field in ('width', 'min_side', 'detections', 'max_boxes'):
            require(getattr(self.detector, field) > 0, field, 'above 0')
        for field in ('train_proposals', 'test_proposals'):
            limits = getattr(self.detector, field)
            fits = len(limits) == 2 and limits[0] >= limits[1] > 0
            require(fits, field, 'two numbers, before >= after > 0')
        anchor_scales = self.detector.anchor_scales
        fits = bool(anchor_scales) and min(anchor_scales) > 0
        require(fits, 'anchor_scales', 'one or more above 0')
        require(0 <= self.detector.min_score < 1, 'min_score', '0 <= min_score < 1')
        for stage in ('proposal_class', 'proposal_box', 'box_class', 'box'):
            field = f'{stage}_weight'
            require(getattr(self.detector, field) >= 0, field, '0 or more')

    def adopt(self, stored: Task) -> Task:
        """Takes the pooling `dilated_max` of the stored task in place of `max`."""
        needed = Pooling.DILATED_MAX
        if (
            isinstance(stored, Detection)
            and stored.detector.pooling is needed
            and self.detector.pooling is Pooling.MAX
        ):
            detector = dataclasses.replace(self.detector, pooling=needed)
            return dataclasses.replace(self, detector=detector)
        return self

    def fitted_to(self, side: int) -> Task:
        """Takes anchors from 16 pixels up to the size of the image, and a narrower box head."""
        scales = tuple(2.0**k for k in range(6) if _ANCHOR * 2**k <= side)
        detector = dataclasses.replace(self.detector, width=1024, anchor_scales=scales)
        return dataclasses.replace(self, detector=detector)

    def head(self, model: ModelConfig) -> nn.Module:
        dtype = jnp.dtype(model.precision.value)
        patch = TRUNKS[model.trunk].grid.patch
        return DetectionHead(len(self.classes), model.dropout, self.detector, patch, dtype)

    def init_head(self, head: nn.Module, rng: jax.Array, features: Features) -> dict:
        return cast(dict, head.init(rng, features.conv5, method='apply_layers')['params'])

    def outputs(
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        target: BoxTargets,
        image_sizes: jax.Array,
        scales: jax.Array,
        rng: jax.Array,
    ) -> tuple[SampledOutputs, SampledOutputs]:
        """Returns the outputs of both stages for samples drawn around the labelled boxes."""
        sampling_rng, dropout_rng = jax.random.split(rng)
        stages = head.apply(
            {'params': params},
            features.conv5,
            image_sizes.astype(jnp.float32),
            scales,
            target,
            sampling_rng,
            rngs={'dropout': dropout_rng},
        )
        return cast(tuple[SampledOutputs, SampledOutputs], stages)

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
        self,
        head: nn.Module,
        params: dict,
        features: Features,
        image_sizes: jax.Array,
        scales: jax.Array,
    ) -> DetectionOutputs:
        sizes = image_sizes.astype(jnp.float32)
        outputs = head.apply({'params': params}, features.conv5, sizes, scales, method='detect')
        return cast(DetectionOutputs, outputs)

    def exported(self, output: DetectionOutputs) -> dict[str, jax.Array]:
        return {name: getattr(output, name) for name in ('boxes', 'classes', 'scores', 'valid')}

    def empty_target(self, images: int, size: Size, arrays: Any = np) -> BoxTargets:
        slots = images, self.detector.max_boxes
        return BoxTargets(
            corners=arrays.zeros((*slots, 4), np.float32),
            classes=arrays.zeros(slots, np.uint8),
            valid=arrays.zeros(slots, bool),
            ignored=arrays.zeros(slots, bool),
        )

    def write_target(self, target: BoxTargets, index: int, label: BoxSet) -> None:
        """Writes the boxes that are not difficult; only the largest if there are too many."""
        boxes = label[~label.difficult]
        largest = np.argsort(-boxes.areas(), kind='stable')[: self.detector.max_boxes]
        write_boxes(target, index, boxes[np.sort(largest)], target.valid)

    @property
    def taught_label(self) -> TaughtBoxes:
        return TaughtBoxes(classes=tuple(self.classes))

    def teach(
        self, finished: DetectionOutputs[np.ndarray], size: Size, image_size: Size
    ) -> ScoredBoxSet:
        """Returns the detections whose box has an area within the image."""
        result, (height, width) = self.result(finished, size, image_size), image_size
        corners = np.clip(result.corners, 0, np.array([width, height] * 2, np.float32))
        kept = np.flatnonzero((corners[:, :2] < corners[:, 2:]).all(axis=1))
        return ScoredBoxSet(
            corners=corners[kept],
            classes=result.classes[kept],
            difficult=np.zeros(len(kept), bool),
            scores=result.scores[kept],
        )

    def write_taught(self, target: BoxTargets, index: int, label: ScoredBoxSet) -> None:
        """Writes objects, then ignored boxes; only those of the highest scores if too many."""
        is_object = label.scores >= self.taught_confidence
        is_ignored = ~is_object & (label.scores >= self.taught_ignored)
        slots = self.detector.max_boxes
        objects = label[np.flatnonzero(is_object)[:slots]]
        write_boxes(target, index, objects, target.valid)
        ignored = label[np.flatnonzero(is_ignored)[: slots - len(objects)]]
        write_boxes(target, index, ignored, target.ignored, start=len(objects))

    def find_excess(self, counts: np.ndarray) -> str:
        limit = self.detector.max_boxes
        many = int((counts > limit).sum())
        if not many:
            return ''
        return (
            f'{many} images have more than {limit} boxes: only the largest are kept; '
            f'detector.max_boxes={counts.max()} keeps all'
        )

    def result(
        self, finished: DetectionOutputs[np.ndarray], size: Size, image_size: Size
    ) -> Detections:
        kept, corners = finished.valid, finished.boxes * _corner_factors(size, image_size)
        return Detections(
            corners=corners[kept],
            classes=finished.classes[kept].astype(np.uint8),
            scores=finished.scores[kept],
            names=tuple(self.classes),
        )

    def result_for_metrics(
        self, finished: DetectionOutputs[np.ndarray], size: Size, image_size: Size
    ) -> MeasuredBoxes:
        detections, proposals = self.result(finished, size, image_size), finished.proposals
        kept, corners = proposals.valid, proposals.boxes * _corner_factors(size, image_size)
        return MeasuredBoxes(
            detections=ScoredBoxes(
                boxes=detections.corners,
                scores=detections.scores,
                classes=detections.classes.astype(int) - 1,
            ),
            proposals=ScoredBoxes(boxes=corners[kept], scores=proposals.scores[kept]),
        )

    def arrays(self, name: str, result: Detections) -> dict[str, np.ndarray]:
        parts = ('corners', 'classes', 'scores')
        return {f'{name}_{part}': getattr(result, part) for part in parts}

    def save(self, name: str, result: Detections, folder: pathlib.Path) -> None:
        """Writes `NAME.json`: the JSON of the folder layout, with scores."""
        records = [
            {
                'box': [round(x, 1) for x in box.corners],
                'label': box.label,
                'score': round(box.score, 4),
            }
            for box in result
        ]
        write_json(folder / f'{name}.json', records)

    def voc_results(self, image: str, result: Detections) -> dict[str, bytes]:
        return detection_results(image, result)

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {
            f'{name}_voc07': DetectionMetric(self.classes[1:], ApMode.VOC07),
            f'{name}_voc10': DetectionMetric(self.classes[1:], ApMode.VOC10),
            f'{name}_{PROPOSALS}': ProposalMetric(),
        }

    def prediction(self, name: str, result: str, finished: MeasuredBoxes) -> ScoredBoxes:
        is_proposals = result == f'{name}_{PROPOSALS}'
        return finished.proposals if is_proposals else finished.detections

    def truth(self, label: BoxSet, example: Example) -> Objects:
        return Objects(
            boxes=label.corners,
            classes=label.classes.astype(int) - 1,
            difficult=label.difficult,
        )

    def describe_point(self, result: Detections, x: int, y: int, min_score: float) -> str:
        descriptions = [
            f'{label} {score:.2f}'
            for (left, top, right, bottom), label, score in result
            if score >= min_score and left <= x < right and top <= y < bottom
        ]
        return ', '.join(descriptions) or 'nothing'


def _corner_factors(size: Size, image_size: Size) -> np.ndarray:
    """float32 (4,): factors from corners at the network's size to corners in the original image."""
    factors = [original / side for original, side in zip(image_size, size, strict=True)]
    return np.tile(np.array(factors, np.float32)[::-1], 2)
