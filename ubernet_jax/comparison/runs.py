"""Reads runs: their scores and provenance, from the folder of a run or from a kept file."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from ubernet_jax.comparison.fields import check_fields, excerpt
from ubernet_jax.comparison.results import (
    Benchmark,
    BenchmarkScores,
    read_results,
    result_from_json,
    result_to_json,
)
from ubernet_jax.comparison.workdir import (
    PROVENANCE,
    evaluate_hint,
    newest_results,
    read_provenance,
    read_settings,
    training_seconds,
)
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json, write_json
from ubernet_jax.monitoring.provenance import PROVENANCE_FILE

_KEPT_FIELDS = {
    'experiment': str, 'tasks': list, 'seed': int, 'step': int, 'steps': int, 'images_seen': int,
    'seconds': int | float | None, 'provenance': dict, 'results': list,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The scores of a trained network at one step.

    Attributes:
      path: the path that the run was read from.
      workdir: the folder of the run, with the log; None for a run that was kept as a file.
      experiment: name of the configuration.
      tasks: the tasks of the network, in the order of the configuration.
      seed: of the run.
      step: number of steps after which the scores were measured.
      steps: number of steps of the entire run.
      images_seen: number of image slots in the micro-batches up to `step`.
      seconds: training time up to `step`; None without a log.
      provenance: command, commit and machine, as far as they are known.
      results: the scores on each benchmark.
    """

    path: pathlib.Path
    workdir: pathlib.Path | None
    experiment: str
    tasks: tuple[str, ...]
    seed: int
    step: int
    steps: int
    images_seen: int
    seconds: float | None
    provenance: Mapping[str, str]
    results: Mapping[Benchmark, BenchmarkScores]

    @property
    def name(self) -> str:
        """Name of the run's folder, or of the kept file.

        If a folder of results was given instead of the run's folder, its name is appended.
        """
        if self.workdir is None:
            return self.path.stem
        name = self.workdir.resolve().name
        return name if self.path == self.workdir else f'{name}-{self.path.name}'

    def to_json(self) -> dict[str, Any]:
        """Converts all fields except the paths to plain types, as `read_run` reads them."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del plain['path'], plain['workdir']
        plain['results'] = [
            result_to_json(benchmark, scores) for benchmark, scores in self.results.items()
        ]
        return plain


def read_run(path: pathlib.Path) -> Run:
    """Reads a run.

    Args:
      path: the folder of a run (its newest results on full benchmarks are read), a folder
        `RUN/results/STEP`, or a file that `compare --keep` wrote.

    Raises:
      UserError: there are no results, or a file has unexpected contents.
    """
    if path.is_file():
        return _read_kept(path)
    folder = path if path.parent.name == 'results' else newest_results(path)
    workdir = folder.parent.parent
    settings = read_settings(workdir)
    results = read_results(folder)
    if not results:
        raise UserError(f'{folder} contains no scores: {evaluate_hint(workdir)}')
    number = folder.name.split('-')[0]
    if not number.isdecimal():
        raise UserError(f'{folder} is not RUN/results/STEP: its name must begin with the step')
    step = int(number)
    return Run(
        path=path,
        workdir=workdir,
        experiment=settings.name,
        tasks=settings.tasks,
        seed=settings.seed,
        step=step,
        steps=settings.steps,
        images_seen=step * settings.step_images,
        seconds=training_seconds(workdir, step, settings.step_images),
        provenance=read_provenance(workdir),
        results=results,
    )


def keep_run(run: Run, folder: pathlib.Path) -> pathlib.Path:
    """Writes a run to `NAME.json` in a folder, for documents that cite its scores.

    Returns:
      The file, which `read_run` reads.

    Raises:
      UserError: the provenance of the run is unknown.
    """
    absent = [name for name in PROVENANCE if name not in run.provenance]
    if absent:
        raise UserError(
            f'{run.path} has no {", ".join(absent)}: training writes them to {PROVENANCE_FILE}; '
            'for an older run, write that file manually: '
            '{"command": ..., "commit": ..., "machine": ...}'
        )
    file = folder / f'{run.name}.json'
    write_json(file, run.to_json())
    return file


def _read_kept(file: pathlib.Path) -> Run:
    plain, what = read_json(file), f'{file} is not a run that compare --keep wrote'
    check_fields(plain, _KEPT_FIELDS, what)
    for field, values in (('tasks', plain['tasks']), ('provenance', plain['provenance'].values())):
        for value in values:
            if not isinstance(value, str):
                raise UserError(f'{what}: its {field!r} must contain strings, not {excerpt(value)}')
    results = dict(result_from_json(result, file, what) for result in plain['results'])
    fields = {name: plain[name] for name in _KEPT_FIELDS}
    fields |= {'tasks': tuple(plain['tasks']), 'results': results}
    return Run(path=file, workdir=None, **fields)
