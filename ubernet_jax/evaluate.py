"""Scores a trained network on its benchmarks, at the images' original size.

    python -m ubernet_jax.evaluate --checkpoint runs/quickstart

Writes one JSON a benchmark and task, with its protocol, to WORKDIR/results/STEP and prints a table.
"""

import argparse
import collections
import concurrent.futures
import json
import multiprocessing
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np
import tqdm

from ubernet_jax import cli
from ubernet_jax.checkpoint import CHECKPOINT_HELP, FOLDER, open_checkpoint
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.metric import Metric, MetricError, Result
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.thinning import Nms
from ubernet_jax.predictor import Predictor, select_tasks
from ubernet_jax.state import make_network
from ubernet_jax.structs import Example
from ubernet_jax.tasks import LabelKind, LossKind, Task

# The scores that tables and learning curves show.
HEADLINES = (
    'miou', 'max_f', 'mae', 'mean', 'median', 'below_11_25', 'below_22_5', 'below_30', 'ods',
    'ois', 'ap',
)  # fmt: skip

REPORT_THRESHOLDS = 99  # of boundary maps, as published scores have them
QUICK_THRESHOLDS = 9  # while training
IN_FLIGHT = 8  # images that wait to be measured: bounds the memory


def make_metric(task: Task, thresholds: int) -> Metric | None:
    """The evaluator for a task's kind of label; None where there is none yet.

    Args:
      task: of the network.
      thresholds: at how many boundary maps are scored.
    """
    match task.label, task.loss:
        case LabelKind.CLASSES, LossKind.CROSS_ENTROPY:
            return SegmentationMetric(task.channels, task.classes)
        case LabelKind.SHARE, LossKind.CROSS_ENTROPY:
            return SaliencyMetric()
        case LabelKind.SHARE, LossKind.MULTIPLE_INSTANCE:
            return BoundaryMetric(thresholds=thresholds, nms=Nms.SMOOTHED)
        case LabelKind.DIRECTION, _:
            return NormalsMetric()
    return None


def ground_truth(task: Task, example: Example) -> np.ndarray:
    """What a metric compares with: the label, or every annotator's boundaries where they are."""
    if task.label is LabelKind.SHARE and task.thin:
        label = example.labels[task.name]
        return label > 127 if example.annotators is None else example.annotators
    return example.labels[task.name]


