"""Angular errors of surface normals, pooled over all labelled pixels of the dataset."""

import dataclasses
from typing import ClassVar

import numpy as np

from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    describe_groups,
    in_groups,
    require_same_size,
)

_ENCODINGS = {1: '2 * values - 1', 255: 'values / 127.5 - 1'}  # largest value -> vectors
_LENGTH_TOLERANCE = 0.05  # of unit vectors in 8 bits that were interpolated
COMPONENT_LIMIT = 1.01  # components of unit vectors stored in 8 bits can slightly exceed 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NormalsResult(MetricResult):
    """Angular errors between predicted and true normals.

    Attributes:
      mean: degrees.
      median: degrees.
      rmse: root of the mean squared angle, degrees.
      below_11_25: percentage of pixels with an error below 11.25 degrees, 0..100.
      below_22_5: likewise below 22.5 degrees.
      below_30: likewise below 30 degrees.
      pixels: number of labelled pixels.
      histogram: int64 (180,), pixels with an error of 0 to 1, 1 to 2, .. 179 to 180 degrees.
    """

    SCORES: ClassVar[tuple[Score, ...]] = (
        Score(name='mean', label='mean angle', unit='°', lower_is_better=True, main=True),
        Score(name='median', label='median angle', unit='°', lower_is_better=True),
        Score(name='below_11_25', label='below 11.25°', unit='%'),
        Score(name='below_22_5', label='below 22.5°', unit='%'),
        Score(name='below_30', label='below 30°', unit='%'),
    )
    FURTHER: ClassVar[tuple[Score, ...]] = (
        Score(name='rmse', label='RMS angle', unit='°', lower_is_better=True),
    )

    mean: float
    median: float
    rmse: float
    below_11_25: float
    below_22_5: float
    below_30: float
    pixels: int
    histogram: np.ndarray


class NormalsMetric(Metric):
    """Computes angular errors; stores 4 bytes per labelled pixel, because the median is exact.

    Args:
      normalise: whether vectors are first scaled to unit length.
      images_per_mean: the scores are means of the scores of so many consecutive images, with their
        pixels pooled; None pools the pixels of all images.
    """

    def __init__(self, *, normalise: bool = True, images_per_mean: int | None = None) -> None:
        super().__init__()
        self.normalise, self.images_per_mean = normalise, images_per_mean
        self.angles: list[np.ndarray] = []

    def measure(self, prediction: np.ndarray, ground_truth: np.ndarray) -> Measure:
        """Computes the angular errors of one image.

        Args:
          prediction: floating (H, W, 3); the error of a zero vector is 90 degrees.
          ground_truth: floating (H, W, 3); all zeros where unlabelled.
        """
        prediction = _vectors(prediction, 'prediction')
        ground_truth = _vectors(ground_truth, 'ground truth')
        require_same_size(prediction, ground_truth)
        valid = ground_truth.any(-1)
        predicted, true = prediction[valid].astype(np.float64), ground_truth[valid].astype(float)
        cosine = (predicted * true).sum(-1)
        if self.normalise:
            lengths = np.linalg.norm(predicted, axis=-1) * np.linalg.norm(true, axis=-1)
            cosine /= np.where(lengths > 0, lengths, 1)
        return {'angles': np.degrees(np.arccos(np.clip(cosine, -1, 1))).astype(np.float32)}

    def add(self, measure: Measure) -> None:
        self.angles.append(measure['angles'])
        self.images += 1

    def image_scores(self) -> tuple[Score, np.ndarray]:
        """Returns the mean angle of each image."""
        (mean, *_) = NormalsResult.SCORES
        means = [angles.mean(dtype=np.float64) if angles.size else np.nan for angles in self.angles]
        return mean, np.array(means)

    def compute(self) -> NormalsResult:
        self._require_images()
        angles = np.concatenate(self.angles)
        if not angles.size:
            raise MetricError('no pixel of the ground truth has a normal: all vectors are zero')
        groups = [np.concatenate(group) for group in in_groups(self.angles, self.images_per_mean)]
        scores = [_scores(group) for group in groups if group.size]
        return NormalsResult(
            **{name: float(np.mean([score[name] for score in scores])) for name in scores[0]},
            pixels=angles.size,
            histogram=np.histogram(angles, bins=180, range=(0, 180))[0],
            images=self.images,
            protocol={
                'error': 'angle between unit vectors, degrees; below_* in percent of the pixels',
                'pixels': describe_groups(self.images_per_mean, 'labelled'),
                'zero_vector_predicted': '90 degrees',
            }
            | ({} if self.normalise else {'vectors': 'not scaled to unit length'}),
        )


def require_signed(vectors: np.ndarray, what: str) -> None:
    """Raises MetricError if an array holds the values of a picture instead of vectors.

    Pictures of normals store (n + 1) / 2, from 0 to 1, or (n + 1) * 127.5, from 0 to 255. As
    vectors, these values would point to a single octant. They are recognised because no component
    is negative, and because the lengths are closer to 1 after the conversion than before it.

    Args:
      vectors: floating (H, W, 3), of any length; 0, 0, 0 or not finite where unknown.
      what: for the error message.
    """
    known = vectors[np.isfinite(vectors).all(-1) & vectors.any(-1)].astype(np.float64)
    if not known.size or known.min() < 0:
        return
    for largest, conversion in _ENCODINGS.items():
        converted = np.linalg.norm(2 * known / largest - 1, axis=-1)
        labelled = converted > 0.1  # the middle grey means unknown
        if known.max() > largest * COMPONENT_LIMIT or not labelled.any():
            continue
        length = np.linalg.norm(known[labelled], axis=-1)
        error = np.median(np.abs(converted[labelled] - 1))
        if error < min(_LENGTH_TOLERANCE, np.median(np.abs(length - 1))):
            raise MetricError(
                f'the {what} has no negative component and values up to {known.max():g}: it holds '
                f'the values of a picture; convert them to unit vectors by {conversion}'
            )


def _vectors(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 3 or values.shape[-1] != 3 or not np.issubdtype(values.dtype, np.floating):
        raise MetricError(
            f'the {what} has shape {values.shape} and dtype {values.dtype}: '
            'it must be a floating array (H, W, 3) (convert 8-bit files by rgb / 127.5 - 1)'
        )
    require_signed(values, what)
    largest = np.abs(values).max(initial=0)
    if not largest <= COMPONENT_LIMIT:  # also catches NaN
        raise MetricError(
            f'the {what} has a component of magnitude {largest:g}: the vectors must be unit '
            'vectors, with components from -1 to 1'
        )
    return values


def _scores(angles: np.ndarray) -> dict[str, float]:
    """Computes the scores of float32 angles (n,) in degrees."""
    return {
        'mean': float(angles.mean(dtype=np.float64)),
        'median': float(np.median(angles)),
        'rmse': float(np.sqrt(np.square(angles, dtype=np.float64).mean())),
        'below_11_25': _percentage(angles < 11.25),
        'below_22_5': _percentage(angles < 22.5),
        'below_30': _percentage(angles < 30),
    }


def _percentage(below: np.ndarray) -> float:
    return 100 * np.count_nonzero(below) / below.size
