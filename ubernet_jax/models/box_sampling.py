"""Draws the anchors and regions that the detector is trained on, with their training targets.

Shape letters: S samples of an image, B candidate boxes, M slots for labelled boxes.
"""

import dataclasses

import jax
import jax.numpy as jnp

from ubernet_jax.models.box_targets import BoxSamples, BoxTargets
from ubernet_jax.ops.anchors import Assignment, assign, ignore_negatives
from ubernet_jax.ops.boxes import encode, intersection_over_union
from ubernet_jax.ops.sampling import sample

ANCHORS = 256  # anchors sampled per image
ANCHOR_POSITIVES = 0.5  # largest share of positive anchors
REGIONS = 128  # regions sampled per image
REGION_POSITIVES = 0.25  # largest share of positive regions

Std = tuple[float, float, float, float]  # divisors of the four deltas


def sample_anchors(
    rng: jax.Array, anchors: jax.Array, image_size: jax.Array, targets: BoxTargets, std: Std
) -> BoxSamples:
    """Draws from the anchors that lie within the image; classes are background (0) and object (1).

    Args:
      rng: random key.
      anchors: (B, 4), of one image.
      image_size: (2,), height and width of the image.
      targets: targets of this image: corners (M, 4), classes (M,), valid (M,).
      std: divisors of the deltas.
    """
    inside = (anchors[:, :2] >= 0).all(-1) & (anchors[:, 2:] <= image_size[None, ::-1]).all(-1)
    overlap = jnp.where(inside[:, None], intersection_over_union(anchors, targets.corners), 0)
    assignment, matched = _assign(overlap, targets, 0.7, 0.3, low_quality=True)
    assignment = jnp.where(inside, assignment, Assignment.IGNORE)
    objects = dataclasses.replace(targets, classes=jnp.ones_like(targets.classes))
    samples = sample(rng, assignment, ANCHORS, ANCHOR_POSITIVES)
    return _label_samples(anchors, samples, assignment, matched, objects, std)


def sample_regions(
    rng: jax.Array, boxes: jax.Array, valid: jax.Array, targets: BoxTargets, std: Std
) -> BoxSamples:
    """Draws from the proposals and the labelled boxes themselves.

    Args:
      rng: random key.
      boxes: (B, 4), proposals of one image.
      valid: bool (B,); False is padding.
      targets: targets of this image: corners (M, 4), classes (M,), valid (M,).
      std: divisors of the deltas.
    """
    boxes = jnp.concatenate([boxes, targets.corners])
    valid = jnp.concatenate([valid, targets.valid])
    overlap = intersection_over_union(boxes, targets.corners)
    assignment, matched = _assign(overlap, targets, 0.5, 0.5, low_quality=False)
    assignment = jnp.where(valid, assignment, Assignment.IGNORE)
    samples = sample(rng, assignment, REGIONS, REGION_POSITIVES)
    return _label_samples(boxes, samples, assignment, matched, targets, std)


def _assign(
    overlap: jax.Array, targets: BoxTargets, positive: float, negative: float, low_quality: bool
) -> tuple[jax.Array, jax.Array]:
    """`assign` with the targets of an image, without negatives on its ignored boxes."""
    assignment, matched = assign(overlap, targets.valid, positive, negative, low_quality)
    if targets.ignored is not None:
        assignment = ignore_negatives(assignment, overlap, targets.ignored, negative)
    return assignment, matched


def _label_samples(
    boxes: jax.Array,
    samples: tuple[jax.Array, jax.Array],
    assignment: jax.Array,
    matched: jax.Array,
    targets: BoxTargets,
    std: Std,
) -> BoxSamples:
    indices, valid = samples
    positive = valid & (assignment[indices] == Assignment.POSITIVE)
    target_indices = matched[indices]
    return BoxSamples(
        boxes=boxes[indices],
        indices=indices,
        classes=jnp.where(positive, targets.classes[target_indices].astype(jnp.int32), 0),
        deltas=encode(targets.corners[target_indices], boxes[indices], std),
        valid=valid,
    )
