"""How results are drawn where tastes differ."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a reader may want to see otherwise; the defaults are those of all pictures.

    Attributes:
      opacity: of a class colour over the photograph, 0..1.
      score: the least score of a box that is drawn, 0..1.
      thickness: pixels; predicted boundaries are drawn as lines so thick along their crests. 0
        draws every pixel as it was predicted.
    """

    opacity: float = 0.65
    score: float = 0.3
    thickness: int = 0


DEFAULT_STYLE = Style()
