"""What is scored on each benchmark: the tasks with their labels, and by which protocol."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.checks.leaks import open_datasets
from ubernet_jax.datasets.label_mapping import map_labels
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Metric, MetricResult
from ubernet_jax.scoring.presets import OURS, Preset, find_preset
from ubernet_jax.tasks import Task


class Plan(NamedTuple):
    """What is scored on a benchmark.

    Attributes:
      benchmark: the dataset and its split.
      dataset: the opened dataset.
      labels: task -> name of its label in the dataset, for the tasks that are scored.
      presets: task -> how the protocol scores it; empty if the protocol is ours.
      left_out: task -> why the protocol does not score it.
    """

    benchmark: DatasetConfig
    dataset: Dataset
    labels: Mapping[str, str]
    presets: Mapping[str, Preset]
    left_out: Mapping[str, str]

    def make_metrics(
        self, tasks: Mapping[str, Task], thresholds: int
    ) -> dict[str, dict[str, Metric]]:
        """Returns task -> name of a result -> a new metric, which starts with the task's name.

        Args:
          tasks: of the network.
          thresholds: number of thresholds for boundary maps by our protocol.
        """
        kinds = self.dataset.labels
        present = {name: kinds[name] for name in self.dataset.present_labels()}
        return {
            name: {name: self.presets[name].make_metric(tuple(tasks[name].classes))}
            if name in self.presets
            else tasks[name].metrics(name, thresholds, present | {name: kinds[label]})
            for name, label in self.labels.items()
        }

    def report(self, task: str, result: MetricResult) -> MetricResult:
        """Returns the scores of a result that the protocol has."""
        preset = self.presets.get(task)
        return preset.report(result, size='of the image') if preset else result


def plan_benchmarks(config: Config, task_names: Iterable[str], protocol: str = OURS) -> list[Plan]:
    """Plans the scoring of tasks on every benchmark of the configuration.

    Args:
      config: the configuration of the run, with the location of the data.
      task_names: the tasks to score; those without labels in a benchmark are left out there.
      protocol: one of `presets.PROTOCOL_NAMES`.

    Raises:
      UserError: a benchmark is not prepared, or its labels have other kinds or classes than the
        tasks of the network.
    """
    tasks, task_names, benchmarks = config.tasks, [*task_names], config.evaluation.benchmarks
    datasets = open_datasets('evaluation.benchmarks', benchmarks, config.data.directory)
    mappings = [map_labels(*pair, tasks) for pair in zip(datasets, benchmarks, strict=True)]
    _refuse_repetitions(benchmarks, mappings)
    plans = []
    for benchmark, dataset, mapping in zip(benchmarks, datasets, mappings, strict=True):
        labels = {name: mapping[name] for name in task_names if name in mapping}
        presets, left_out = _find_presets(protocol, tasks, labels, benchmark.name)
        scored = {name: label for name, label in labels.items() if name not in left_out}
        plans.append(Plan(benchmark, dataset, scored, presets, left_out))
    return plans


def _find_presets(
    protocol: str, tasks: Mapping[str, Task], labels: Mapping[str, str], benchmark: str
) -> tuple[dict[str, Preset], dict[str, str]]:
    """Returns the fields `presets` and `left_out` of a plan."""
    presets: dict[str, Preset] = {}
    left_out: dict[str, str] = {}
    if protocol == OURS:
        return presets, left_out
    for name, label in labels.items():
        task = tasks[name]
        scored_as = label if label in task.scored_as else (*task.scored_as, task.kind)[0]
        try:
            presets[name] = find_preset(protocol, scored_as, benchmark, len(task.classes))
        except UserError as error:
            left_out[name] = str(error)
    return presets, left_out


def _refuse_repetitions(
    benchmarks: Sequence[DatasetConfig], mappings: Sequence[Mapping[str, str]]
) -> None:
    """Raises a UserError if two results would have one name: dataset, split and task."""
    numbers: dict[tuple[str, str, str], int] = {}
    for number, (benchmark, labels) in enumerate(zip(benchmarks, mappings, strict=True)):
        for task in labels:
            first = numbers.setdefault((benchmark.name, benchmark.split, task), number)
            if first != number:
                raise UserError(
                    f'evaluation.benchmarks[{first}] and [{number}] both score the task {task} on '
                    f'{benchmark.name}:{benchmark.split}; name the tasks of each with '
                    'DatasetConfig(tasks=(...)), so that every task is scored once'
                )
