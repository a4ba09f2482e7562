"""Learning curves of a run, from its log and its results: losses and scores over images seen."""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ubernet_jax.comparison.results import Benchmark, Scored, read_results
from ubernet_jax.comparison.workdir import complete_results, read_log, read_settings
from ubernet_jax.metrics.metric import Score

_LOSS = re.compile(r'loss/([^/]+)')
_SCORE = re.compile(r'([^/]+)/(.+:[^/]+)/([^/]+)')  # RESULT/DATASET:SPLIT/SCORE

Curve = dict[int, float]  # images seen -> value


class Place(NamedTuple):
    """Where scores are measured.

    Attributes:
      result: its name.
      place: DATASET:SPLIT.
    """

    result: str
    place: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The learning curves of a run.

    Attributes:
      losses: task -> its loss a labelled image.
      whole: place -> name of a score -> that score on the whole benchmark,
      part: and on a part of it, while training.
      results: those of whole benchmarks, of each step that has some.
    """

    losses: Mapping[str, Curve]
    whole: Mapping[Place, Mapping[str, Curve]]
    part: Mapping[Place, Mapping[str, Curve]]
    results: Sequence[Mapping[Benchmark, Scored]]


def read_curves(workdir: pathlib.Path) -> Curves:
    """Reads the folder of a run.

    Raises:
      UserError: a file in it is not what it must be.
    """
    step_images = read_settings(workdir).step_images
    losses = collections.defaultdict(dict)
    whole, part = (collections.defaultdict(lambda: collections.defaultdict(dict)) for _ in range(2))
    for step, numbers in read_log(workdir).items():
        for name, value in numbers.items():
            if match := _LOSS.fullmatch(name):
                losses[match[1]][step * step_images] = value
            elif match := _SCORE.fullmatch(name):
                part[Place(match[1], match[2])][match[3]][step * step_images] = value
    results = {step: read_results(folder) for step, folder in complete_results(workdir).items()}
    for step, benchmarks in results.items():
        for benchmark, scored in benchmarks.items():
            for score, value in scored.scores.items():
                if value is not None:
                    place = Place(benchmark.result, benchmark.place)
                    whole[place][score.name][step * step_images] = value
    return Curves(losses=losses, whole=whole, part=part, results=list(results.values()))


def choose_scores(
    evaluated: Iterable[Mapping[Benchmark, Scored]], runs: Sequence[Curves]
) -> dict[Place, Score]:
    """The score that is drawn, for each place of which a run has it: the main one.

    A log does not describe its scores; results do. Of a result that was never evaluated on a whole
    benchmark the first score in the log is taken, of which no more than the name is known.

    Args:
      evaluated: results that describe their scores, besides those of the runs.
      runs: curves.
    """
    chosen: dict[str, Score | None] = {}
    places = {}
    for benchmarks in (*evaluated, *(one for run in runs for one in run.results)):
        for benchmark, scored in benchmarks.items():
            chosen.setdefault(benchmark.result, scored.main)
            places[Place(benchmark.result, benchmark.place)] = None
    for run in runs:
        for place, scores in run.part.items():
            first = next(iter(scores))
            chosen.setdefault(place.result, Score(name=first, label=first))
            places[place] = None
    scores = {place: chosen[place.result] for place in places}
    drawn = [curves for run in runs for curves in (run.whole, run.part)]
    return {
        place: score
        for place, score in scores.items()
        if score and any(score.name in curves.get(place, {}) for curves in drawn)
    }
