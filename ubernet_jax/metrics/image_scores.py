"""A score of each image, for statistics over images, and its JSON."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ubernet_jax.metrics.descriptions import is_finite, read_description
from ubernet_jax.metrics.metric import MetricError, Score

IMAGE_F = Score(name='f', label='F')  # of an image, at the threshold that is best for the dataset
_DECIMALS = 5


def image_scores_file(result: pathlib.Path) -> pathlib.Path:
    """Returns the file for the scores of the images of a results file, which is optional."""
    return result.parent / 'image_scores' / result.name


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageScores:
    """A score of each image of a benchmark.

    Attributes:
      score: what the values are; their mean need not be a score of the dataset.
      values: id of an image -> its score; images whose score is undefined are left out.
    """

    score: Score
    values: Mapping[str, float]

    @classmethod
    def of(cls, score: Score, images: Iterable[str], values: np.ndarray) -> 'ImageScores':
        """Names the values (N,) of N images, and rounds them as files have them."""
        rounded = zip(images, values.round(_DECIMALS).tolist(), strict=True)
        return cls(
            score=score, values={image: value for image, value in rounded if is_finite(value)}
        )

    def to_json(self) -> dict[str, Any]:
        """Converts to plain types, as `from_json` reads them."""
        return {'score': dataclasses.asdict(self.score), 'values': dict(self.values)}

    @classmethod
    def from_json(cls, plain: Any, what: str) -> 'ImageScores':
        """Converts parsed JSON.

        Args:
          plain: the parsed JSON.
          what: the beginning of error messages.

        Raises:
          MetricError: it does not have the form of `to_json`, or has no image.
        """
        values = plain.get('values') if isinstance(plain, Mapping) else None
        if not isinstance(values, Mapping) or not values:
            raise MetricError(
                f"{what} must have an object 'values' with a number for each image; it is "
                f'{json.dumps(plain):.80}'
            )
        for image, value in values.items():
            if not is_finite(value):
                raise MetricError(
                    f'{what}: the value of {image!r:.50} must be a finite number, not '
                    f'{json.dumps(value):.50}'
                )
        score = read_description(plain.get('score'), what)
        return cls(score=score, values={image: float(value) for image, value in values.items()})
