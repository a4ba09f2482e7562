"""Which anchors and regions the detector is trained on, and what it should say of them.

Shape letters: S samples of an image, B boxes given, M places for labelled boxes.
"""

import jax
import jax.numpy as jnp

from ubernet_jax.models.box_targets import BoxSamples, BoxTargets
from ubernet_jax.ops.anchors import Assignment, assign
from ubernet_jax.ops.boxes import encode, intersection_over_union
from ubernet_jax.ops.sampling import sample

ANCHORS = 256  # sampled of an image, half of them positive
ANCHOR_POSITIVES = 0.5
REGIONS = 128  # sampled of an image
REGION_POSITIVES = 0.25

Std = tuple[float, float, float, float]  # of the deltas


def sample_anchors(
    rng: jax.Array, anchors: jax.Array, extent: jax.Array, targets: BoxTargets, std: Std
) -> BoxSamples:
    """Draws from the anchors (B, 4) that lie within the image; classes are 0 and 1.

    Args:
      rng: of the draw.
      anchors: of one image.
      extent: (2,), its height and width.
      targets: of this image: corners (M, 4), classes (M,), valid (M,).
      std: what deltas are divided by.
    """
    inside = (anchors[:, :2] >= 0).all(-1) & (anchors[:, 2:] <= extent[None, ::-1]).all(-1)
    overlap = jnp.where(inside[:, None], intersection_over_union(anchors, targets.corners), 0)
    assignment, matched = assign(
        overlap, targets.valid, positive=0.7, negative=0.3, low_quality=True
    )
    assignment = jnp.where(inside, assignment, Assignment.IGNORE)
    things = targets.replace(classes=jnp.ones_like(targets.classes))
    drawn = sample(rng, assignment, ANCHORS, ANCHOR_POSITIVES)
    return _label(anchors, drawn, assignment, matched, things, std)


def sample_regions(
    rng: jax.Array, boxes: jax.Array, valid: jax.Array, targets: BoxTargets, std: Std
) -> BoxSamples:
    """Draws from proposals (B, 4), `valid` (B,), and the labelled boxes themselves."""
    boxes = jnp.concatenate([boxes, targets.corners])
    valid = jnp.concatenate([valid, targets.valid])
    overlap = intersection_over_union(boxes, targets.corners)
    assignment, matched = assign(
        overlap, targets.valid, positive=0.5, negative=0.5, low_quality=False
    )
    assignment = jnp.where(valid, assignment, Assignment.IGNORE)
    drawn = sample(rng, assignment, REGIONS, REGION_POSITIVES)
    return _label(boxes, drawn, assignment, matched, targets, std)


def _label(
    boxes: jax.Array,
    drawn: tuple[jax.Array, jax.Array],
    assignment: jax.Array,
    matched: jax.Array,
    targets: BoxTargets,
    std: Std,
) -> BoxSamples:
    indices, chosen = drawn
    positive = chosen & (assignment[indices] == Assignment.POSITIVE)
    own = matched[indices]
    return BoxSamples(
        boxes=boxes[indices],
        indices=indices,
        classes=jnp.where(positive, targets.classes[own].astype(jnp.int32), 0),
        deltas=encode(targets.corners[own], boxes[indices], std),
        chosen=chosen,
    )
