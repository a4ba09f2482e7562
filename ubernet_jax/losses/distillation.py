"""Distance of features from those of a teacher (Li and Bilen, arXiv 2007.06889)."""

import jax

from ubernet_jax.losses.dense import image_means, to_unit_length


def feature_distance(features: jax.Array, wanted: jax.Array, counted: jax.Array) -> jax.Array:
    """Mean (N,), 0 to 4, of the squared distances of feature vectors that are scaled to length 1.

    Args:
      features: (N, h, w, C).
      wanted: (N, h, w, C), of the teacher.
      counted: bool (N, h, w); the mean is over these positions, and 0 if there are none.
    """
    difference = to_unit_length(features) - to_unit_length(wanted)
    return image_means((difference**2).sum(-1), counted)
