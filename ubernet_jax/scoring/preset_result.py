"""The part of a result that the code base of a preset reports too."""

import dataclasses
from typing import Any

from ubernet_jax.metrics.descriptions import find_main
from ubernet_jax.metrics.metric import MetricResult, Score

_KEPT = ('images', 'pixels', 'thresholds')  # fields that are kept besides the scores


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PresetResult(MetricResult):
    """Scores by the protocol of another code base.

    Attributes:
      whole: the result of our evaluator, with further scores.
      reported: names of the scores that the code base reports; if our main score is not among them,
        the first enters delta_m.
    """

    whole: MetricResult
    reported: tuple[str, ...]

    def scores(self) -> dict[Score, float]:
        """Returns the reported scores, in the order of the code base."""
        described = {score.name: score for score in (*self.whole.SCORES, *self.whole.FURTHER)}
        chosen = [described[name] for name in self.reported]
        main = find_main(chosen) or chosen[0]
        return {
            dataclasses.replace(score, main=score is main): getattr(self.whole, score.name)
            for score in chosen
        }

    def to_json(self) -> dict[str, Any]:
        """Converts the reported scores to plain types, as `MetricResult.to_json` does."""
        whole = self.whole.to_json()
        kept = {name: whole[name] for name in whole if name in (*_KEPT, *self.reported)}
        return {'protocol': dict(self.protocol), **kept, 'scores': self.describe_scores()}
