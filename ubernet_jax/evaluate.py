"""Scores a trained network on its benchmarks, at the images' original size.

    python -m ubernet_jax.evaluate --checkpoint runs/quickstart

Writes one JSON a benchmark and task, with its protocol, to WORKDIR/results/STEP and prints a table.
With --limit N the folder is STEP-limitN: the scores of a part never take the place of the whole's.
"""

import argparse
import collections
import concurrent.futures
import json
import multiprocessing
import pathlib
from collections.abc import Iterable, Iterator

import tqdm

from ubernet_jax import cli
from ubernet_jax.checkpoint import CHECKPOINT_HELP, open_checkpoint, results_folder
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.evaluators import ground_truth, headline, make_metrics, predicted
from ubernet_jax.metrics.metric import Metric, MetricError, Result
from ubernet_jax.predictor import Predictor, select_tasks
from ubernet_jax.state import make_network

QUICK_THRESHOLDS = 9  # of boundary maps, while training
IN_FLIGHT = 8  # images that wait to be measured: bounds the memory


def evaluate_dataset(
    predictor: Predictor,
    dataset: Dataset,
    metrics: dict[str, dict[str, Metric]],
    pool: concurrent.futures.Executor,
    limit: int | None = None,
) -> dict[str, Result]:
    """Scores tasks on the images of a dataset that are labelled for them.

    Args:
      predictor: the trained network.
      dataset: the benchmark.
      metrics: task -> name of a result -> a fresh metric.
      pool: measures predictions while the network goes on.
      limit: use only this many images, spread evenly over the dataset.

    Raises:
      UserError: a label does not fit the metric; the image is named.
    """
    measuring = collections.deque()

    def add_oldest() -> None:
        result, metric, image, measure = measuring.popleft()
        try:
            metric.add(measure.result())
        except MetricError as error:
            raise UserError(f'{result} of {dataset.name}:{image}: {error}') from error

    stride = max(1, len(dataset) // limit) if limit else 1
    chosen = range(0, len(dataset), stride)[:limit]
    name = f'{dataset.name}:{dataset.split}'
    for index in tqdm.tqdm(chosen, desc=name, unit='image', leave=False, disable=None):
        example = dataset[index]
        labelled = [task for task in metrics if task in example.labels]
        for task, prediction in predictor.measurable(example.image, labelled).items():
            truth = ground_truth(predictor.network.tasks[task], example)
            for result, metric in metrics[task].items():
                future = pool.submit(metric.measure, predicted(result, prediction), truth)
                measuring.append((result, metric, example.id, future))
        while len(measuring) > IN_FLIGHT:
            add_oldest()
    while measuring:
        add_oldest()
    results = {name: metric for own in metrics.values() for name, metric in own.items()}
    return {name: metric.compute() for name, metric in results.items() if metric.images}


def evaluate_benchmarks(
    predictor: Predictor,
    config: Config,
    wanted: Iterable[str],
    thresholds: int,
    limit: int | None = None,
) -> Iterator[tuple[DatasetConfig, str, Result]]:
    """Yields (benchmark, name, scores) of every result, for every benchmark of the configuration.

    Args:
      predictor: the trained network.
      config: of the run; says where the data is.
      wanted: tasks to score, as far as they have labels.
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
            regions = 'segmentation' in dataset.tasks
            metrics = {row.name: make_metrics(row, thresholds, regions) for row in rows}
            if metrics:
                results = evaluate_dataset(predictor, dataset, metrics, pool, limit)
                yield from ((benchmark, name, result) for name, result in results.items())


def main() -> None:
    arguments = _parse_arguments()
    enable_compilation_cache()
    config, step, params, batch_stats = open_checkpoint(arguments.checkpoint)
    if arguments.data_directory:
        config.data.directory = str(arguments.data_directory)
    if not config.evaluation.benchmarks:
        raise UserError(f'{arguments.checkpoint}: its configuration names no evaluation.benchmarks')
    network = make_network(config)
    tasks = select_tasks(network.tasks, arguments.tasks)
    predictor = Predictor(network, config.input_size, params, batch_stats)
    name = f'{step:08d}' + (f'-limit{arguments.limit}' if arguments.limit else '')
    out = arguments.out or results_folder(arguments.checkpoint, name)
    out.mkdir(parents=True, exist_ok=True)
    for benchmark, name, result in evaluate_benchmarks(
        predictor, config, tasks, config.evaluation.thresholds, arguments.limit
    ):
        report = {
            'task': name,
            'dataset': benchmark.name,
            'split': benchmark.split,
            'experiment': config.name,
            'step': step,
            **result.to_json(),
        }
        path = out / f'{benchmark.name.replace("/", "_")}-{benchmark.split}-{name}.json'
        path.write_text(json.dumps(report, indent=1) + '\n')
        scores = '  '.join(f'{key} {value:.3f}' for key, value in headline(result).items())
        print(f'{name:<20}{benchmark.name}:{benchmark.split:<8} {result.images:5} images  {scores}')
    print(f'results: {out}')


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
