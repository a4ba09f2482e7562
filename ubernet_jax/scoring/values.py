"""Checks that the values of all files are plausible, as `prepare` checks the labels it reads."""

from collections.abc import Iterable, Mapping

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.review import Survey, add_surveys
from ubernet_jax.metrics.metric import Measure


def count_values(what: str, survey: Survey) -> Measure:
    """Converts the survey of an image's files to arrays that are stored with its measure.

    Args:
      what: what the files are, such as the predictions; a prefix of the names.
      survey: the counts of the values.
    """
    return {f'{what}: {name}': np.array(counts) for name, counts in survey.items()}


def require_plausible(kinds: Mapping[str, LabelKind], measures: Iterable[Measure]) -> None:
    """Raises a UserError if the values in the files of all images must be wrong.

    Args:
      kinds: what the files are -> the kind of label that describes their values.
      measures: the measure of each image, with the result of `count_values` if there is any.
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
