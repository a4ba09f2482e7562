"""Adjustable settings for drawing results."""

import dataclasses

from ubernet_jax.errors import UserError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Settings for drawing labels and results.

    Attributes:
      opacity: opacity of class colours over the image, 0..1.
      score: the lowest score of a box that is drawn, 0..1; above 1 draws none.
      thickness: thickness in pixels of the lines drawn along the ridges of predicted boundaries; 0
        draws every pixel as it was predicted.
      safe_colours: draw the classes of PASCAL VOC, too, in colours that can be told apart without
        red or green cones, instead of VOC's colours; other classes always have such colours.

    Raises:
      UserError: a value is out of its range.
    """

    opacity: float = 0.65
    score: float = 0.3
    thickness: int = 0
    safe_colours: bool = False

    def __post_init__(self) -> None:
        for field, allowed, fits in (
            ('opacity', '0 to 1', 0 <= self.opacity <= 1),
            ('score', '0 or more', self.score >= 0),
            ('thickness', '0 or more', self.thickness >= 0),
        ):
            if not fits:
                raise UserError(f'{field} is {getattr(self, field)}, but must be {allowed}')


DEFAULT_STYLE = Style()
