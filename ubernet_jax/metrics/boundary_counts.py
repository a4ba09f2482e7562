"""Thins boundary maps at thresholds, and counts the pixels that match those of annotators."""

from collections.abc import Sequence

import numpy as np

from ubernet_jax.metrics.matching import Matcher
from ubernet_jax.metrics.thinning import thin_lines


def thinned_maps(
    strength: np.ndarray, thresholds: np.ndarray, *, strict: bool = False
) -> list[np.ndarray]:
    """Returns the thinned boundaries, bool (H, W), of a map (H, W) at each threshold.

    They are at or above the threshold after rounding to 8 bits; with `strict`, above it.
    """
    if strict:
        return [thin_lines(strength > threshold) for threshold in thresholds]
    strength = np.round(strength * 255) / 255
    return [thin_lines(strength >= threshold) for threshold in thresholds]


def count_matches(
    maps: Sequence[np.ndarray], annotators: np.ndarray, max_distance: float
) -> np.ndarray:
    """Matches the thinned maps of one image with the maps of all annotators.

    Args:
      maps: bool (H, W) for each of K ascending thresholds.
      annotators: bool (A, H, W).
      max_distance: fraction of the image diagonal.

    Returns:
      int64 (K, 4), see `precision_recall`. A predicted pixel is matched if it has a partner in any
      annotator's map; ground-truth pixels are summed over the annotators.
    """
    union = np.any(maps, axis=0)
    limit = max_distance * float(np.hypot(*union.shape))
    matchers = [Matcher(union, truth, limit) for truth in annotators]
    counts = np.zeros((len(maps), 4), np.int64)
    counts[:, 1] = np.count_nonzero(annotators)
    # Start with the highest threshold, which has the fewest pixels: each matching extends the last.
    for k in reversed(range(len(maps))):
        if k + 1 < len(maps) and np.array_equal(maps[k], maps[k + 1]):
            counts[k] = counts[k + 1]
            continue
        partners = [matcher.match(maps[k]) for matcher in matchers]
        matched = np.zeros(union.shape, bool)
        matched[tuple(np.concatenate(partners).T)] = True
        counts[k, 0] = sum(map(len, partners))
        counts[k, 2:] = np.count_nonzero(matched), np.count_nonzero(maps[k])
    return counts
