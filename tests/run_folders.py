"""Folders of runs as `train` and `evaluate` leave them, with the scores that a test wants."""

import json
import pathlib
from collections.abc import Mapping

from ubernet_jax import config as c
from ubernet_jax.config.serialization import to_json

PROVENANCE = {'command': 'python -m ubernet_jax.train', 'commit': 'abc1234', 'machine': '2 cores'}
PROTOCOL = {'k': 1}
# Result -> where it is scored.
PLACES = {
    'boundaries': 'bsds500-test',
    'normals': 'nyudv2-test',
    'saliency': 'pascal_s-test',
    'segmentation': 'voc2012-val',
    'detection_voc07': 'voc2007-test',
    'detection_voc10': 'voc2007-test',
}
TASKS = {'detection_voc07': 'detection', 'detection_voc10': 'detection'}


def write_run(
    folder: pathlib.Path,
    results: Mapping[str, Mapping[str, float]],
    *,
    step: int = 4,
    steps: int = 4,
    seed: int = 0,
    experiment: str = 'tiny',
    images: int = 5,
    protocol: Mapping[str, object] = PROTOCOL,
) -> pathlib.Path:
    """A run in micro-batches of two.

    Args:
      folder: of the run; of one that exists, another step is added.
      results: result -> its scores; says which tasks the run has.
      step: at which they were measured.
      steps: of the whole run.
      seed: of the run.
      experiment: its name.
      images: of every benchmark.
      protocol: of every benchmark.
    """
    tasks = dict.fromkeys(TASKS.get(result, result) for result in results)
    config = c.Config(
        name=experiment,
        seed=seed,
        steps=steps,
        tasks={task: c.TaskConfig() for task in tasks},
        data=c.DataConfig(micro_batch=2),
    )
    scores = folder / 'results' / f'{step:08d}'
    scores.mkdir(parents=True, exist_ok=True)
    (folder / 'config.json').write_text(json.dumps(to_json(config)))
    (folder / 'provenance.json').write_text(json.dumps(PROVENANCE))
    for result, values in results.items():
        dataset, split = PLACES[result].split('-')
        report = {'task': result, 'dataset': dataset, 'split': split, 'experiment': experiment,
                  'step': step, 'protocol': protocol, 'images': images, **values}  # fmt: skip
        (scores / f'{PLACES[result]}-{result}.json').write_text(json.dumps(report))
    return folder


def write_log(folder: pathlib.Path, *lines: Mapping[str, float]) -> None:
    """The log of a run; `time` is added."""
    text = ''.join(json.dumps({'time': 0.0, **line}) + '\n' for line in lines)
    (folder / 'log.jsonl').write_text(text)
