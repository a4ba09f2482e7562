"""Backward passes written by hand: each equals JAX's own gradient, for less memory or time.

Differentiated operation by operation, the trunk kept 2.7 times as much for its backward pass.

relu           Equals `jax.nn.relu`. Keeps its result, which the next layer holds anyway; saves a
               mask for every layer.
max_pool       Equals the gradient of a maximum over windows, ties shared. Keeps its argument and
               result; saves half the memory and time of the gradients of its slices.
normalization  Equals batch normalisation without scale and shift. Keeps its argument, the mean and
               the variance; saves the centred and the squared maps.
convolution    Equals `lax.conv_general_dilated`, and keeps what that keeps; saves half the time of
               the kernel's gradient, on a CPU only (`cpu_kernel_gradient`).
loss           Equals the gradient of any scalar loss. Keeps only that gradient, computed in the
               forward pass; saves every intermediate map of the loss.

`barrier` explains why residuals are tied to the cotangent. Tests compare every one with plain
differentiation and count what it keeps.
"""
