"""One run's scores with what is needed to repeat it, from its folder or from a file kept of it."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ubernet_jax.comparison.fields import check_fields, excerpt
from ubernet_jax.comparison.results import (
    Benchmark,
    Scored,
    read_results,
    result_from_json,
    result_to_json,
)
from ubernet_jax.comparison.workdir import (
    PROVENANCE,
    how_to_evaluate,
    newest_results,
    read_provenance,
    read_settings,
    training_seconds,
)
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.monitoring.provenance import PROVENANCE_FILE

# Fields of a kept run, and what they must be.
_KEPT = {
    'experiment': str, 'tasks': list, 'seed': int, 'step': int, 'steps': int, 'images_seen': int,
    'seconds': int | float | None, 'provenance': dict, 'results': list,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trained network as it stood at one step.

    Attributes:
      path: what it was read from.
      workdir: its folder, with the log; None of a run that was kept as a file.
      experiment: its configuration's name.
      tasks: that the network has, in the order of its configuration.
      seed: of the run.
      step: after which the scores were measured,
      steps: of so many in the whole run.
      images_seen: places in the micro-batches up to that step.
      seconds: of training up to that step; None without a log.
      provenance: command, commit and machine, as far as they are known.
      results: the scores.
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
    results: Mapping[Benchmark, Scored]

    @property
    def name(self) -> str:
        """Of its folder, and of that of its results if they were chosen; of its file if kept."""
        if self.workdir is None:
            return self.path.stem
        name = self.workdir.resolve().name
        return name if self.path == self.workdir else f'{name}-{self.path.name}'

    def to_json(self) -> dict[str, Any]:
        """All but the paths, as plain types; `read_run` reads it back from a file."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del plain['path'], plain['workdir']
        plain['results'] = [result_to_json(*one) for one in self.results.items()]
        return plain


def read_run(path: pathlib.Path) -> Run:
    """Reads a run.

    Args:
      path: a run's folder (its newest results on whole benchmarks are taken), one folder
        `RUN/results/STEP`, or a file that `compare --keep` wrote.

    Raises:
      UserError: there are no results, or a file is not what it must be.
    """
    if path.is_file():
        return _read_kept(path)
    folder = path if path.parent.name == 'results' else newest_results(path)
    workdir = folder.parent.parent
    settings = read_settings(workdir)
    results = read_results(folder)
    if not results:
        raise UserError(f'{folder} holds no scores: {how_to_evaluate(workdir)}')
    number = folder.name.split('-')[0]
    if not number.isdecimal():
        raise UserError(f'{folder} is not RUN/results/STEP: the name must begin with the step')
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
    """Writes `NAME.json`, which `read_run` reads back, for the documents that cite its scores.

    Raises:
      UserError: it is not known how the run was made.
    """
    absent = [name for name in PROVENANCE if name not in run.provenance]
    if absent:
        raise UserError(
            f'{run.path} does not say its {", ".join(absent)}: training writes {PROVENANCE_FILE}; '
            'of an older run, write it by hand: {"command": ..., "commit": ..., "machine": ...}'
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f'{run.name}.json'
    file.write_text(json.dumps(run.to_json(), indent=1) + '\n')
    return file


def _read_kept(file: pathlib.Path) -> Run:
    plain, what = read_json(file), f'{file} is not a run that compare --keep wrote'
    check_fields(plain, _KEPT, what)
    for text in (*plain['tasks'], *plain['provenance'].values()):
        if not isinstance(text, str):
            raise UserError(f'{what}: {excerpt(text)} stands where a text is expected')
    results = dict(result_from_json(one, file, what) for one in plain['results'])
    fields = {name: plain[name] for name in _KEPT}
    fields |= {'tasks': tuple(plain['tasks']), 'results': results}
    return Run(path=file, workdir=None, **fields)
