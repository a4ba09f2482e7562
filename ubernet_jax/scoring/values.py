"""Whether the values of all files make sense: asked as `prepare` asks it of a set of labels."""

from collections.abc import Iterable, Mapping

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.kind import Survey, add_surveys
from ubernet_jax.metrics.metric import Measure


def count_values(what: str, survey: Survey) -> Measure:
    """The counts of an image's values, which are kept with its measure, by what they are of."""
    return {f'{what}: {name}': np.array(counts) for name, counts in survey.items()}


def require_plausible(kinds: Mapping[str, LabelKind], measures: Iterable[Measure]) -> None:
    """Raises a UserError if the values in the files of all images can only be wrong.

    Args:
      kinds: what -> the kind of label that its values are those of.
      measures: one an image, in which there may be what `count_values` gave.
    """
    totals: dict[str, Survey] = {}
    for measure in measures:
        for what in kinds:
            survey = {
                name.removeprefix(f'{what}: '): counts.tolist()
                for name, counts in measure.items()
                if name.startswith(f'{what}: ')
            }
            if survey:
                totals[what] = add_surveys(totals[what], survey) if what in totals else survey
    for what, total in totals.items():
        if errors := kinds[what].review(total).errors:
            raise UserError(f'{what}: {errors[0]}')
