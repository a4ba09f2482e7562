"""How a trunk samples an image: the sides that images may have, and where its features lie."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Grid:
    """The samples of a trunk along a side of an image.

    A convolutional trunk samples nodes, the pixels 0, stride, 2 * stride, ... of a tap's stride;
    sides `step * k + 1` begin and end with a node. A vision transformer samples patches of `step`
    pixels: its features lie at the centres of the patches, and sides are `step * k`.

    Attributes:
      step: distance in pixels of two allowed sides.
      patches: whether features lie at the centres of patches.
    """

    step: int
    patches: bool = False

    @property
    def patch(self) -> int:
        """Side of a patch in pixels; 0 if features lie on nodes."""
        return self.step if self.patches else 0

    def side(self, k: int) -> int:
        """The k-th allowed side, from k = 1."""
        return self.step * k + (not self.patches)

    def fits(self, side: int) -> bool:
        """Whether a side is allowed."""
        return side >= self.side(1) and (side - self.side(0)) % self.step == 0

    def round_up(self, side: float) -> int:
        """The smallest allowed side that is not below `side`."""
        return self.side(max(1, math.ceil(self._steps(side))))

    def round_down(self, side: float) -> int:
        """The largest allowed side that is not above `side`; the smallest if there is none."""
        return self.side(max(1, math.floor(self._steps(side))))

    def round(self, side: float) -> int:
        """The nearest allowed side."""
        return self.side(max(1, round(self._steps(side))))

    def describe(self) -> str:
        """The allowed sides in words, for messages."""
        rule = f'{self.step}k' + ('' if self.patches else '+1')
        return f'{rule}: {self.side(1)}, {self.side(2)}, ... {self.side(10)}'

    def _steps(self, side: float) -> float:
        return (side - self.side(0)) / self.step
