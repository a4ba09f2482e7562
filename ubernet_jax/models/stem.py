"""A stem: a few convolutions on the image, whose results are skips at a higher resolution.

A vision transformer has one feature vector per patch of 14 or 16 pixels. That is too coarse for
thin structures such as boundaries, and a stem beside it supplies what is missing, as the detail
capture of ViTMatte (arXiv 2305.15272) and the spatial prior of ViT-Adapter (arXiv 2205.08534) do.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.ops.custom_vjp.convolution import convolve_padded
from ubernet_jax.ops.custom_vjp.max_pool import max_pool
from ubernet_jax.ops.custom_vjp.relu import relu

STEM = 'stem'  # name of the module
STRIDES = {'stem_2': 2, 'stem_4': 4, 'stem_8': 8}  # tap -> stride of its cells in image pixels


class Stem(nn.Module):
    """Three stages of two 3x3 convolutions, at strides 2, 4 and 8.

    Attributes:
      channels: of the first stage; each stage has twice the channels of the one before.
      dtype: dtype of the computation.
    """

    channels: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> dict[str, jax.Array]:
        """Maps a normalised image (N, H, W, 3), sides even, to tap -> activations (N, h, w, c).

        A cell of stride s lies at the centre of s x s pixels; h is ceil(H / s), w is ceil(W / s).
        """
        taps, x = {}, image
        for number, (tap, stride) in enumerate(STRIDES.items()):
            for layer in range(2):
                first = number == layer == 0
                x = nn.Conv(
                    self.channels * 2**number,
                    (4, 4) if first else (3, 3),
                    strides=2 if first else 1,  # 4 x 4 pixels have the centre of their cell
                    padding=1,
                    kernel_init=nn.initializers.he_normal(),
                    dtype=self.dtype,
                    conv_general_dilated=convolve_padded,
                    name=f'{tap}_{layer + 1}',
                )(x)
                x = relu(x)
            taps[tap] = x
            if stride < max(STRIDES.values()):
                x = max_pool(x, 2, 2)
        return taps
