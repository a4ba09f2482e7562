"""Finds the row of a protocol for the arguments of `ubernet score`."""

from typing import Any

from ubernet_jax.errors import UserError
from ubernet_jax.scoring.protocol import Row
from ubernet_jax.scoring.protocols import PROTOCOLS

OURS = 'ours'  # the protocol of this package, whose settings are options of the command
ALL = 'all'  # every protocol that scores the task
BENCHMARKS = tuple(
    dict.fromkeys(name for protocol in PROTOCOLS.values() for name in protocol.images)
)


def select_rows(
    protocol: str, task: str, benchmark: str | None, classes: int
) -> tuple[dict[str, Row | None], dict[str, str]]:
    """Finds how the chosen protocols score a task.

    Args:
      protocol: a name, or ALL.
      task: as in the command line.
      benchmark: name of the benchmark; None if it is not known.
      classes: number of classes.

    Returns:
      A tuple of protocol -> row, None for OURS, and protocol -> reason why ALL leaves it out.

    Raises:
      UserError: the only protocol does not fit.
    """
    if protocol == OURS:
        return {OURS: None}, {}
    if protocol != ALL:
        return {protocol: _find_row(protocol, task, benchmark, classes)}, {}
    rows: dict[str, Row | None] = {OURS: None}
    left_out = {}
    for name in PROTOCOLS:
        try:
            rows[name] = _find_row(name, task, benchmark, classes)
        except UserError as error:
            left_out[name] = str(error)
    return rows, left_out


def describe(protocol: str, row: Row | None, benchmark: str | None, images: int) -> dict[str, Any]:
    """Describes which protocol was used, for the protocol of a result.

    Args:
      protocol: its name.
      row: None for OURS.
      benchmark: name of the benchmark; None if it is not known.
      images: number of images that were scored.
    """
    if row is None:
        return {'preset': OURS, 'source': 'ubernet_jax'}
    whole = PROTOCOLS[protocol]
    described: dict[str, Any] = {
        'preset': protocol,
        'source': f'{whole.repository}: {row.source}',
        'size': whole.size,
        'note': row.note or None,
    }
    if benchmark and benchmark in whole.images:
        expected = whole.images[benchmark]
        counted = f'{images} of {expected}' if images != expected else f'all {expected}'
        described |= {'benchmark': benchmark, 'images_of_benchmark': counted}
    return described


def _find_row(protocol: str, task: str, benchmark: str | None, classes: int) -> Row:
    """Returns how a protocol other than ours scores a task; raises a UserError if it does not."""
    rows = PROTOCOLS[protocol].rows
    if task not in rows:
        having = [name for name, other in PROTOCOLS.items() if task in other.rows]
        raise UserError(
            f'--protocol {protocol} does not score {task}, but {", ".join(rows)}; for {task} use '
            f'{", ".join([OURS, *having])}'
        )
    row = rows[task]
    row.settings_for(benchmark)
    expected = row.classes.get(benchmark or '', classes)
    if classes != expected:
        raise UserError(
            f'--classes: {classes} classes, but --protocol {protocol} has {expected} on '
            f'{benchmark}; give a file with these names'
        )
    return row
