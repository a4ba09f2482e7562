"""Semantic boundaries as the SBD benchmark scores them (Hariharan et al., ICCV 2011).

The original benchmark scores the outlines of classes: its demonstration output counts 713 true
pixels for the class person of image 2008_000051, which has two persons that overlap; these are the
pixels of `cls/2008_000051.mat`, while the outlines of the instances in `inst/` have 1091
(data/SBD_bench in github.com/haruishi43/py-edge-eval). seism calls it so too (`db_gt(..., 'cls')`
in src/scripts/eval_method.m, github.com/jponttuset/seism, whose src/misc/kill_internal_bdries.m
drops the predictions inside objects), and SEAL lists the four differences between the original
rules and those that it scores by (README.md, Note, in github.com/Chrisding/seal; the rules are in
lib/matlab/eval/function/, the ground truth is made by data/sbd-preprocess/code/demoGenGT.m).

On the two images of that demonstration, with 99 thresholds, this module has the true and predicted
pixels of the original at every threshold, and its matches within one pixel: ODS .642639 (original
.642639), AP .6799 (.6802).
"""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from scipy import ndimage

from ubernet_jax.metrics.boundaries import (
    boundary_protocol,
    boundary_thresholds,
    require_tolerance,
)
from ubernet_jax.metrics.boundary_counts import count_matches, thinned_maps
from ubernet_jax.metrics.image_scores import IMAGE_F
from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    unit_interval,
)
from ubernet_jax.metrics.nms import Nms, suppress
from ubernet_jax.metrics.precision_recall import (
    average_precision,
    f_of_images,
    optimal_dataset_scale,
)

VOID = 255
MARGIN = 5  # pixels along the border of the image that post-SEAL scores leave out


class Mode(enum.Enum):
    """The protocols before and after SEAL (Yu et al., ECCV 2018); scores are not comparable."""

    PRE_SEAL = 'pre-SEAL'  # the original benchmark: class outlines, some predictions do not count
    POST_SEAL = 'post-SEAL'  # SEAL, thin: instance outlines, every prediction in every image counts


