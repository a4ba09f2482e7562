"""A vision transformer as a trunk (arXiv 2010.11929, 2304.07193, 2508.10104).

Every tap is a block: its tokens of patches, after the last layer normalisation (as DINOv2's
`get_intermediate_layers`), form a map at the stride of the patches. The residual stream is float32
in every precision; `dtype` is that of the products.

Shape letters: N images, T tokens, C channels, h x w patches.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.models.normalization import Normalization, SkipNormalization
from ubernet_jax.models.stem import STEM, STRIDES, Stem
from ubernet_jax.models.vit_specs import HEAD_WIDTH, ViTSpec
from ubernet_jax.ops.interpolate import subsample
from ubernet_jax.ops.position_table import resize_table, rotate, rotations
from ubernet_jax.ops.product import dense_product

EMBEDDING, LAST_NORM = 'embedding', 'norm'  # names of modules
TOKENS = 'tokens'  # the residual stream after the frozen blocks, where others follow
MLP_RATIO = 4  # hidden channels of a block's MLP per channel of a token


class Embedding(nn.Module):
    """Class token, register tokens and embedded patches with their learned positions."""

    spec: ViTSpec
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Maps an image (N, h * patch, w * patch, 3) to tokens float32 (N, T, C)."""
        spec, initial = self.spec, nn.initializers.normal(0.02)
        images, height, width, _ = image.shape
        size = height // spec.patch, width // spec.patch
        patches = image.reshape(images, size[0], spec.patch, size[1], spec.patch, 3)
        patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(images, size[0] * size[1], -1)
        dense = functools.partial(nn.Dense, dtype=self.dtype, dot_general=dense_product)
        patches = dense(spec.width, name='patch')(patches)
        first = self.param('class_token', initial, (1, spec.width))
        if spec.table:
            table = self.param('positions', initial, (1 + spec.table**2, spec.width))
            grid = table[1:].reshape(spec.table, spec.table, -1)
            grid = resize_table(grid, size, spec.offset, spec.antialias)
            first, patches = first + table[:1], patches + grid.reshape(1, -1, spec.width)
        if spec.registers:
            registers = self.param('registers', initial, (spec.registers, spec.width))
            first = jnp.concatenate([first, registers])
        first = jnp.broadcast_to(first, (images, *first.shape))
        return jnp.concatenate([first, patches.astype(jnp.float32)], 1)


class Block(nn.Module):
    """Self-attention, then an MLP; each normalises its input and adds its result to it."""

    spec: ViTSpec
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, present: jax.Array, angles: jax.Array | None) -> jax.Array:
        """Maps tokens float32 (N, T, C) to tokens.

        Args:
          x: the tokens.
          present: bool (N, 1, 1, T), False for patches of padding, which no token attends to.
          angles: of the rotary positions, see `rotations`; None without.
        """
        dense = functools.partial(nn.Dense, dtype=self.dtype, dot_general=dense_product)
        y = layer_norm(self.spec, 'norm1')(x).astype(self.dtype)
        qkv = dense(3 * self.spec.width, name='qkv')(y)
        query, key, value = jnp.moveaxis(qkv.reshape(*y.shape[:2], 3, -1, HEAD_WIDTH), 2, 0)
        if angles is not None:
            query, key = rotate(query, angles), rotate(key, angles)
        y = jax.nn.dot_product_attention(query, key, value, mask=present)
        y = dense(self.spec.width, name='projection')(y.reshape(x.shape))
        x = x + self._scaled('attention_scale', y)
        y = layer_norm(self.spec, 'norm2')(x).astype(self.dtype)
        y = jax.nn.gelu(dense(MLP_RATIO * self.spec.width, name='fc1')(y), approximate=False)
        return x + self._scaled('mlp_scale', dense(self.spec.width, name='fc2')(y))

    def _scaled(self, name: str, y: jax.Array) -> jax.Array:
        if not self.spec.layer_scale:
            return y
        return y * self.param(name, nn.initializers.ones, (self.spec.width,)).reshape(1, 1, -1)


