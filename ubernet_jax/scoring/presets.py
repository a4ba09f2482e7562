"""Presets: how the protocol of another code base scores a task on a benchmark."""

import dataclasses
from typing import Any

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.metric import Metric, MetricResult
from ubernet_jax.scoring.evaluators import make_metric
from ubernet_jax.scoring.preset_result import PresetResult
from ubernet_jax.scoring.protocol import Row
from ubernet_jax.scoring.protocols import PROTOCOLS

OURS = 'ours'  # the protocol of this package, whose settings are options of the command
ALL = 'all'  # every protocol that scores the task
PROTOCOL_NAMES = (OURS, *PROTOCOLS)
BENCHMARKS = tuple(
    dict.fromkeys(name for protocol in PROTOCOLS.values() for name in protocol.images)
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How a protocol other than ours scores a task.

    Attributes:
      protocol: its name.
      task: as in the command line of `ubernet score`.
      benchmark: name of the benchmark; None if it is not known.
    """

    protocol: str
    task: str
    benchmark: str | None

    @property
    def row(self) -> Row:
        """The row of the protocol for the task."""
        return PROTOCOLS[self.protocol].rows[self.task]

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of our evaluator."""
        return {**self.row.settings, **self.row.by_benchmark.get(self.benchmark or '', {})}

    def make_metric(self, classes: tuple[str, ...]) -> Metric:
        """Returns a new evaluator; its result is for `report`."""
        return make_metric(self.task, classes, self.settings)

    def report(self, result: MetricResult, size: str = '') -> PresetResult:
        """Returns the scores that the source reports too, with the name and the source.

        Args:
          result: of the evaluator.
          size: the size at which predictions were compared, if it is not that of the protocol.
        """
        whole, row, images = PROTOCOLS[self.protocol], self.row, result.images
        described: dict[str, Any] = {
            'preset': self.protocol,
            'source': f'{whole.repository}: {row.source}',
            'size': size or whole.size,
            'note': row.note or None,
        }
        if size:
            described['size_of_source'] = whole.size
        if expected := whole.images.get(self.benchmark or ''):
            counted = f'{images} of {expected}' if images != expected else f'all {expected}'
            described |= {'benchmark': self.benchmark, 'images_of_benchmark': counted}
        return PresetResult(
            whole=result,
            reported=row.scores,
            protocol={**result.protocol, **described},
            images=images,
        )


def find_preset(protocol: str, task: str, benchmark: str | None, classes: int) -> Preset:
    """Returns how a protocol other than ours scores a task.

    Args:
      protocol: its name.
      task: as in the command line of `ubernet score`.
      benchmark: name of the benchmark; None if it is not known.
      classes: number of classes; 0 for tasks without.

    Raises:
      UserError: the protocol does not score the task, the benchmark, or so many classes.
    """
    rows = PROTOCOLS[protocol].rows
    if task not in rows:
        having = [name for name, other in PROTOCOLS.items() if task in other.rows]
        raise UserError(
            f'--protocol {protocol} does not score {task}, but {", ".join(rows)}; for {task} use '
            f'{", ".join([OURS, *having])}'
        )
    row, named = rows[task], benchmark or 'not named with --benchmark'
    if row.by_benchmark and benchmark not in row.by_benchmark:
        raise UserError(
            f'--protocol {protocol} scores {task} on {", ".join(row.by_benchmark)} only, but the '
            f'benchmark is {named}'
        )
    expected = row.classes.get(benchmark or '', classes)
    if classes != expected:
        raise UserError(
            f'{task} has {classes} classes, but --protocol {protocol} has {expected} on {benchmark}'
        )
    return Preset(protocol=protocol, task=task, benchmark=benchmark)


def select_presets(
    protocol: str, task: str, benchmark: str | None, classes: int
) -> tuple[dict[str, Preset | None], dict[str, str]]:
    """Finds how the chosen protocols score a task.

    Args:
      protocol: a name, or ALL.
      task: as for `find_preset`, and so are the other arguments.

    Returns:
      A tuple of protocol -> preset, None for OURS, and protocol -> reason why ALL leaves it out.

    Raises:
      UserError: the only protocol does not fit.
    """
    if protocol == OURS:
        return {OURS: None}, {}
    if protocol != ALL:
        return {protocol: find_preset(protocol, task, benchmark, classes)}, {}
    presets: dict[str, Preset | None] = {OURS: None}
    left_out = {}
    for name in PROTOCOLS:
        try:
            presets[name] = find_preset(name, task, benchmark, classes)
        except UserError as error:
            left_out[name] = str(error)
    return presets, left_out
