"""What every evaluator is: measure single images, add the measures up, compute the result."""

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

Measure = dict[str, np.ndarray]  # what one image contributes; small, and savable with np.savez


class MetricError(ValueError):
    """Predictions or ground truth that cannot be scored; the message is the whole report."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a number of a result is, so that nobody else needs to know.

    Attributes:
      name: of the field.
      label: in tables and pictures.
      unit: `°`, `%` or `m`; empty for shares of 1 and numbers without one.
      lower_is_better: for errors.
      main: whether it is the one that enters delta_m; of a task one score of one result is.
    """

    name: str
    label: str
    unit: str = ''
    lower_is_better: bool = False
    main: bool = False

    def format(self, *values: float) -> str:
        """Such as `.286`, `28.5°`, `30.2 %`, `0.512 m`; of a mean and its spread `.286 ± .004`."""
        digits = 1 if self.unit in ('°', '%') else 3
        numbers = [f'{value:.{digits}f}' for value in values]
        if not self.unit:
            numbers = [number.removeprefix('0') for number in numbers]
        return ' ± '.join(numbers) + (self.unit if self.unit in ('', '°') else f' {self.unit}')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MetricResult:
    """Scores of a set of images; every subclass adds its scores as fields.

    Attributes:
      SCORES: the fields that tables show, in their order.
      protocol: what was computed, exactly: thresholds, tolerances, modes, conventions.
      images: how many images were scored.
    """

    SCORES: ClassVar[tuple[Score, ...]] = ()

    protocol: Mapping[str, Any]
    images: int

    def scores(self) -> dict[Score, float]:
        """The scores that tables show."""
        return {score: getattr(self, score.name) for score in self.SCORES}

    def to_json(self) -> dict[str, Any]:
        """All fields as plain types for `json.dump`, and `scores`, which describes those of tables.

        An undefined score (NaN) becomes None.
        """
        scores = [
            {**dataclasses.asdict(score), 'value': value} for score, value in self.scores().items()
        ]
        fields = (field.name for field in dataclasses.fields(self))
        return {name: _plain(getattr(self, name)) for name in fields} | {'scores': _plain(scores)}


class Metric(abc.ABC):
    """Accumulates over images; see the package's docstring."""

    def __init__(self) -> None:
        self.images = 0

    @abc.abstractmethod
    def measure(self, prediction: Any, ground_truth: Any) -> Measure:
        """What one image contributes. Changes nothing; raises MetricError on bad input."""

    @abc.abstractmethod
    def add(self, measure: Measure) -> None:
        """Adds one image's measure."""

    @abc.abstractmethod
    def compute(self) -> MetricResult:
        """The scores of all images so far; raises MetricError if there are none."""

    def update(self, prediction: Any, ground_truth: Any) -> None:
        """Measures one image and adds it."""
        self.add(self.measure(prediction, ground_truth))

    def notes(self, measure: Measure) -> list[str]:
        """What is odd about an image, though it can be scored; for the one who made the files."""
        return []

    def _require_images(self) -> None:
        if not self.images:
            raise MetricError('no image was scored: call update(prediction, ground_truth) first')


def require_same_size(prediction: np.ndarray, ground_truth: np.ndarray) -> None:
    """Raises MetricError, naming both shapes, unless they are equal."""
    if prediction.shape != ground_truth.shape:
        raise MetricError(
            f'the prediction has shape {prediction.shape}, the ground truth {ground_truth.shape}: '
            'predict at the original size of the image (resize scores, not labels)'
        )


def unit_interval(values: np.ndarray, what: str) -> np.ndarray:
    """A map (H, W) of probabilities: bool or 8-bit as float64 in 0..1, floats checked and kept.

    Args:
      values: bool, uint8 (0..255), or floating (0..1).
      what: how to call it in an error.

    Raises:
      MetricError: another shape or dtype, NaN, or values outside 0..1.
    """
    values = np.asarray(values)
    if values.ndim != 2 or values.size == 0:
        raise MetricError(f'the {what} has shape {values.shape}: a map of shape (H, W) is needed')
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
