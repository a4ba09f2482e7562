"""A vision transformer in plain numpy, token by token, from a state dictionary as timm has it."""

import math

import numpy as np

from ubernet_jax.models.vit_specs import HEAD_WIDTH, ViTSpec

State = dict[str, np.ndarray]


def draw_state(spec: ViTSpec, seed: int = 0) -> State:
    """Random weights by timm's names."""
    rng, c = np.random.default_rng(seed), spec.width
    shapes = {
        'patch_embed.proj.weight': (c, 3, spec.patch, spec.patch), 'patch_embed.proj.bias': (c,),
        'cls_token': (1, 1, c), 'norm.weight': (c,), 'norm.bias': (c,),
    }  # fmt: skip
    if spec.table:
        # timm adds the position of the class token to it where there are registers.
        shapes['pos_embed'] = (1, spec.table**2 + (not spec.registers), c)
    if spec.registers:
        shapes['reg_token'] = (1, spec.registers, c)
    for number in range(spec.depth):
        name = f'blocks.{number}.'
        for norm in ('norm1', 'norm2'):
            shapes |= {f'{name}{norm}.weight': (c,), f'{name}{norm}.bias': (c,)}
        for layer, outputs, inputs in (
            ('attn.qkv', 3 * c, c), ('attn.proj', c, c), ('mlp.fc1', 4 * c, c),
            ('mlp.fc2', c, 4 * c),
        ):  # fmt: skip
            shapes[f'{name}{layer}.weight'] = (outputs, inputs)
            if layer != 'attn.qkv' or spec.table:
                shapes[f'{name}{layer}.bias'] = (outputs,)
        if spec.layer_scale:
            scales = ('ls1.gamma', 'ls2.gamma') if spec.table else ('gamma_1', 'gamma_2')
            shapes |= {name + scale: (c,) for scale in scales}
    state = {}
    for name, shape in shapes.items():
        fan_in = math.prod(shape[1:]) if name.endswith('weight') and len(shape) > 1 else 4
        mean = 1.0 if 'norm' in name and name.endswith('weight') else 0.0
        state[name] = (mean + rng.normal(0, fan_in**-0.5, shape)).astype(np.float32)
    return state


def plain_taps(image: np.ndarray, state: State, spec: ViTSpec) -> dict[str, np.ndarray]:
    """Tap -> tokens of the patches (h, w, C) of an image (H, W, 3), float64."""
    state = {name: array.astype(np.float64) for name, array in state.items()}
    h, w = (side // spec.patch for side in image.shape[:2])
    kernel = state['patch_embed.proj.weight'].transpose(2, 3, 1, 0)
    patches = np.stack(
        [
            np.tensordot(image[y : y + spec.patch, x : x + spec.patch], kernel, 3)
            for y in range(0, h * spec.patch, spec.patch)
            for x in range(0, w * spec.patch, spec.patch)
        ]
    )
    patches += state['patch_embed.proj.bias']
    first = state['cls_token'][0]
    if spec.table:
        table = state['pos_embed'][0]
        first = first + table[: len(table) - spec.table**2].sum(0)
        table = table[-(spec.table**2) :].reshape(spec.table, spec.table, -1)
        patches += (
            resized(resized(table, h, spec).swapaxes(0, 1), w, spec)
            .swapaxes(0, 1)
            .reshape(h * w, -1)
        )
    if spec.registers:
        first = np.concatenate([first, state['reg_token'][0]])
    x, taps = np.concatenate([first, patches]), {}
    for number in range(spec.depth):
        x = _block(x, state, f'blocks.{number}.', spec, (h, w))
        if number in spec.taps:
            tokens = _norm(x, state, 'norm', spec)[len(first) :]
            taps[f'block_{number}'] = tokens.reshape(h, w, -1)
    return taps


def resized(table: np.ndarray, rows: int, spec: ViTSpec) -> np.ndarray:
    """Interpolates the rows of a table (t, ...), one sample after another."""
    source = len(table)
    if source == rows:
        return table
    scale = source / (rows + spec.offset)
    widening, a = (max(scale, 1), -0.5) if spec.antialias else (1, -0.75)
    result = []
    for row in range(rows):
        centre, total, weights = (row + 0.5) * scale - 0.5, 0.0, 0.0
        for sample in range(-8, source + 8):
            weight = _cubic(abs(sample - centre) / widening, a)
            if spec.antialias and not 0 <= sample < source:
                continue
            total = total + weight * table[min(max(sample, 0), source - 1)]
            weights += weight
        result.append(total / weights)
    return np.stack(result)


def _cubic(x: float, a: float) -> float:
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def _block(
    x: np.ndarray, state: State, name: str, spec: ViTSpec, size: tuple[int, int]
) -> np.ndarray:
    def dense(y: np.ndarray, layer: str) -> np.ndarray:
        return y @ state[f'{name}{layer}.weight'].T + state.get(f'{name}{layer}.bias', 0)

    names = ('ls1.gamma', 'ls2.gamma') if spec.table else ('gamma_1', 'gamma_2')
    scales = [state.get(name + scale, 1.0) for scale in names]
    query, key, value = np.split(dense(_norm(x, state, f'{name}norm1', spec), 'attn.qkv'), 3, 1)
    mixed = []
    for head in range(spec.heads):
        part = slice(head * HEAD_WIDTH, (head + 1) * HEAD_WIDTH)
        q, k = query[:, part], key[:, part]
        if not spec.table:
            q, k = _rotated(q, size), _rotated(k, size)
        logits = q @ k.T / math.sqrt(HEAD_WIDTH)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        mixed.append(weights / weights.sum(1, keepdims=True) @ value[:, part])
    x = x + scales[0] * dense(np.concatenate(mixed, 1), 'attn.proj')
    hidden = dense(_norm(x, state, f'{name}norm2', spec), 'mlp.fc1')
    erf = np.vectorize(math.erf)
    hidden = hidden * (1 + erf(hidden / math.sqrt(2))) / 2
    return x + scales[1] * dense(hidden, 'mlp.fc2')


def _rotated(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Rotates the tokens of patches, which are the last ones, pair of channels by pair."""
    x, half = x.copy(), HEAD_WIDTH // 2
    for patch in range(size[0] * size[1]):
        token = x[len(x) - size[0] * size[1] + patch]
        for channel in range(half):
            axis, index = divmod(channel, half // 2)
            position = (divmod(patch, size[1])[axis] + 0.5) / size[axis] * 2 - 1
            angle = 2 * math.pi * position / 100 ** (index / (half // 2))
            first, second = token[channel], token[channel + half]
            token[channel] = first * math.cos(angle) - second * math.sin(angle)
            token[channel + half] = second * math.cos(angle) + first * math.sin(angle)
    return x


def _norm(x: np.ndarray, state: State, name: str, spec: ViTSpec) -> np.ndarray:
    x = x - x.mean(1, keepdims=True)
    x = x / np.sqrt((x**2).mean(1, keepdims=True) + spec.epsilon)
    return x * state[f'{name}.weight'] + state[f'{name}.bias']
