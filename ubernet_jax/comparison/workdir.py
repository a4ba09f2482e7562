"""Reads the folder of a run: settings, log, provenance, and the folders with scores.

Only a few plain fields of the configuration are read, so that the kinds of its tasks need not be
registered.
"""

import pathlib
from typing import NamedTuple

from ubernet_jax.comparison.fields import check_fields, check_numbers
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import parse_json, read_json
from ubernet_jax.monitoring.provenance import PROVENANCE_FILE

PROVENANCE = ('command', 'commit', 'machine')  # the fields that a kept run must have


class Settings(NamedTuple):
    """The part of a run's configuration that comparisons need.

    Attributes:
      name: of the experiment.
      seed: of the run.
      steps: number of steps of the entire run.
      tasks: names of the tasks, in the order of the configuration.
      step_images: number of image slots in the micro-batches of one step.
    """

    name: str
    seed: int
    steps: int
    tasks: tuple[str, ...]
    step_images: int


def read_settings(workdir: pathlib.Path) -> Settings:
    """Reads `config.json`.

    Raises:
      UserError: the folder has no such file, or a field is absent or has the wrong type.
    """
    file = _settings_file(workdir)
    plain, what = read_json(file), f'{file} is not the configuration of a run'
    check_fields(plain, {'name': str, 'seed': int, 'steps': int, 'tasks': dict, 'data': dict}, what)
    data = plain['data']
    check_fields(
        data, {'images_per_micro_batch': int, 'micro_batches_per_step': int}, f'{what}: data'
    )
    return Settings(
        name=plain['name'],
        seed=plain['seed'],
        steps=plain['steps'],
        tasks=tuple(plain['tasks']),
        step_images=data['images_per_micro_batch'] * data['micro_batches_per_step'],
    )


def _settings_file(workdir: pathlib.Path) -> pathlib.Path:
    file = workdir / 'config.json'
    if not file.is_file():
        raise UserError(f'{file} does not exist: {workdir} is not the folder of a training run')
    return file


def read_log(workdir: pathlib.Path) -> dict[int, dict[str, float]]:
    """Reads `log.jsonl`: step -> numbers.

    Of steps that were repeated after a crash, the later numbers are used.

    Raises:
      UserError: a line is not a JSON object of numbers.
    """
    file = workdir / 'log.jsonl'
    steps = {}
    lines = file.read_bytes().splitlines() if file.is_file() else []
    for number, line in enumerate(lines, 1):
        source = f'{file}:{number}'
        numbers, what = parse_json(line, source), f'{source} is not a line of a training log'
        check_fields(numbers, {'step': int}, what)
        steps.setdefault(numbers['step'], {}).update(check_numbers(numbers, what))
    return dict(sorted(steps.items()))


def training_seconds(workdir: pathlib.Path, step: int, step_images: int) -> int | None:
    """Returns the training time up to a step, including compilation but without interruptions.

    It is None if the log has no speed.
    """
    seconds, previous = 0.0, 0
    for number, numbers in read_log(workdir).items():
        speed = numbers.get('images_per_second', 0)
        if number <= step and speed > 0:
            seconds += (number - previous) * step_images / speed
            previous = number
    return round(seconds) if previous else None


def read_provenance(workdir: pathlib.Path) -> dict[str, str]:
    """Reads command, commit and machine of a run; empty if the run has no such file.

    Raises:
      UserError: the file lacks some of them.
    """
    file = workdir / PROVENANCE_FILE
    if not file.is_file():
        return {}
    plain, what = read_json(file), f'{file} is not the provenance of a run'
    check_fields(plain, dict.fromkeys(PROVENANCE, str), what)
    return plain


def full_results(workdir: pathlib.Path) -> dict[int, pathlib.Path]:
    """Lists the results on full benchmarks: step -> folder.

    The folders STEP-limitN, with results on subsets, are left out.
    """
    folders = sorted((workdir / 'results').glob('*'))
    return {int(folder.name): folder for folder in folders if folder.name.isdecimal()}


def newest_results(workdir: pathlib.Path) -> pathlib.Path:
    """Returns the folder of the newest results on full benchmarks.

    Raises:
      UserError: there are no such results.
    """
    if not workdir.is_dir():
        raise UserError(f'{workdir} does not exist: give the folder of a training run')
    results = full_results(workdir)
    if results:
        return results[max(results)]
    _settings_file(workdir)  # in another folder, the advice would be wrong
    subsets = ', '.join(str(folder) for folder in sorted((workdir / 'results').glob('*')))
    raise UserError(
        f'{workdir} has no results on full benchmarks: {evaluate_hint(workdir)}'
        + (f'; or give a folder with results on subsets: {subsets}' if subsets else '')
    )


def evaluate_hint(workdir: pathlib.Path) -> str:
    """Returns the part of an error message that says how to compute absent scores."""
    return f'run ubernet evaluate --checkpoint {workdir}'
