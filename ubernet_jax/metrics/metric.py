"""The interface of all evaluators: measure each image, add up the measures, compute the result."""

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

T = TypeVar('T')
Measure = dict[str, np.ndarray]  # the contribution of one image; small, can be saved with np.savez


class MetricError(ValueError):
    """Predictions or ground truth that cannot be scored; the message is the complete report."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Describes a score of a result, so that tables and plots need not know the metric.

    Attributes:
      name: of the field of the result.
      label: for tables and plots.
      unit: `°`, `%` or `m`; empty for fractions in 0..1 and numbers without a unit.
      lower_is_better: True for errors.
      main: whether the score enters delta_m; each task has a single main score, in one of its
        results.
    """

    name: str
    label: str
    unit: str = ''
    lower_is_better: bool = False
    main: bool = False

    def format(self, *values: float) -> str:
        """Formats a value, such as `.286`, `28.5°`, `30.2 %` or `0.512 m`.

        A mean and its standard deviation are formatted as `.286 ± .004`.
        """
        digits = 1 if self.unit in ('°', '%') else 3
        numbers = [f'{value:.{digits}f}' for value in values]
        if not self.unit:
            numbers = [number.removeprefix('0') for number in numbers]
        return ' ± '.join(numbers) + (self.unit if self.unit in ('', '°') else f' {self.unit}')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MetricResult:
    """Scores of a dataset; every subclass adds its scores as fields.

    Attributes:
      SCORES: the fields that tables show, in their order.
      FURTHER: other fields, which only tables of presets show (`scoring.preset_result`).
      protocol: what exactly was computed: thresholds, tolerances, modes, conventions.
      images: number of images that were scored.
    """

    SCORES: ClassVar[tuple[Score, ...]] = ()
    FURTHER: ClassVar[tuple[Score, ...]] = ()

    protocol: Mapping[str, Any]
    images: int

    def scores(self) -> dict[Score, float]:
        """Returns the scores that tables show."""
        return {score: getattr(self, score.name) for score in self.SCORES}

    def to_json(self) -> dict[str, Any]:
        """Converts all fields to plain types for `json.dump`.

        An undefined score (NaN) becomes None. The additional entry `scores` has the description and
        the value of each score in `scores()`.
        """
        fields = (field.name for field in dataclasses.fields(self))
        plain = {name: _plain(getattr(self, name)) for name in fields}
        return plain | {'scores': self.describe_scores()}

    def describe_scores(self) -> list[dict[str, Any]]:
        """Returns the description and the value of each score in `scores()`, as plain types."""
        return [
            {**dataclasses.asdict(score), 'value': _plain(value)}
            for score, value in self.scores().items()
        ]


class Metric(abc.ABC):
    """Accumulates scores over images; see the docstring of the package."""

    def __init__(self) -> None:
        self.images = 0

    @abc.abstractmethod
    def measure(self, prediction: Any, ground_truth: Any) -> Measure:
        """Returns the contribution of one image and changes no state.

        Raises:
          MetricError: the input is invalid.
        """

    @abc.abstractmethod
    def add(self, measure: Measure) -> None:
        """Adds the measure of one image."""

    @abc.abstractmethod
    def compute(self) -> MetricResult:
        """Returns the scores of all images so far; raises MetricError if there are no images."""

    def image_scores(self) -> tuple[Score, np.ndarray] | None:
        """Returns a score of each image so far: what it is, and its values.

        The values, float64 (images,), are in the order in which the images were added, and NaN
        where undefined. None if the metric has no meaningful score of a single image.
        """
        return None

    def update(self, prediction: Any, ground_truth: Any) -> None:
        """Measures one image and adds its measure."""
        self.add(self.measure(prediction, ground_truth))

    def notes(self, measure: Measure) -> list[str]:
        """Returns notes on an image that can be scored but looks suspicious, for the user."""
        return []

    def _require_images(self) -> None:
        if not self.images:
            raise MetricError('no image was scored: call update(prediction, ground_truth) first')


def in_groups(images: list[T], size: int | None) -> list[list[T]]:
    """Divides values of images into groups of consecutive images, whose scores are averaged.

    Args:
      images: a value for each image.
      size: of a group; the last one may be smaller. None for a single group.
    """
    if size is None:
        return [images]
    return [images[start : start + size] for start in range(0, len(images), size)]


def describe_groups(size: int | None, pixels: str) -> str:
    """Describes for a protocol which pixels are averaged."""
    if size is None:
        return f'all {pixels} pixels of all images, pooled'
    whole = 'each image' if size == 1 else f'{size} consecutive images'
    return f'{pixels} pixels of {whole}, pooled; then the mean'


def require_same_size(prediction: np.ndarray, ground_truth: np.ndarray) -> None:
    """Raises MetricError, naming both shapes, unless they are equal."""
    if prediction.shape != ground_truth.shape:
        raise MetricError(
            f'the prediction has shape {prediction.shape}, the ground truth {ground_truth.shape}: '
            'predict at the original size of the image (resize scores, not labels)'
        )


def unit_interval(values: np.ndarray, what: str) -> np.ndarray:
    """Returns a map (H, W) of probabilities: bool and uint8 as float64 in 0..1, floats unchanged.

    Args:
      values: bool, uint8 (0..255), or floating (0..1).
      what: name of the map, for error messages.

    Raises:
      MetricError: the shape or dtype is wrong, or there are NaNs or values outside 0..1.
    """
    values = np.asarray(values)
    if values.ndim != 2 or values.size == 0:
        raise MetricError(f'the {what} has shape {values.shape}: it must be a map of shape (H, W)')
    if values.dtype == bool:
        return values.astype(np.float64)
    if values.dtype == np.uint8:
        return values / 255
    if not np.issubdtype(values.dtype, np.floating):
        raise MetricError(
            f'the {what} has dtype {values.dtype}: allowed are bool, uint8 (0..255), float (0..1)'
        )
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):  # also catches NaN
        raise MetricError(f'the {what} has values from {low:g} to {high:g}: allowed are 0 to 1')
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
