"""Region proposals: boxes that may contain an object (paper, section 2; arXiv 1506.01497).

Shape letters: N images, A anchors of an image, P proposals of an image, c channels.
"""

from typing import Generic, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.batch import ArrayT
from ubernet_jax.models.scores import linear_scores
from ubernet_jax.ops.anchors import make_anchors
from ubernet_jax.ops.boxes import clip, decode
from ubernet_jax.ops.conv_as_matmuls import conv_as_matmuls
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.suppression import suppress

STRIDE = 16  # image pixels per cell of the grid of anchors, with a trunk of stride 8
RATIOS = (0.5, 1, 2)  # height / width of the anchors
DELTA_STD = (1.0, 1.0, 1.0, 1.0)  # deltas of proposals are not normalised
MAX_OVERLAP = 0.7  # largest IoU of two proposals


class ProposalNetwork(nn.Module):
    """Predicts for every anchor scores of background and object, and box deltas.

    Attributes:
      anchors: number of anchors per cell of the grid.
      step: positions of the features per cell of the grid along a side.
      dtype: dtype of the computation; scores and deltas are float32.
    """

    anchors: int
    step: int = 2
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, conv5: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Maps conv5_3 (N, h, w, c) to scores (N, A, 2) and deltas (N, A, 4).

        With step 2, the 3x3 convolution has stride 2 and dilation 2. On a trunk that dilates
        instead of striding from 8 to 16, it therefore equals a plain convolution at stride 16.
        """
        channels = conv5.shape[-1]
        normal = nn.initializers.normal(0.01)
        kernel = self.param('kernel', normal, (3, 3, channels, channels))
        bias = self.param('bias', nn.initializers.zeros, (channels,))
        conv5, kernel, bias = (x.astype(self.dtype) for x in (conv5, kernel, bias))
        hidden = conv_as_matmuls(conv5, kernel, stride=self.step, dilation=self.step)
        hidden = relu(hidden + bias.reshape(1, 1, 1, -1))
        scores = linear_scores(2 * self.anchors, 0.01, self.dtype, 'scores')(hidden)
        deltas = linear_scores(4 * self.anchors, 0.01, self.dtype, 'deltas')(hidden)
        images = len(conv5)
        return scores.reshape(images, -1, 2), deltas.reshape(images, -1, 4)


class Proposals(NamedTuple, Generic[ArrayT]):
    """The proposals of one image, by descending score.

    Attributes:
      boxes: float32 (P, 4), x1, y1, x2, y2 in pixels.
      scores: float32 (P,), log-odds of being an object.
      valid: bool (P,); False is padding.
    """

    boxes: ArrayT
    scores: ArrayT
    valid: ArrayT


def image_anchors(conv5: jax.Array, anchor_scales: tuple[float, ...], patch: int = 0) -> jax.Array:
    """Returns the anchors float32 (A, 4) for images whose conv5_3 is (N, h, w, c).

    Its stride is 8, of which every second position has anchors; or with `patch` above 0 it is at
    the centres of patches of this side, which all have anchors.
    """
    height, width = (side if patch else (side - 1) // 2 + 1 for side in conv5.shape[1:3])
    grid = {'stride': patch or STRIDE, 'ratios': RATIOS, 'anchor_scales': anchor_scales}
    anchors = jnp.asarray(make_anchors(height, width, **grid))
    return anchors + (patch - STRIDE) / 2 if patch else anchors


def propose(
    scores: jax.Array,
    deltas: jax.Array,
    anchors: jax.Array,
    image_size: jax.Array,
    min_sides: jax.Array,
    limits: tuple[int, int],
) -> Proposals:
    """Converts one image's scored anchors to proposals.

    Args:
      scores: (A, 2), scores of background and object.
      deltas: (A, 4).
      anchors: (A, 4).
      image_size: (2,), height and width of the image in pixels, without padding.
      min_sides: (2,), the smallest height and width in pixels; smaller proposals are dropped.
      limits: the largest numbers of proposals before and after non-maximum suppression.
    """
    before, after = limits
    log_odds = scores[:, 1] - scores[:, 0]
    boxes = clip(decode(deltas, anchors, DELTA_STD), image_size[0], image_size[1])
    large = (boxes[:, 2:] - boxes[:, :2] >= min_sides[None, ::-1]).all(-1)
    best, order = jax.lax.top_k(jnp.where(large, log_odds, -jnp.inf), min(before, len(anchors)))
    boxes = boxes[order]
    indices, kept = suppress(boxes, best, best > -jnp.inf, MAX_OVERLAP, min(after, len(order)))
    return Proposals(boxes[indices], best[indices], kept)
