"""Object detection: region proposals and a box head on the trunk's conv5_3 (paper, section 2).

Shape letters: N images; P proposals, S sampled boxes and D detections per image; C classes with the
background; c channels.
"""

import functools
import typing
from typing import Generic

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import struct

from ubernet_jax.batch import ArrayT
from ubernet_jax.models import proposals
from ubernet_jax.models.box_sampling import sample_anchors, sample_regions
from ubernet_jax.models.box_targets import BoxTargets, SampledOutputs
from ubernet_jax.models.proposals import ProposalNetwork, Proposals, image_anchors, propose
from ubernet_jax.models.scores import linear_scores
from ubernet_jax.models.settings import DetectionConfig, Pooling
from ubernet_jax.ops.boxes import clip, decode, has_area
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.product import dense_product
from ubernet_jax.ops.roi import roi_align, roi_max_pool
from ubernet_jax.ops.suppression import suppress

DELTA_STD = (0.1, 0.1, 0.2, 0.2)  # divisors of the box head's deltas
MAX_OVERLAP = 0.3  # largest IoU of two detections of the same class


class BoxHead(nn.Module):
    """Two wide layers on each region's pooled features, then scores of classes and box deltas.

    The initial weights of the scores have deviation .01, those of the deltas .001, as in
    models/pascal_voc/VGG16/faster_rcnn_end2end/train.prototxt of py-faster-rcnn (github.com/
    rbgirshick/py-faster-rcnn) and model/test.prototxt of UberNet (github.com/jkokkin/UberNet).

    Attributes:
      classes: C.
      width: width of the two layers.
      dropout: dropout rate after each of the two layers.
      dtype: dtype of the computation; scores and deltas are float32.
    """

    classes: int
    width: int
    dropout: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, regions: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Maps regions (N, S, 7, 7, c) to scores (N, S, C) and deltas (N, S, C, 4)."""
        x = regions.reshape(*regions.shape[:2], -1)
        for name in ('fc6', 'fc7'):
            layer = nn.Dense(
                self.width,
                kernel_init=nn.initializers.he_normal(),
                dtype=self.dtype,
                dot_general=dense_product,
                name=name,
            )
            x = relu(layer(x))
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        scores = linear_scores(self.classes, 0.01, self.dtype, 'scores')(x)
        deltas = linear_scores(4 * self.classes, 0.001, self.dtype, 'deltas')(x)
        return scores, deltas.reshape(*deltas.shape[:-1], self.classes, 4)


class DetectionOutputs(struct.PyTreeNode, Generic[ArrayT]):
    """Detections of N images in coordinates of the network's input, by descending score.

    Attributes:
      boxes: float32 (N, D, 4), x1, y1, x2, y2 in pixels.
      classes: int32 (N, D), 1..C-1.
      scores: float32 (N, D), 0..1.
      valid: bool (N, D); False is padding.
      proposals: the proposals, with N in front.
    """

    boxes: ArrayT
    classes: ArrayT
    scores: ArrayT
    valid: ArrayT
    proposals: Proposals[ArrayT]


class DetectionHead(nn.Module):
    """The detector, on conv5_3 (N, h, w, c) of the finest pyramid level at stride 8, or on patches.

    It can be used without the rest of the network: see docs/detection.md.

    Attributes:
      classes: C, with the background.
      dropout: dropout rate in the box head.
      config: sizes and thresholds.
      patch: side in pixels of the patches whose centres the features lie at, as those of a vision
        transformer; 0 for features on the nodes 0, 8, 16, ... Patches are pooled as they are.
      dtype: dtype of the computation; scores and boxes are float32.
    """

    classes: int
    dropout: float
    config: DetectionConfig
    patch: int = 0
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        self.proposal_network = ProposalNetwork(
            len(proposals.RATIOS) * len(self.config.anchor_scales),
            1 if self.patch else 2,
            self.dtype,
        )
        self.box_head = BoxHead(self.classes, self.config.width, self.dropout, self.dtype)

    def __call__(
        self,
        conv5: jax.Array,
        image_sizes: jax.Array,
        scales: jax.Array,
        targets: BoxTargets,
        rng: jax.Array,
    ) -> tuple[SampledOutputs, SampledOutputs]:
        """Returns training outputs and targets of the proposal stage and of the box stage.

        Args:
          conv5: (N, h, w, c).
          image_sizes: (N, 2), height and width of each image in pixels, without padding.
          scales: (N, 2), vertical and horizontal pixels of each image per pixel of its photograph;
            the smallest proposal, `config.min_side`, is in pixels of the photograph.
          targets: the labelled boxes.
          rng: random key of the samples; dropout uses the separate RNG stream `dropout`.
        """
        scores, deltas = self.proposal_network(conv5)
        anchors = image_anchors(conv5, self.config.anchor_scales, self.patch)
        anchor_rng, region_rng = jax.random.split(rng)
        anchor_rngs, region_rngs = (
            jax.random.split(key, len(conv5)) for key in (anchor_rng, region_rng)
        )
        draw = functools.partial(sample_anchors, std=proposals.DELTA_STD)
        samples = jax.vmap(draw, (0, None, 0, 0))(anchor_rngs, anchors, image_sizes, targets)
        proposal_stage = SampledOutputs(
            _take(scores, samples.indices), _take(deltas, samples.indices), samples
        )

        limits = self.config.train_proposals
        proposed = self._propose(
            *jax.lax.stop_gradient((scores, deltas)), anchors, image_sizes, scales, limits
        )
        draw = functools.partial(sample_regions, std=DELTA_STD)
        regions = jax.vmap(draw)(region_rngs, proposed.boxes, proposed.valid, targets)
        scores, deltas = self.box_head(self._pool(conv5, regions.boxes), True)
        is_true_class = jax.nn.one_hot(regions.classes, self.classes)[..., None]
        return proposal_stage, SampledOutputs(scores, (is_true_class * deltas).sum(-2), regions)

    def apply_layers(self, conv5: jax.Array) -> None:
        """Applies all layers, for `init`: proposals and suppression would take long to trace."""
        self.proposal_network(conv5)
        self.box_head(self._pool(conv5, jnp.zeros((len(conv5), 1, 4))), False)

    def detect(
        self, conv5: jax.Array, image_sizes: jax.Array, scales: jax.Array
    ) -> DetectionOutputs:
        """Detects objects; the arguments are those of `__call__`."""
        scores, deltas = self.proposal_network(conv5)
        anchors = image_anchors(conv5, self.config.anchor_scales, self.patch)
        limits = self.config.test_proposals
        proposed = self._propose(scores, deltas, anchors, image_sizes, scales, limits)
        scores, deltas = self.box_head(self._pool(conv5, proposed.boxes), False)
        boxes = decode(deltas, proposed.boxes[:, :, None], DELTA_STD)
        select = functools.partial(
            select_detections, minimum=self.config.min_score, size=self.config.detections
        )
        detections = jax.vmap(select)(boxes, jax.nn.softmax(scores), proposed.valid, image_sizes)
        return DetectionOutputs(*detections, proposals=proposed)

    def _propose(
        self,
        scores: jax.Array,
        deltas: jax.Array,
        anchors: jax.Array,
        image_sizes: jax.Array,
        scales: jax.Array,
        limits: tuple[int, int],
    ) -> Proposals:
        propose_one = functools.partial(propose, limits=limits)
        min_sides = self.config.min_side * scales
        return jax.vmap(propose_one, (0, 0, None, 0, 0))(
            scores, deltas, anchors, image_sizes, min_sides
        )

    def _pool(self, conv5: jax.Array, boxes: jax.Array) -> jax.Array:
        if self.patch:
            pool = roi_align if self.config.pooling is Pooling.ALIGN else roi_max_pool
            # The first feature lies in the middle of the first patch, not at the first pixel.
            boxes = boxes - (self.patch - 1) / 2
            return jax.vmap(functools.partial(pool, stride=self.patch))(conv5, boxes)
        match self.config.pooling:
            case Pooling.MAX:  # as if the trunk had stride 16, not dilation
                conv5 = conv5[:, ::2, ::2]
                pool = functools.partial(roi_max_pool, stride=proposals.STRIDE)
            case Pooling.DILATED_MAX:
                pool = functools.partial(roi_max_pool, dilation=2)
            case Pooling.ALIGN:
                pool = roi_align
            case _ as unreachable:
                typing.assert_never(unreachable)
        return jax.vmap(pool)(conv5, boxes)


def select_detections(
    boxes: jax.Array,
    scores: jax.Array,
    valid: jax.Array,
    image_size: jax.Array,
    minimum: float,
    size: int,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Applies non-maximum suppression to each class, then selects the best of all classes.

    Boxes that are clipped to nothing, because they lie beside the image, are no detections.

    Args:
      boxes: (P, C, 4), a box per class.
      scores: (P, C), probabilities; class 0 is the background.
      valid: (P,).
      image_size: (2,), height and width of the image.
      minimum: score that a detection must exceed.
      size: D, the largest number of detections per class and in total.

    Returns:
      Boxes (D, 4), classes (D,), scores (D,), and bool (D,), False on padding.
    """
    boxes = clip(boxes, image_size[0], image_size[1])

    def suppress_class(boxes: jax.Array, scores: jax.Array) -> tuple[jax.Array, jax.Array]:
        candidates = valid & (scores > minimum) & has_area(boxes)
        indices, kept = suppress(boxes, scores, candidates, MAX_OVERLAP, size)
        return boxes[indices], jnp.where(kept, scores[indices], -jnp.inf)

    boxes, scores = jax.vmap(suppress_class, (1, 1))(boxes[:, 1:], scores[:, 1:])
    scores, best = jax.lax.top_k(scores.reshape(-1), size)
    per_class = boxes.shape[1]
    valid = scores > -jnp.inf
    return boxes.reshape(-1, 4)[best], 1 + best // per_class, jnp.where(valid, scores, 0), valid


def _take(values: jax.Array, indices: jax.Array) -> jax.Array:
    """Takes the rows at indices (N, S) of values (N, A, K); returns (N, S, K)."""
    return jnp.take_along_axis(values, indices[..., None], axis=1)
