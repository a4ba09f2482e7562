"""Operations with hand-written backward passes.

Each computes the same gradient as automatic differentiation, with less memory or time. Without
them, the trunk kept 2.7 times as much memory for its backward pass. For each module, the list below
names the operation with the same values and gradients, the residuals (the arrays that are kept from
the forward pass for the backward pass), and the gain over automatic differentiation.

relu
    Equals:     `jax.nn.relu`.
    Residuals:  the result, which is also the next layer's input.
    Gain:       no boolean mask is kept for each layer.

max_pool
    Equals:     a maximum over the slices of each window, with the gradient shared among ties.
    Residuals:  the argument and the result, which neighbouring layers keep anyway.
    Gain:       half the memory and half the time of differentiating the slices. On CPUs the
                gradient in bfloat16 is computed in float32, in a fifth of the time or less.

normalization
    Equals:     batch normalisation without scale and shift.
    Residuals:  the argument, the mask of valid pixels, the mean and the variance.
    Gain:       the centred and the squared feature maps are not kept.

convolution
    Equals:     `lax.conv_general_dilated` at stride 1.
    Residuals:  the argument and the kernel, the same as those of `lax.conv_general_dilated`.
    Gain:       half the time for the kernel's gradient, on CPUs only: `cpu_kernel_gradient`
                computes it in strips. In bfloat16 on CPUs with AMX (`ops/onednn`), a tenth of the
                time for the result and the argument's gradient, and less than half for the
                kernel's gradient, which `amx_kernel_gradient` computes by matrix products.

loss
    Equals:     any scalar loss of a score map.
    Residuals:  the gradient, which is computed in the forward pass.
    Gain:       none of the loss's intermediate maps is kept.

`barrier` has a function that all of them but `loss` apply to their residuals, with the reason. The
tests compare every operation with automatic differentiation, and check its residuals.
"""
