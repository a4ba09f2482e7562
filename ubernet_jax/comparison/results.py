"""Reads the results that `evaluate` wrote: scores on benchmarks, with their descriptions."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ubernet_jax.comparison.fields import check_fields
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.descriptions import find_main, read_scores
from ubernet_jax.metrics.image_scores import ImageScores, image_scores_file
from ubernet_jax.metrics.metric import MetricError, Score


class Benchmark(NamedTuple):
    """A result of a task (detection has several results) on a split of a dataset."""

    task: str
    result: str
    dataset: str
    split: str

    @property
    def source(self) -> str:
        """DATASET:SPLIT."""
        return f'{self.dataset}:{self.split}'

    def __str__(self) -> str:
        return f'{self.result} on {self.source}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkScores:
    """Scores on a benchmark.

    Attributes:
      images: number of images that were scored.
      scores: the scores that tables show, in their order; an undefined score is None.
      protocol: what exactly was computed.
      file: the file that the scores were read from.
      image_scores: a score of each image; None if the metric has none, or for results of an earlier
        version.
    """

    images: int
    scores: Mapping[Score, float | None]
    protocol: Mapping[str, Any]
    file: pathlib.Path
    image_scores: ImageScores | None

    @property
    def main(self) -> Score | None:
        """The score that enters delta_m; None if no score does."""
        return find_main(self.scores)

    def value(self, name: str) -> float | None:
        """Returns the value of the score with this name; None if it is absent or undefined."""
        return next((value for score, value in self.scores.items() if score.name == name), None)


def read_results(folder: pathlib.Path) -> dict[Benchmark, BenchmarkScores]:
    """Reads the results that `evaluate` wrote to a folder.

    Raises:
      UserError: a file is not a result of `evaluate`.
    """
    results = {}
    for file in sorted(folder.glob('*.json')):
        benchmark, scores = result_from_json(
            read_json(file), file, f'{file} is not a result of evaluate'
        )
        images = image_scores_file(file)
        if images.is_file():
            image_scores = _read_image_scores(read_json(images), str(images))
            scores = dataclasses.replace(scores, image_scores=image_scores)
        results[benchmark] = scores
    return results


def result_from_json(
    plain: Any, file: pathlib.Path, what: str
) -> tuple[Benchmark, BenchmarkScores]:
    """Converts a result as `evaluate` and `result_to_json` write it; the latter has image scores.

    Args:
      plain: the parsed JSON.
      file: the file that contains it.
      what: the beginning of error messages.

    Raises:
      UserError: it is not a result, or it does not describe its scores.
    """
    check_fields(plain, {'dataset': str, 'split': str, 'images': int, 'protocol': dict}, what)
    try:
        scores = read_scores(plain, str(file))
    except MetricError as error:
        raise UserError(str(error)) from error
    check_fields(plain, {'task': str, 'result': str}, what)
    benchmark = Benchmark(*(plain[field] for field in Benchmark._fields))
    images = plain.get('image_scores')
    return benchmark, BenchmarkScores(
        images=plain['images'],
        scores=scores,
        protocol=plain['protocol'],
        file=file,
        image_scores=None if images is None else _read_image_scores(images, f'{file}: {benchmark}'),
    )


def result_to_json(benchmark: Benchmark, scores: BenchmarkScores) -> dict[str, Any]:
    """Converts a result to plain types, with scores rounded to five decimal places."""
    return {
        **benchmark._asdict(),
        'images': scores.images,
        'scores': [
            {**dataclasses.asdict(score), 'value': None if value is None else round(value, 5)}
            for score, value in scores.scores.items()
        ],
        'protocol': scores.protocol,
        **({'image_scores': scores.image_scores.to_json()} if scores.image_scores else {}),
    }


def _read_image_scores(plain: Any, what: str) -> ImageScores:
    try:
        return ImageScores.from_json(plain, what)
    except MetricError as error:
        raise UserError(str(error)) from error
