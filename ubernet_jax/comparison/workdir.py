"""What the folder of a run tells: settings, log, and where its scores are.

The kinds of its tasks need not be known: of the configuration a few plain fields are read.
"""

import pathlib
from typing import NamedTuple

from ubernet_jax.comparison.fields import check_fields, check_numbers
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import parse_json, read_json
from ubernet_jax.monitoring.provenance import PROVENANCE_FILE

PROVENANCE = ('command', 'commit', 'machine')  # what a kept run must say


class Settings(NamedTuple):
    """What a comparison needs of a run's configuration.

    Attributes:
      name: of the experiment.
      seed: of the run.
      steps: of the whole run.
      tasks: names, in the order of the configuration.
      step_images: places in the micro-batches of one step.
    """

    name: str
    seed: int
    steps: int
    tasks: tuple[str, ...]
    step_images: int


def read_settings(workdir: pathlib.Path) -> Settings:
    """Reads `config.json`.

    Raises:
      UserError: the folder has none, or a field is absent or of another type.
    """
    file = workdir / 'config.json'
    if not file.is_file():
        raise UserError(f'{file} does not exist: {workdir} is not the folder of a training run')
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
        check_fields(numbers, {'step': int}, what)
        steps.setdefault(numbers['step'], {}).update(check_numbers(numbers, what))
    return dict(sorted(steps.items()))


def training_seconds(workdir: pathlib.Path, step: int, step_images: int) -> int | None:
    """Time from the start of compilation to a step, without pauses; None if no log tells it."""
    seconds, previous = 0.0, 0
    for number, numbers in read_log(workdir).items():
        speed = numbers.get('images_per_second', 0)
        if number <= step and speed > 0:
            seconds += (number - previous) * step_images / speed
            previous = number
    return round(seconds) if previous else None


def read_provenance(workdir: pathlib.Path) -> dict[str, str]:
    """Command, commit and machine of a run, or nothing if it has no file of them.

    Raises:
      UserError: the file does not say them.
    """
    file = workdir / PROVENANCE_FILE
    if not file.is_file():
        return {}
    plain, what = read_json(file), f'{file} does not say how the run was made'
    check_fields(plain, dict.fromkeys(PROVENANCE, str), what)
    return plain


def complete_results(workdir: pathlib.Path) -> dict[int, pathlib.Path]:
    """Step -> folder of results on whole benchmarks; those of parts (STEP-limitN) are left out."""
    folders = sorted((workdir / 'results').glob('*'))
    return {int(folder.name): folder for folder in folders if folder.name.isdecimal()}


def newest_results(workdir: pathlib.Path) -> pathlib.Path:
    """The folder of the newest results on whole benchmarks.

    Raises:
      UserError: there are none.
    """
    if not workdir.is_dir():
        raise UserError(f'{workdir} does not exist: give the folder of a training run')
    complete = complete_results(workdir)
    if complete:
        return complete[max(complete)]
    parts = ', '.join(str(folder) for folder in sorted((workdir / 'results').glob('*')))
    raise UserError(
        f'{workdir} has no results of whole benchmarks: {how_to_evaluate(workdir)}'
        + (f'; or give results of parts of them: {parts}' if parts else '')
    )


def how_to_evaluate(workdir: pathlib.Path) -> str:
    """What to do about absent scores, for errors."""
    return f'run python -m ubernet_jax.evaluate --checkpoint {workdir}'
