"""Names of the layers of vision transformers: from those of Transformers to those of timm.

This module does not import JAX, since another process, of limited time, reads weight files.
"""

import re
from collections.abc import Mapping

import numpy as np

_CLASS_TOKEN = 'embeddings.cls_token'  # marks a file of Transformers
# Name in Transformers -> name in timm; {} is the number of a block.
_TRANSFORMERS = {
    _CLASS_TOKEN: 'cls_token',
    'embeddings.register_tokens': 'reg_token',
    'embeddings.position_embeddings': 'pos_embed',
    'embeddings.patch_embeddings.projection': 'patch_embed.proj',
    'encoder.layer.{}.norm1': 'blocks.{}.norm1',
    'encoder.layer.{}.attention.output.dense': 'blocks.{}.attn.proj',
    'encoder.layer.{}.layer_scale1': 'blocks.{}.ls1',
    'encoder.layer.{}.norm2': 'blocks.{}.norm2',
    'encoder.layer.{}.mlp.fc1': 'blocks.{}.mlp.fc1',
    'encoder.layer.{}.mlp.fc2': 'blocks.{}.mlp.fc2',
    'encoder.layer.{}.layer_scale2': 'blocks.{}.ls2',
    'layernorm': 'norm',
}
_QUERY, _KEY, _VALUE = (
    f'encoder.layer.{{}}.attention.attention.{part}' for part in ('query', 'key', 'value')
)


def rename_transformers(stored: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Gives the arrays of a file of Transformers timm's names; other files are not changed."""
    marks = [name for name in stored if name.endswith(_CLASS_TOKEN)]
    if not marks:
        return stored
    prefix = marks[0].removesuffix(_CLASS_TOKEN)
    arrays = {name.removeprefix(prefix): array for name, array in stored.items()}
    renamed = {}
    for name, array in arrays.items():
        number = next(iter(re.findall(r'^encoder\.layer\.(\d+)\.', name)), '')
        general = name.replace(f'.{number}.', '.{}.', 1) if number else name
        layer, _, part = general.rpartition('.')
        if layer == _QUERY:
            parts = [arrays.get(f'{other.format(number)}.{part}') for other in (_KEY, _VALUE)]
            renamed[f'blocks.{number}.attn.qkv.{part}'] = np.concatenate(
                [array, *(other for other in parts if other is not None)]
            )
        elif general in _TRANSFORMERS:
            renamed[_TRANSFORMERS[general]] = array
        elif layer in _TRANSFORMERS:
            renamed[f'{_TRANSFORMERS[layer].format(number)}.{part}'] = array
        elif layer not in (_KEY, _VALUE):
            renamed[name] = array
    return renamed
