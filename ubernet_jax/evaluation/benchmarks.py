"""Scores a network on benchmarks. Worker processes measure predictions while the network runs."""

import collections
import concurrent.futures
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ubernet_jax.config import DatasetConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.plans import Plan
from ubernet_jax.example import Example
from ubernet_jax.inference.batches import (
    Request,
    default_batch,
    map_ahead,
    predict_in_batches,
)
from ubernet_jax.inference.predictor import Predictor, Purpose
from ubernet_jax.metrics.image_scores import ImageScores
from ubernet_jax.metrics.metric import Measure, Metric, MetricError, MetricResult
from ubernet_jax.progress import Progress
from ubernet_jax.worker_pool import worker_pool

QUICK_THRESHOLDS = 9  # number of thresholds for boundary maps during training
_MAX_PENDING = 8  # predictions that wait to be measured; limits the memory
_REMEDY = (
    'end other programs, and give the command again; a script of your own must start its work '
    "below `if __name__ == '__main__':`, because each process imports it"
)


class EvaluationResult(NamedTuple):
    """A result of a task on a benchmark.

    Attributes:
      benchmark: the dataset and its split.
      task: name of the task.
      name: name of the result, which begins with that of the task; a task may have several.
      result: the scores.
      image_scores: a score of each image; None if the metric has none, or all are undefined.
    """

    benchmark: DatasetConfig
    task: str
    name: str
    result: MetricResult
    image_scores: ImageScores | None

    def __str__(self) -> str:
        scores = '  '.join(
            f'{score.label} {score.format(value)}' for score, value in self.result.scores().items()
        )
        source = f'{self.benchmark.name}:{self.benchmark.split}'
        return f'{self.name:<20} {source:<24} {self.result.images:5} images  {scores}'


class _Pending(NamedTuple):
    """A prediction that is being measured.

    Attributes:
      name: name of the result.
      metric: the metric that measures it.
      image: id of the image.
      measure: the measure, when it is complete.
    """

    name: str
    metric: Metric
    image: str
    measure: concurrent.futures.Future[Measure]


def evaluate_dataset(
    predictor: Predictor,
    dataset: Dataset,
    labels: Mapping[str, str],
    metrics: Mapping[str, Mapping[str, Metric]],
    pool: concurrent.futures.Executor,
    limit: int | None = None,
    batch: int | None = None,
) -> Iterator[tuple[str, str, MetricResult, ImageScores | None]]:
    """Yields (task, name of the result, scores, scores of images) of the images with labels.

    Args:
      predictor: the trained network.
      dataset: the benchmark.
      labels: task -> name of its label in the dataset, for the tasks to score.
      metrics: task -> name of a result -> a new metric.
      pool: measures predictions while the network runs.
      limit: use only this many images, spread evenly over the dataset.
      batch: images that the device computes at once; by default 1 on a CPU, else 4.

    Raises:
      UserError: a label is invalid for the metric; the message names the image.
    """
    tasks = predictor.network.tasks
    # Stay empty: a metric is sent to another process together with all that it has added up.
    measuring = copy.deepcopy(metrics)
    pending: collections.deque[_Pending] = collections.deque()
    measured: dict[str, list[str]] = collections.defaultdict(list)  # result -> ids of its images

    def add_oldest() -> None:
        oldest = pending.popleft()
        try:
            oldest.metric.add(oldest.measure.result())
        except MetricError as error:
            raise UserError(f'{oldest.name} of {dataset.name}:{oldest.image}: {error}') from error
        measured[oldest.name].append(oldest.image)

    stride = max(1, len(dataset) // limit) if limit else 1
    indices = range(0, len(dataset), stride)[:limit]
    batch = batch or default_batch()

    def requests(progress: Progress) -> Iterator[Request[Example]]:
        for example in map_ahead(dataset.__getitem__, indices, ahead=2 * batch):
            labelled = tuple(task for task in metrics if labels[task] in example.labels)
            if labelled:  # otherwise the network need not run on this image
                yield Request(example, example.image, labelled)
            else:
                progress.advance()

    with Progress('image', len(indices), f'scoring {dataset.source}') as progress:
        predicted = predict_in_batches(predictor, requests(progress), batch, Purpose.METRICS)
        for (example, _, _), outputs in predicted:
            for task, output in outputs.items():
                truth = tasks[task].truth(example.labels[labels[task]], example)
                for name, metric in metrics[task].items():
                    prediction = tasks[task].prediction(task, name, output)
                    measure = pool.submit(measuring[task][name].measure, prediction, truth)
                    pending.append(_Pending(name, metric, example.id, measure))
            while len(pending) > _MAX_PENDING:
                add_oldest()
            progress.advance()
    while pending:
        add_oldest()
    for task, task_metrics in metrics.items():
        for name, metric in task_metrics.items():
            if metric.images:
                yield task, name, metric.compute(), _name_scores(metric, measured[name])


def _name_scores(metric: Metric, images: Sequence[str]) -> ImageScores | None:
    """Returns the scores of images that a metric has; None if it has none, or all are undefined."""
    scores = metric.image_scores()
    if scores is None:
        return None
    named = ImageScores.of(scores[0], images, scores[1])
    return named if named.values else None


def evaluate_benchmarks(
    predictor: Predictor,
    plans: Sequence[Plan],
    thresholds: int,
    limit: int | None = None,
    batch: int | None = None,
) -> Iterator[EvaluationResult]:
    """Yields every result on every benchmark.

    Args:
      predictor: the trained network.
      plans: what is scored on each benchmark.
      thresholds: number of thresholds for boundary maps by our protocol.
      limit: largest number of images per benchmark.
      batch: see `evaluate_dataset`.

    Raises:
      UserError: a label is invalid for a metric, or a process that measures predictions died.
    """
    tasks = predictor.network.tasks
    with worker_pool('scored predictions', _REMEDY) as pool:
        for plan in plans:
            if metrics := plan.make_metrics(tasks, thresholds):
                for task, name, result, image_scores in evaluate_dataset(
                    predictor, plan.dataset, plan.labels, metrics, pool, limit, batch
                ):
                    reported = plan.report(task, result)
                    yield EvaluationResult(plan.benchmark, task, name, reported, image_scores)