def evaluate_dataset(
    predictor: Predictor,
    dataset: Dataset,
    metrics: dict[str, Metric],
    pool: concurrent.futures.Executor,
    limit: int | None = None,
) -> dict[str, Result]:
    """Scores tasks on the images of a dataset that are labelled for them.

    Args:
      predictor: the trained network.
      dataset: the benchmark.
      metrics: task -> a fresh metric.
      pool: measures predictions while the network goes on.
      limit: use only this many images, spread evenly over the dataset.

    Raises:
      UserError: a label does not fit the metric; the image is named.
    """
    measuring = collections.deque()

    def add_oldest() -> None:
        task, image, measure = measuring.popleft()
        try:
            metrics[task].add(measure.result())
        except MetricError as error:
            raise UserError(f'{task} of {dataset.name}:{image}: {error}') from error

    stride = max(1, len(dataset) // limit) if limit else 1
    chosen = range(0, len(dataset), stride)[:limit]
    name = f'{dataset.name}:{dataset.split}'
    for index in tqdm.tqdm(chosen, desc=name, unit='image', leave=False, disable=None):
        example = dataset[index]
        labelled = [task for task in metrics if task in example.labels]
        predictions = predictor(example.image, labelled)
        for task in labelled:
            truth = ground_truth(predictor.network.tasks[task], example)
            future = pool.submit(metrics[task].measure, getattr(predictions, task), truth)
            measuring.append((task, example.id, future))
        while len(measuring) > IN_FLIGHT:
            add_oldest()
    while measuring:
        add_oldest()
    return {task: metric.compute() for task, metric in metrics.items() if metric.images}


def evaluate_benchmarks(
    predictor: Predictor,
    config: Config,
    wanted: Iterable[str],
    thresholds: int = REPORT_THRESHOLDS,
    limit: int | None = None,
) -> Iterator[tuple[DatasetConfig, str, Result]]:
    """Yields (benchmark, task, scores) for every benchmark of the configuration.

    Args:
      predictor: the trained network.
      config: of the run; says where the data is.
      wanted: tasks to score, as far as they have labels and a metric.
      thresholds: at how many boundary maps are scored.
      limit: at most this many images a benchmark.
    """
    directory = pathlib.Path(config.data.directory)
    spawn = multiprocessing.get_context('spawn')  # a fork of a process with JAX's threads may hang
    with concurrent.futures.ProcessPoolExecutor(mp_context=spawn) as pool:
        for benchmark in config.evaluation.benchmarks:
            dataset = open_dataset(benchmark.name, benchmark.split, directory)
            labelled = dataset.tasks & set(benchmark.tasks or dataset.tasks)
            rows = [predictor.network.tasks[name] for name in wanted if name in labelled]
            metrics = {row.name: make_metric(row, thresholds) for row in rows}
            metrics = {name: metric for name, metric in metrics.items() if metric}
            if metrics:
                results = evaluate_dataset(predictor, dataset, metrics, pool, limit)
                yield from ((benchmark, task, result) for task, result in results.items())


def headline(result: Result) -> dict[str, float]:
    """The few scores of a result that a table shows."""
    return {score: getattr(result, score) for score in HEADLINES if hasattr(result, score)}


def main() -> None:
    arguments = _parse_arguments()
    enable_compilation_cache()
    config, step, params, batch_stats = open_checkpoint(arguments.checkpoint)
    if arguments.data_directory:
        config.data.directory = str(arguments.data_directory)
    if not config.evaluation.benchmarks:
        raise UserError(f'{arguments.checkpoint}: its configuration names no evaluation.benchmarks')
    network = make_network(config)
    tasks = select_tasks(network, arguments.tasks)
    predictor = Predictor(network, config.input_size, params, batch_stats)
    out = arguments.out or _workdir(arguments.checkpoint) / 'results' / f'{step:08d}'
    out.mkdir(parents=True, exist_ok=True)
    for benchmark, task, result in evaluate_benchmarks(
        predictor, config, tasks, limit=arguments.limit
    ):
        name = f'{benchmark.name.replace("/", "_")}-{benchmark.split}-{task}'
        report = {
            'task': task,
            'dataset': benchmark.name,
            'split': benchmark.split,
            'experiment': config.name,
            'step': step,
            **result.to_json(),
        }
        (out / f'{name}.json').write_text(json.dumps(report, indent=1) + '\n')
        scores = '  '.join(f'{key} {value:.3f}' for key, value in headline(result).items())
        print(f'{task:<14}{benchmark.name}:{benchmark.split:<8} {result.images:5} images  {scores}')
    print(f'results: {out}')


def _workdir(checkpoint: pathlib.Path) -> pathlib.Path:
    """The run's folder; for an exported file, a folder of its name beside it."""
    if checkpoint.parent.name == FOLDER:
        return checkpoint.parent.parent
    return checkpoint.with_suffix('')


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m ubernet_jax.evaluate', description=__doc__)
    parser.add_argument('--checkpoint', '--workdir', type=pathlib.Path, required=True,
                        help=CHECKPOINT_HELP)  # fmt: skip
    parser.add_argument('--tasks', nargs='+', help='only these tasks')
    parser.add_argument('--limit', type=cli.positive_integer,
                        help='at most so many images a benchmark')  # fmt: skip
    parser.add_argument('--data-directory', type=pathlib.Path,
                        help='prepared datasets, if not where the training found them')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path, help='default: WORKDIR/results/STEP')
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)
