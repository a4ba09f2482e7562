"""Scores a network on benchmarks: predictions are measured by other processes meanwhile."""

import collections
import concurrent.futures
import multiprocessing
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import tqdm

from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.label_mapping import map_labels
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.metrics.metric import Metric, MetricError, MetricResult

QUICK_THRESHOLDS = 9  # of boundary maps, while training
IN_FLIGHT = 8  # images that wait to be measured: bounds the memory


class Scored(NamedTuple):
    """A result of a task on a benchmark.

    Attributes:
      benchmark: the dataset and its split.
      task: its name.
      name: of the result, which begins with the task's; a task may have several.
      result: the scores.
    """

    benchmark: DatasetConfig
    task: str
    name: str
    result: MetricResult


def evaluate_dataset(
    predictor: Predictor,
    dataset: Dataset,
    labels: Mapping[str, str],
    metrics: Mapping[str, Mapping[str, Metric]],
    pool: concurrent.futures.Executor,
    limit: int | None = None,
) -> Iterator[tuple[str, str, MetricResult]]:
    """Yields (task, name of the result, scores), on the images that are labelled for the task.

    Args:
      predictor: the trained network.
      dataset: the benchmark.
      labels: task -> the name of its label there, of the tasks to score.
      metrics: task -> name of a result -> a fresh metric.
      pool: measures predictions while the network goes on.
      limit: use only this many images, spread evenly over the dataset.

    Raises:
      UserError: a label does not fit the metric; the image is named.
    """
    tasks = predictor.network.tasks
    measuring = collections.deque()

    def add_oldest() -> None:
        result, metric, image, measure = measuring.popleft()
        try:
            metric.add(measure.result())
        except MetricError as error:
            raise UserError(f'{result} of {dataset.name}:{image}: {error}') from error

    stride = max(1, len(dataset) // limit) if limit else 1
    chosen = range(0, len(dataset), stride)[:limit]
    if not sys.stderr.isatty():  # where there is no progress bar
        shown = f'{len(chosen)} images of {dataset.source}'
        print(f'scoring {", ".join(metrics)} on {shown}', file=sys.stderr)
    progress = tqdm.tqdm(chosen, desc=dataset.source, unit='image', leave=False, disable=None)
    for index in progress:
        example = dataset[index]
        labelled = [task for task in metrics if labels[task] in example.labels]
        if not labelled:  # nor would its features be of use
            continue
        for task, measured in predictor.predict_for_metrics(example.image, labelled).items():
            truth = tasks[task].truth(example.labels[labels[task]], example)
            for result, metric in metrics[task].items():
                prediction = tasks[task].prediction(task, result, measured)
                future = pool.submit(metric.measure, prediction, truth)
                measuring.append((result, metric, example.id, future))
        while len(measuring) > IN_FLIGHT:
            add_oldest()
    while measuring:
        add_oldest()
    for task, own in metrics.items():
        yield from ((task, name, metric.compute()) for name, metric in own.items() if metric.images)


def evaluate_benchmarks(
    predictor: Predictor,
    config: Config,
    wanted: Iterable[str],
    thresholds: int,
    limit: int | None = None,
) -> Iterator[Scored]:
    """Yields every result on every benchmark of the configuration.

    Args:
      predictor: the trained network.
      config: of the run; says where the data is.
      wanted: tasks to score, as far as they have labels.
      thresholds: at how many maps of strengths are scored.
      limit: at most this many images a benchmark.

    Raises:
      UserError: a benchmark is not prepared, or its labels are of other kinds or classes than the
        tasks of the network; before anything is computed.
    """
    directory, tasks, wanted = pathlib.Path(config.data.directory), config.tasks, tuple(wanted)
    benchmarks = config.evaluation.benchmarks
    datasets = [open_dataset(one.name, one.split, directory) for one in benchmarks]
    labels = [map_labels(*pair, tasks) for pair in zip(datasets, benchmarks, strict=True)]
    spawn = multiprocessing.get_context('spawn')  # a fork of a process with JAX's threads may hang
    with concurrent.futures.ProcessPoolExecutor(mp_context=spawn) as pool:
        for benchmark, dataset, names in zip(benchmarks, datasets, labels, strict=True):
            present = {name: dataset.labels[name] for name in dataset.present_labels()}
            metrics = {
                task: tasks[task].metrics(task, thresholds, present)
                for task in wanted
                if task in names
            }
            if metrics:
                results = evaluate_dataset(predictor, dataset, names, metrics, pool, limit)
                yield from (Scored(benchmark, *result) for result in results)
