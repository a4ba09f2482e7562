"""Writes folders of runs as `train` and `evaluate` do, with given scores."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

from ubernet_jax.metrics.image_scores import ImageScores, image_scores_file
from ubernet_jax.metrics.metric import Score

PROVENANCE = {'command': 'python -m ubernet_jax.train', 'commit': 'abc1234', 'machine': '2 cores'}
PROTOCOL = {'k': 1}
NETWORK = '0123456789abcdef'  # digest of the network of every result
# Result -> DATASET-SPLIT of its benchmark.
BENCHMARKS = {
    'boundaries': 'bsds500-test',
    'normals': 'nyudv2-test',
    'saliency': 'pascal_s-test',
    'segmentation': 'voc2012-val',
    'detection_voc07': 'voc2007-test',
    'detection_voc10': 'voc2007-test',
}
TASKS = {'detection_voc07': 'detection', 'detection_voc10': 'detection'}
MIOU = Score(name='miou', label='mIoU', main=True)
MAX_F = Score(name='max_f', label='max F', main=True)
MAE = Score(name='mae', label='MAE', lower_is_better=True)
MEAN = Score(name='mean', label='mean angle', unit='°', lower_is_better=True, main=True)
MEDIAN = Score(name='median', label='median angle', unit='°', lower_is_better=True)
BELOW_30 = Score(name='below_30', label='below 30°', unit='%')
ODS = Score(name='ods', label='ODS', main=True)
OIS = Score(name='ois', label='OIS')
AP = Score(name='ap', label='AP')
VOC07 = Score(name='map', label='mAP', main=True)
VOC10 = Score(name='map', label='mAP')
# Scores of a task that is not in this package.
RMSE = Score(name='rmse', label='RMSE', unit='m', lower_is_better=True, main=True)
WITHIN = Score(name='within', label='within 25 %', unit='%')

Values = Mapping[Score, float | None]


def write_run(
    folder: pathlib.Path,
    results: Mapping[str, Values],
    *,
    step: int = 4,
    steps: int = 4,
    seed: int = 0,
    experiment: str = 'tiny',
    images: int = 5,
    micro_batches_per_step: int = 1,
    protocol: Mapping[str, object] = PROTOCOL,
) -> pathlib.Path:
    """Writes a run with 2 images per micro-batch, whose tasks are of a kind that is not registered.

    Args:
      folder: of the run; if it exists, the results of another step are added.
      results: result -> its scores; defines the tasks of the run and their order.
      step: at which the scores were measured.
      steps: of the entire run.
      seed: of the run.
      experiment: name of the configuration.
      images: number of images of every benchmark.
      micro_batches_per_step: of the configuration.
      protocol: of every benchmark.
    """
    tasks = dict.fromkeys(TASKS.get(result, result) for result in results)
    config = {
        'name': experiment,
        'seed': seed,
        'steps': steps,
        'tasks': {task: {'kind': 'unknown', 'module': 'nowhere'} for task in tasks},
        'data': {'images_per_micro_batch': 2, 'micro_batches_per_step': micro_batches_per_step},
    }
    scores = folder / 'results' / f'{step:08d}'
    scores.mkdir(parents=True, exist_ok=True)
    (folder / 'config.json').write_text(json.dumps(config))
    (folder / 'provenance.json').write_text(json.dumps(PROVENANCE))
    for result, values in results.items():
        dataset, split = BENCHMARKS.get(result, 'custom-test').split('-')
        report = {
            'task': TASKS.get(result, result), 'result': result, 'dataset': dataset,
            'split': split, 'experiment': experiment, 'step': step,
            'network': NETWORK, 'protocol': protocol, 'images': images,
            'scores': describe(values),
        }  # fmt: skip
        (scores / f'{dataset}-{split}-{result}.json').write_text(json.dumps(report))
    return folder


def describe(values: Values) -> list[dict]:
    """Returns scores as `evaluate` writes them."""
    return [{**dataclasses.asdict(score), 'value': value} for score, value in values.items()]


def write_image_scores(
    folder: pathlib.Path, result: str, score: Score, values: Mapping[str, float]
) -> None:
    """Writes the scores of the images of a result, beside that of the only step of a run."""
    (report,) = folder.glob(f'results/*/*-{result}.json')
    image_scores = ImageScores(score=score, values=values)
    file = image_scores_file(report)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(image_scores.to_json()))


def write_log(folder: pathlib.Path, *lines: Mapping[str, float]) -> None:
    """Writes the log of a run; `time` is added to every line."""
    text = ''.join(json.dumps({'time': 0.0, **line}) + '\n' for line in lines)
    (folder / 'log.jsonl').write_text(text)


def table_rows(text: str) -> list[list[str]]:
    """Returns the cells of all Markdown tables, without the lines below their headers."""
    lines = [line for line in text.splitlines() if line.startswith('|') and '---' not in line]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
