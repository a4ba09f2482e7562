"""One run's scores with what is needed to repeat it, from its folder or from a file kept of it."""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from ubernet_jax.config import Config, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.evaluators import HEADLINES, PROPOSALS, make_metrics
from ubernet_jax.json_file import parse_json, read_json
from ubernet_jax.monitoring.provenance import PROVENANCE_FILE
from ubernet_jax.tasks import TASKS

# The task of each result; the metrics themselves are not used.
TASK_OF = {name: task.name for task in TASKS.values() for name in make_metrics(task, thresholds=2)}
PROVENANCE = ('command', 'commit', 'machine')  # what a kept run must say

# Fields of the files, and what they must be: of what one benchmark gave, and of a kept run.
_SCORED = {'dataset': str, 'split': str, 'images': int, 'protocol': dict}
_KEPT = {
    'experiment': str, 'tasks': list, 'seed': int, 'step': int, 'steps': int, 'images_seen': int,
    'seconds': int | float | None, 'provenance': dict, 'results': list,
}  # fmt: skip


class Benchmark(NamedTuple):
    """What is scored: a result (detection has several) on a split of a dataset."""

    result: str
    dataset: str
    split: str

    def __str__(self) -> str:
        return f'{self.result} on {self.dataset}:{self.split}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scores on one benchmark.

    Attributes:
      images: how many were scored.
      scores: those that tables show, by name.
      protocol: what was computed, exactly.
      source: the file they were read from.
    """

    images: int
    scores: Mapping[str, float]
    protocol: Mapping[str, Any]
    source: pathlib.Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trained network as it stood at one step.

    Attributes:
      path: what it was read from.
      workdir: its folder, with the log; None of a run that was kept as a file.
      experiment: its configuration's name.
      tasks: that the network has.
      seed: of the run.
      step: micro-batches before the scores were measured,
      steps: and of the whole run.
      images_seen: places in those micro-batches.
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
        plain['results'] = [
            {
                **benchmark._asdict(),
                'images': scored.images,
                'scores': {name: round(value, 5) for name, value in scored.scores.items()},
                'protocol': scored.protocol,
            }
            for benchmark, scored in self.results.items()
        ]
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
    folder = path if path.parent.name == 'results' else _newest_results(path)
    workdir = folder.parent.parent
    config = read_config(workdir)
    results = read_results(folder)
    if not results:
        raise UserError(f'{folder} holds no scores: {_how_to_evaluate(workdir)}')
    number = folder.name.split('-')[0]
    if not number.isdecimal():
        raise UserError(f'{folder} is not RUN/results/STEP: the name must begin with the step')
    step = int(number)
    return Run(
        path=path,
        workdir=workdir,
        experiment=config.name,
        tasks=tuple(config.tasks),
        seed=config.seed,
        step=step,
        steps=config.steps,
        images_seen=step * config.data.micro_batch,
        seconds=_seconds(read_log(workdir), step, config.data.micro_batch),
        provenance=_read_provenance(workdir / PROVENANCE_FILE),
        results=results,
    )


def read_results(folder: pathlib.Path) -> dict[Benchmark, Scored]:
    """What `evaluate` wrote to one folder.

    Raises:
      UserError: a file is none of its results.
    """
    return dict(_read_scores(file) for file in sorted(folder.glob('*.json')))


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


def read_config(workdir: pathlib.Path) -> Config:
    """The configuration of a run.

    Raises:
      UserError: the folder has none, or a value in it is not of its field's type.
    """
    file = workdir / 'config.json'
    if not file.is_file():
        raise UserError(f'{file} does not exist: {workdir} is not the folder of a training run')
    return serialization.from_json(read_json(file), str(file))


def read_log(workdir: pathlib.Path) -> dict[int, dict[str, float]]:
    """Step -> numbers of `log.jsonl`; of steps done twice (after a crash) the later ones count.

    Raises:
      UserError: a line is not JSON, or not one of numbers.
    """
    file = workdir / 'log.jsonl'
    steps = {}
    lines = file.read_bytes().splitlines() if file.is_file() else []
    for number, line in enumerate(lines, 1):
        place = f'{file}:{number}'
        numbers, what = parse_json(line, place), f'{place} is not a line of the log'
        _check(numbers, {'step': int}, what)
        steps.setdefault(numbers['step'], {}).update(_numbers(numbers, what))
    return dict(sorted(steps.items()))


def complete_results(workdir: pathlib.Path) -> dict[int, pathlib.Path]:
    """Step -> folder of results on whole benchmarks; those of parts (STEP-limitN) are left out."""
    folders = sorted((workdir / 'results').glob('*'))
    return {int(folder.name): folder for folder in folders if folder.name.isdecimal()}


def _seconds(log: Mapping[int, Mapping[str, float]], step: int, micro_batch: int) -> float | None:
    """Time of training, the start of compilation to the step; pauses between starts left out."""
    seconds, previous = 0.0, 0
    for number, numbers in log.items():
        if number <= step and 'images_per_second' in numbers:
            seconds += (number - previous) * micro_batch / numbers['images_per_second']
            previous = number
    return round(seconds) if previous else None


def _read_provenance(file: pathlib.Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    plain, what = read_json(file), f'{file} does not say how the run was made'
    _check(plain, dict.fromkeys(PROVENANCE, str), what)
    return plain


def _newest_results(workdir: pathlib.Path) -> pathlib.Path:
    if not workdir.is_dir():
        raise UserError(f'{workdir} does not exist: give the folder of a training run')
    complete = complete_results(workdir)
    if complete:
        return complete[max(complete)]
    parts = ', '.join(str(folder) for folder in sorted((workdir / 'results').glob('*')))
    raise UserError(
        f'{workdir} has no results of whole benchmarks: {_how_to_evaluate(workdir)}'
        + (f'; or give results of parts of them: {parts}' if parts else '')
    )


def _how_to_evaluate(workdir: pathlib.Path) -> str:
    return f'run python -m ubernet_jax.evaluate --checkpoint {workdir}'


def _read_scores(file: pathlib.Path) -> tuple[Benchmark, Scored]:
    plain, what = read_json(file), f'{file} is not a result of evaluate'
    _check(plain, {'task': str, **_SCORED}, what)
    benchmark = _benchmark(plain['task'], plain, what)
    if benchmark.result == PROPOSALS:
        _check(plain, {'recall': dict}, what)
        scores = {f'recall_{limit}': recall for limit, recall in plain['recall'].items()}
    else:
        scores = {name: plain[name] for name in HEADLINES if plain.get(name) is not None}
    return benchmark, _scored(scores, plain, file, what)


def _read_kept(file: pathlib.Path) -> Run:
    plain, what = read_json(file), f'{file} is not a run that compare --keep wrote'
    _check(plain, _KEPT, what)
    results = {}
    for one in plain['results']:
        _check(one, {'result': str, 'scores': dict, **_SCORED}, what)
        benchmark = _benchmark(one['result'], one, what)
        results[benchmark] = _scored(one['scores'], one, file, what)
    for text in (*plain['tasks'], *plain['provenance'].values()):
        if not isinstance(text, str):
            raise UserError(f'{what}: {text!r:.50} stands where a text is expected')
    fields = {name: plain[name] for name in _KEPT}
    fields |= {'tasks': tuple(plain['tasks']), 'results': results}
    return Run(path=file, workdir=None, **fields)


def _benchmark(result: str, plain: Mapping[str, Any], what: str) -> Benchmark:
    if result not in TASK_OF:
        raise UserError(f'{what}: unknown result {result!r:.50}; known: {", ".join(TASK_OF)}')
    return Benchmark(result, plain['dataset'], plain['split'])


def _scored(
    scores: Mapping[str, Any], plain: Mapping[str, Any], file: pathlib.Path, what: str
) -> Scored:
    return Scored(
        images=plain['images'],
        scores=_numbers(scores, what),
        protocol=plain['protocol'],
        source=file,
    )


def _check(plain: Any, kinds: Mapping[str, Any], what: str) -> None:
    """Raises a UserError unless JSON is an object that has these fields, each of its type."""
    if not isinstance(plain, dict):
        raise UserError(f'{what}: it holds {plain!r:.50}')
    for name, kind in kinds.items():
        if name not in plain:
            raise UserError(f'{what}: it has no {name!r}')
        if not isinstance(plain[name], kind):
            raise UserError(f'{what}: its {name!r} is {plain[name]!r:.50}')


def _numbers(plain: Mapping[str, Any], what: str) -> dict[str, float]:
    for name, value in plain.items():
        fits = isinstance(value, int) and abs(value) <= sys.float_info.max
        if not fits and not isinstance(value, float):
            raise UserError(f'{what}: {name!r:.50} is {value!r:.50}, but must be a number')
    return dict(plain)
