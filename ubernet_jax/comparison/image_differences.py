"""Differences of a column from the baseline image by image, with a test of each benchmark."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from ubernet_jax.comparison.columns import Column, Comparison
from ubernet_jax.comparison.results import Benchmark
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.descriptions import describe_difference
from ubernet_jax.metrics.image_scores import ImageScores
from ubernet_jax.metrics.metric import Score

_DECIMALS = 9  # to which differences are rounded, so that equal ones are recognised as ties
_MAX_NAMED = 3  # images that an error message names


class ImageDifference(NamedTuple):
    """The scores of a column minus those of the baseline, image by image.

    Attributes:
      score: of each image.
      images: number of images.
      mean: of the differences, in the unit of the score.
      p: of the two-sided Wilcoxon signed-rank test that the differences are symmetric about 0.
    """

    score: Score
    images: int
    mean: float
    p: float


class ImageDifferences(NamedTuple):
    """The differences on all benchmarks that a column and the baseline have.

    Attributes:
      tested: benchmark -> difference.
      without: benchmarks for which some run has no scores of images.
    """

    tested: dict[Benchmark, ImageDifference]
    without: list[Benchmark]


def find_image_differences(comparison: Comparison, column: Column) -> ImageDifferences:
    """Compares a column with the baseline on each image, by the means over the runs of both.

    Only results with a main score are compared.

    Raises:
      UserError: the runs have scores of different images, or different scores.
    """
    baseline = comparison.baseline
    assert baseline is not None
    tested, without = {}, []
    for benchmark, scores in comparison.benchmarks.items():
        ours, theirs = (
            [run.results[benchmark] for run in both.runs if benchmark in run.results]
            for both in (column, baseline)
        )
        if not (scores.main and ours and theirs):
            continue
        scored = [
            (result.file, result.image_scores) for result in (*ours, *theirs) if result.image_scores
        ]
        if len(scored) < len(ours) + len(theirs):
            without.append(benchmark)
            continue
        _require_same_images(benchmark, scored)
        images = [image_scores for _, image_scores in scored]
        tested[benchmark] = compare_images(images[: len(ours)], images[len(ours) :])
    return ImageDifferences(tested, without)


def compare_images(ours: Sequence[ImageScores], theirs: Sequence[ImageScores]) -> ImageDifference:
    """Compares runs with others by the score of the same images.

    Args:
      ours: of at least one run; the scores of an image are averaged over the runs.
      theirs: likewise; what is compared with.
    """
    score, images = ours[0].score, sorted(ours[0].values)
    means = [
        np.mean([[scores.values[image] for image in images] for scores in runs], axis=0)
        for runs in (ours, theirs)
    ]
    differences = np.round(means[0] - means[1], _DECIMALS)
    changed = differences[differences != 0]  # as Wilcoxon: others are left out of the test
    return ImageDifference(score, len(images), float(differences.mean()), _wilcoxon(changed))


def _wilcoxon(differences: np.ndarray) -> float:
    """Returns the p-value for differences (n,) other than 0; 1 if there are none."""
    if not differences.size:
        return 1.0
    # scipy has no types, and pyright finds another class than that of the result.
    return float(stats.wilcoxon(differences).pvalue)  # pyright: ignore[reportAttributeAccessIssue]


def _require_same_images(
    benchmark: Benchmark, scored: Sequence[tuple[pathlib.Path, ImageScores]]
) -> None:
    """Raises a UserError that names both files, unless all have the same score and images."""
    first_file, first = scored[0]
    for file, other in scored[1:]:
        if lines := describe_difference(first.score, other.score):
            raise UserError(
                f'the images of {benchmark} were scored differently in {first_file} and {file}: '
                f'{"; ".join(lines)}. Evaluate both with the same version and options'
            )
        if unpaired := first.values.keys() ^ other.values.keys():
            named = ', '.join(sorted(unpaired)[:_MAX_NAMED])
            raise UserError(
                f'{benchmark} was scored on different images in {first_file} and {file}: '
                f'{len(unpaired)} images are in one of them only, such as {named}. Evaluate both '
                'on the same data'
            )
