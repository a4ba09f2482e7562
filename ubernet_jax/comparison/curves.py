"""Reads the learning curves of a run from its log and results: losses and scores by images seen."""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ubernet_jax.comparison.results import Benchmark, BenchmarkScores, read_results
from ubernet_jax.comparison.workdir import full_results, read_log, read_settings
from ubernet_jax.metrics.metric import Score

_LOSS = re.compile(r'loss/([^/]+)')
_SCORE = re.compile(r'([^/]+)/(.+:[^/]+)/([^/]+)')  # RESULT/DATASET:SPLIT/SCORE

Curve = dict[int, float]  # images seen -> value


class CurveKey(NamedTuple):
    """Identifies the scores of a result on a benchmark.

    Attributes:
      result: name of the result.
      source: DATASET:SPLIT of the benchmark.
    """

    result: str
    source: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The learning curves of a run.

    Attributes:
      losses: task -> loss per labelled image.
      full: key -> name of a score -> that score on the full benchmark.
      subset: key -> name of a score -> that score on a subset of the benchmark, during training.
      results: the results on full benchmarks, for each step with results.
    """

    losses: Mapping[str, Curve]
    full: Mapping[CurveKey, Mapping[str, Curve]]
    subset: Mapping[CurveKey, Mapping[str, Curve]]
    results: Sequence[Mapping[Benchmark, BenchmarkScores]]


def read_curves(workdir: pathlib.Path) -> Curves:
    """Reads the learning curves in the folder of a run.

    Raises:
      UserError: a file in the folder has unexpected contents.
    """
    step_images = read_settings(workdir).step_images
    losses = collections.defaultdict(dict)
    full, subset = (
        collections.defaultdict(lambda: collections.defaultdict(dict)) for _ in range(2)
    )
    for step, numbers in read_log(workdir).items():
        for name, value in numbers.items():
            if match := _LOSS.fullmatch(name):
                losses[match[1]][step * step_images] = value
            elif match := _SCORE.fullmatch(name):
                subset[CurveKey(match[1], match[2])][match[3]][step * step_images] = value
    results = {step: read_results(folder) for step, folder in full_results(workdir).items()}
    for step, benchmarks in results.items():
        for benchmark, scores in benchmarks.items():
            for score, value in scores.scores.items():
                if value is not None:
                    key = CurveKey(benchmark.result, benchmark.source)
                    full[key][score.name][step * step_images] = value
    return Curves(losses=losses, full=full, subset=subset, results=list(results.values()))


def choose_scores(
    evaluated: Iterable[Mapping[Benchmark, BenchmarkScores]], runs: Sequence[Curves]
) -> dict[CurveKey, Score]:
    """Chooses the score to draw for each result and benchmark: the main score.

    Results describe their scores, but the log does not. For a result that was never evaluated on a
    full benchmark, the first score in the log is chosen, and only its name is known. Results
    without any curve are left out.

    Args:
      evaluated: results that describe their scores, in addition to those of the runs.
      runs: the curves of the runs.
    """
    chosen: dict[str, Score | None] = {}
    keys: dict[CurveKey, None] = {}
    for benchmarks in (*evaluated, *(results for run in runs for results in run.results)):
        for benchmark, scores in benchmarks.items():
            chosen.setdefault(benchmark.result, scores.main)
            keys[CurveKey(benchmark.result, benchmark.source)] = None
    for run in runs:
        for key, curves in run.subset.items():
            first = next(iter(curves))
            chosen.setdefault(key.result, Score(name=first, label=first))
            keys[key] = None
    drawn = [curves for run in runs for curves in (run.full, run.subset)]
    return {
        key: score
        for key in keys
        if (score := chosen[key.result])
        and any(score.name in curves.get(key, {}) for curves in drawn)
    }