_RULES = {
    Mode.PRE_SEAL: {
        'scored': 'outlines of classes; there is none between two instances of a class',
        'inside_objects': 'predictions deeper than the tolerance are dropped',
        'images_without_the_class': 'left out',
        'margin': 'none',
    },
    Mode.POST_SEAL: {
        'scored': 'all lines of the ground truth: outlines of instances, if it has instances',
        'inside_objects': 'all predictions count',
        'images_without_the_class': 'count',
        'margin': f'{MARGIN} pixels along the border are left out',
    },
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SemanticTruth:
    """Ground truth of one image for C classes (background is not a class).

    Attributes:
      boundaries: bool (C, H, W), thin boundaries of each class.
      regions: bool (C, H, W), the pixels of each class; only pre-SEAL scores need them.
      instances: whether `boundaries` are the outlines of instances; pre-SEAL scores refuse them.
    """

    boundaries: np.ndarray
    regions: np.ndarray | None = None
    instances: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SemanticBoundaryResult(MetricResult):
    """Scores of semantic boundaries, all 0..1.

    Attributes:
      ods: mean over classes of ODS, the best F-measure with one threshold for the dataset.
      ap: mean over classes of the average precision.
      per_class: class name -> {'ods', 'ap'}; NaN for a class without a true boundary.
    """

    SCORES: ClassVar[tuple[Score, ...]] = (
        Score(name='ods', label='ODS', main=True),
        Score(name='ap', label='AP'),
    )

    ods: float
    ap: float
    per_class: Mapping[str, Mapping[str, float]]


class SemanticBoundaryMetric(Metric):
    """Scores boundary maps with one channel per class; stores 4 K C numbers, and 4 K per image.

    Args:
      class_names: names of the C classes, without background.
      mode: the protocol.
      thresholds: number of thresholds, K.
      max_distance: matching tolerance as a fraction of the image diagonal.
      nms: the non-maximum suppression applied to every map before scoring.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        mode: Mode,
        *,
        thresholds: int = 99,
        max_distance: float = 0.02,
        nms: Nms = Nms.NONE,
    ) -> None:
        super().__init__()
        self.class_names = tuple(class_names)
        self.mode = mode
        self.thresholds = boundary_thresholds(thresholds)
        self.max_distance = require_tolerance(max_distance)
        self.nms = nms
        self.counts = np.zeros((len(self.class_names), thresholds, 4), np.int64)
        self.image_counts: list[np.ndarray] = []  # summed over the classes

    def measure(self, prediction: np.ndarray, ground_truth: SemanticTruth) -> Measure:
        """Counts the matched pixels of one image.

        Args:
          prediction: (C, H, W), uint8 0..255 or floating 0..1.
          ground_truth: of the same image.
        """
        prediction = np.asarray(prediction)
        boundaries, regions = ground_truth.boundaries, ground_truth.regions
        self._check(prediction, boundaries, 'boundaries')
        if self.mode is Mode.PRE_SEAL:
            if regions is None:
                raise MetricError(
                    'pre-SEAL scores need the regions of the classes: set `regions` of the ground '
                    'truth'
                )
            self._check(prediction, regions, 'regions')
            if ground_truth.instances:
                raise MetricError(
                    'pre-SEAL scores are of the outlines of classes, but the ground truth has '
                    'those of instances: give the files of `cls`, not of `inst`, or choose '
                    'post-SEAL scores'
                )
        counts = np.zeros_like(self.counts)
        for c, name in enumerate(self.class_names):
            strength = unit_interval(prediction[c], f'prediction of {name}')
            boundary, inside = boundaries[c], None
            if self.mode is Mode.PRE_SEAL and not boundary.any():
                continue
            strength = suppress(strength, self.nms) if strength.any() else strength
            if regions is not None and self.mode is Mode.PRE_SEAL:
                tolerance = self.max_distance * np.hypot(*strength.shape)
                inside = regions[c] & (ndimage.distance_transform_edt(~boundary) > tolerance)
            elif self.mode is Mode.POST_SEAL:
                strength, boundary = _cut_margin(strength), _cut_margin(boundary)
            if not strength.any() and not boundary.any():
                continue
            maps = thinned_maps(strength, self.thresholds)
            if inside is not None:
                maps = [lines & ~inside for lines in maps]
            counts[c] = count_matches(maps, boundary[None], self.max_distance)
        return {'counts': counts}

    def add(self, measure: Measure) -> None:
        self.counts += measure['counts']
        self.image_counts.append(measure['counts'].sum(0))
        self.images += 1

    def notes(self, measure: Measure) -> list[str]:
        truth, predicted = measure['counts'].max((0, 1))[[1, 3]]
        notes = []
        if not truth:
            notes.append('the ground truth has no boundary of any class')
        elif not predicted:
            notes.append('the prediction is empty: no scored pixel reaches any threshold')
        return notes

    def image_scores(self) -> tuple[Score, np.ndarray]:
        """Returns F of each image, of the pixels of all classes together.

        The threshold is the best for the dataset, and the same for all classes.
        """
        return IMAGE_F, f_of_images(np.stack(self.image_counts))

    def compute(self) -> SemanticBoundaryResult:
        self._require_images()
        per_class = {}
        for name, counts in zip(self.class_names, self.counts, strict=True):
            occurs = counts[:, 1].any()
            per_class[name] = {
                'ods': optimal_dataset_scale(counts, self.thresholds).f if occurs else np.nan,
                'ap': average_precision(counts) if occurs else np.nan,
            }
        scored = [scores for scores in per_class.values() if not np.isnan(scores['ods'])]
        if not scored:
            raise MetricError('no image has a true boundary of any class')
        return SemanticBoundaryResult(
            ods=float(np.mean([scores['ods'] for scores in scored])),
            ap=float(np.mean([scores['ap'] for scores in scored])),
            per_class=per_class,
            images=self.images,
            protocol={
                'mode': self.mode.value,
                **boundary_protocol(self.thresholds, self.max_distance, self.nms),
                **_RULES[self.mode],
                'absent_classes': 'null, and not in the mean: no true boundary in the set',
            },
        )

    def _check(self, prediction: np.ndarray, truth: np.ndarray, what: str) -> None:
        classes = len(self.class_names)
        if prediction.ndim != 3 or len(prediction) != classes or truth.shape != prediction.shape:
            raise MetricError(
                f'the prediction has shape {prediction.shape}, the {what} {truth.shape}: '
                f'both must be (C, H, W) with C = {classes}, without background'
            )
        if truth.dtype != bool:
            raise MetricError(f'the {what} have dtype {truth.dtype}: it must be bool')


def _cut_margin(values: np.ndarray) -> np.ndarray:
    return values[MARGIN:-MARGIN, MARGIN:-MARGIN]