class ViT(nn.Module):
    """The trunk: maps an image to a skip connection per tap and the detector's features.

    Attributes:
      spec: the architecture.
      frozen_blocks: number of leading blocks that get no gradient; with the first of them, the
        embedding gets none either, and the last normalisation, which every tap passes, is not
        updated.
      remat: keep only the tokens between blocks for the backward pass.
      normalization: how the skips are normalised.
      stem: channels of the first stage of the stem; 0 for no stem.
      dtype: dtype of the products and of the skips.
    """

    spec: ViTSpec
    frozen_blocks: int
    remat: bool
    normalization: Normalization
    stem: int = 0
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        block_class = nn.remat(Block) if self.remat else Block
        self.embedding = Embedding(self.spec, self.dtype, name=EMBEDDING)
        self.blocks = [
            block_class(self.spec, self.dtype, name=f'block_{number}')
            for number in range(self.spec.depth)
        ]
        self.last_norm = layer_norm(self.spec, LAST_NORM)
        self.skip_norms = {
            tap: SkipNormalization(self.normalization, name=f'{tap}_norm')
            for tap in (*self.spec.tap_names, *(STRIDES if self.stem else ()))
        }
        if self.stem:
            self.detail = Stem(self.stem, self.dtype, name=STEM)

    def __call__(
        self, image: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Returns tap -> skip (N, h, w, C), and the last tap before its normalisation.

        Args:
          image: (N, H, W, 3), normalised; sides are multiples of the patch.
          valid: (N, H, W).
          level: 0, since there is no image pyramid.
          train: update the running statistics.
        """
        return self.resume(self.frozen(image, valid), image, valid, train)

    def frozen(self, image: jax.Array, valid: jax.Array) -> dict[str, jax.Array]:
        """Applies the embedding and the frozen blocks; their activations can be kept.

        Returns:
          tap -> tokens of the patches float32 (N, h, w, C), before the normalisation of the skip,
          and unless all blocks are frozen `tokens`: all tokens float32 (N, T, C).
        """
        tokens = _stop_gradient_if(self.frozen_blocks > 0, self.embedding(image))
        taps, tokens = self._apply(0, self.frozen_blocks, tokens, valid)
        return taps if self.frozen_blocks >= self.spec.depth else taps | {TOKENS: tokens}

    def resume(
        self, kept: dict[str, jax.Array], image: jax.Array, valid: jax.Array, train: bool
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Returns what `__call__` does, given what `frozen` returns."""
        taps = {tap: tokens.astype(self.dtype) for tap, tokens in kept.items() if tap != TOKENS}
        if TOKENS in kept:
            tokens = kept[TOKENS].astype(jnp.float32)
            trained, _ = self._apply(self.frozen_blocks, self.spec.depth, tokens, valid)
            taps |= {tap: tokens.astype(self.dtype) for tap, tokens in trained.items()}
        strides = dict.fromkeys(taps, self.spec.patch)
        if self.stem:
            taps, strides = taps | self.detail(image), strides | STRIDES
        skips = {
            tap: norm(taps[tap], subsample(valid, strides[tap]), train)
            for tap, norm in self.skip_norms.items()
        }
        return skips, taps[self.spec.tap_names[-1]]

    def _apply(
        self, first: int, end: int, tokens: jax.Array, valid: jax.Array
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Applies blocks `first` to `end` - 1; returns their taps (N, h, w, C), and the tokens."""
        spec = self.spec
        patches = subsample(valid, spec.patch)  # a patch counts if any of its pixels does
        others = 1 + spec.registers
        present = jnp.pad(patches.reshape(len(valid), -1), ((0, 0), (others, 0)), constant_values=1)
        angles = None
        if not spec.table:
            # The class token and the registers are not rotated.
            _, height, width = patches.shape
            angles = rotations((height, width), HEAD_WIDTH)
            angles = jnp.asarray(np.pad(angles, ((others, 0), (0, 0))))
        taps = {}
        for number in range(first, end):
            frozen = number < self.frozen_blocks
            tokens = self.blocks[number](tokens, present[:, None, None], angles)
            tokens = _stop_gradient_if(frozen, tokens)
            if number in spec.taps:
                tap = _stop_gradient_if(frozen, self.last_norm(tokens)[:, others:])
                taps[f'block_{number}'] = tap.reshape(*patches.shape, -1)
        return taps, tokens


def layer_norm(spec: ViTSpec, name: str) -> nn.LayerNorm:
    """A layer normalisation in float32; tokens of DINOv2 have channels of very large values."""
    return nn.LayerNorm(spec.epsilon, dtype=jnp.float32, use_fast_variance=False, name=name)


def _stop_gradient_if(condition: bool, x: jax.Array) -> jax.Array:
    return jax.lax.stop_gradient(x) if condition else x
