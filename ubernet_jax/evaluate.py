"""Scores a trained network on its benchmarks, at the images' original size.

    python -m ubernet_jax.evaluate --checkpoint runs/quickstart

Writes one JSON a benchmark and task, with its protocol, to WORKDIR/results/STEP and prints a table.
"""

import argparse
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import tqdm

from ubernet_jax import cli
from ubernet_jax.checkpoint import CHECKPOINT_HELP, open_checkpoint
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Metric, Result
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.predictor import Predictor, select_tasks
from ubernet_jax.state import make_network
from ubernet_jax.tasks import LabelKind, LossKind, Task

# The scores that tables and learning curves show.
HEADLINES = (
    'miou', 'max_f', 'mae', 'mean', 'median', 'below_11_25', 'below_22_5', 'below_30',
)  # fmt: skip


def make_metric(task: Task) -> Metric | None:
    """The evaluator for a task's kind of label; None where there is none yet."""
    match task.label, task.loss:
        case LabelKind.CLASSES, LossKind.CROSS_ENTROPY:
            return SegmentationMetric(task.channels, task.classes)
        case LabelKind.SHARE, LossKind.CROSS_ENTROPY:
            return SaliencyMetric()
        case LabelKind.DIRECTION, _:
            return NormalsMetric()
    return None


def evaluate_dataset(
    predictor: Predictor, dataset: Dataset, tasks: Sequence[str], limit: int | None = None
) -> dict[str, Result]:
    """Scores each of `tasks` on the images of `dataset` that are labelled for it.

    Args:
      predictor: the trained network.
      dataset: the benchmark.
      tasks: names of tasks that have a metric.
      limit: use only this many images, spread evenly over the dataset.
    """
    metrics = {name: make_metric(predictor.network.tasks[name]) for name in tasks}
    stride = max(1, len(dataset) // limit) if limit else 1
    chosen = range(0, len(dataset), stride)[:limit]
    name = f'{dataset.name}:{dataset.split}'
    for index in tqdm.tqdm(chosen, desc=name, unit='image', leave=False, disable=None):
        example = dataset[index]
        labelled = [task for task in tasks if task in example.labels]
        predictions = predictor(example.image, labelled)
        for task in labelled:
            metrics[task].update(getattr(predictions, task), example.labels[task])
    return {task: metric.compute() for task, metric in metrics.items() if metric.images}


def evaluate_benchmarks(
    predictor: Predictor,
    config: Config,
    wanted: Iterable[str],
    limit: int | None = None,
) -> Iterator[tuple[DatasetConfig, str, Result]]:
    """Yields (benchmark, task, scores) for every benchmark of the configuration.

    Args:
      predictor: the trained network.
      config: of the run; says where the data is.
      wanted: tasks to score, as far as they have labels and a metric.
      limit: at most this many images a benchmark.
    """
    rows = predictor.network.tasks
    directory = pathlib.Path(config.data.directory)
    for benchmark in config.evaluation.benchmarks:
        dataset = open_dataset(benchmark.name, benchmark.split, directory)
        labelled = dataset.tasks & set(benchmark.tasks or dataset.tasks)
        tasks = [name for name in wanted if name in labelled and make_metric(rows[name])]
        if tasks:
            results = evaluate_dataset(predictor, dataset, tasks, limit)
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
    for benchmark, task, result in evaluate_benchmarks(predictor, config, tasks, arguments.limit):
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
    return checkpoint.parent.parent if checkpoint.parent.name == 'checkpoints' else checkpoint


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m ubernet_jax.evaluate', description=__doc__)
    parser.add_argument('--checkpoint', '--workdir', type=pathlib.Path, required=True,
                        help=CHECKPOINT_HELP)  # fmt: skip
    parser.add_argument('--tasks', nargs='+', help='only these tasks')
    parser.add_argument('--limit', type=int, help='at most so many images a benchmark')
    parser.add_argument('--data-directory', type=pathlib.Path,
                        help='prepared datasets, if not where the training found them')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path, help='default: WORKDIR/results/STEP')
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)
