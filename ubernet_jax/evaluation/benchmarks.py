"""Scores a network on benchmarks: predictions are measured by other processes meanwhile."""

import collections
import concurrent.futures
import multiprocessing
import pathlib
import sys
from collections.abc import Iterable, Iterator

import tqdm

from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.evaluators import ground_truth, make_metrics, predicted
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.metrics.metric import Metric, MetricError, Result

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
    if not sys.stderr.isatty():  # where there is no progress bar
        print(f'scoring {", ".join(metrics)} on {len(chosen)} images of {name}', file=sys.stderr)
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
