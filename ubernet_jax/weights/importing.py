"""Joins the layers of imported files into one network, and reports where everything went."""

import collections
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ubernet_jax.config import Config, Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import network_shapes
from ubernet_jax.weights.kinds import KINDS, Source
from ubernet_jax.weights.layers import Row


class Imported(NamedTuple):
    """What several files give one network.

    Attributes:
      trunk: that they are for.
      arrays: float32, by their names in an exported file.
      mean: that the first convolution wants subtracted from RGB, 0..255,
      std: and divided by.
      report: lines for the user, which name every layer of the files that is not used.
    """

    trunk: Trunk
    arrays: dict[str, np.ndarray]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    report: list[str]


def import_layers(sources: Sequence[Source]) -> Imported:
    """Takes every array from the first file that has it.

    What is made of another layer (the large-field fc6 and fc7 of VGG's own) counts only where no
    file has the layer itself. So Faster R-CNN, then DeepLab gives the paper's two-network start:
    trunk and detector of the first, segmentation branch (fc6, fc7, its scores) of the second.

    Args:
      sources: the files, in the user's order.

    Raises:
      UserError: a layer's arrays have shapes, or values, that no layer of its kind has; or the
        files are for different trunks.
    """
    first, *others = (KINDS[source.kind] for source in sources)
    if any(kind.trunk is not first.trunk for kind in others):
        names = ', '.join(f'{source.name} ({source.kind})' for source in sources)
        raise UserError(f'{names} are for different trunks: give files for one of them')
    arrays, givers = {}, {}
    for derived in (False, True):
        for source in sources:
            for row in KINDS[source.kind].rows:
                if row.derived is not derived or row.source not in source.layers:
                    continue
                for leaf, array in _convert(source, row).items():
                    name = f'{row.target}/{leaf}'
                    if name not in arrays:
                        arrays[name], givers[name] = array, (source, row.source)
    report = [line for source in sources for line in _unused(source, set(givers.values()))]
    return Imported(first.trunk, arrays, first.mean, first.std, report)


def compare_with_network(arrays: Mapping[str, np.ndarray], config: Config) -> list[str]:
    """Lines for the user: every array of the network that is not filled, or does not fit it."""
    wanted = network_shapes(config)
    filled = {name for name, array in arrays.items() if wanted.get(name) == array.shape}
    lines = [f'network of {len(config.tasks)} tasks: {len(filled)} of {len(wanted)} arrays filled']
    for name in sorted(arrays.keys() - filled):
        here = wanted.get(name, 'none')
        shapes = f'{name} {arrays[name].shape}, here {here}'
        lines.append(f'  kept for a configuration that it fits: {shapes}')
    missing = collections.defaultdict(set)
    for name in wanted.keys() - arrays.keys():
        layer, _, _ = name.rpartition('/')
        group, _, layer = layer.rpartition('/')
        missing[group].add(layer)
    for group, layers in sorted(missing.items()):
        lines.append(f'  not filled, random at the start: {group}: {", ".join(sorted(layers))}')
    return lines


def _convert(source: Source, row: Row) -> dict[str, np.ndarray]:
    arrays = source.layers[row.source]
    try:
        converted = row.convert(arrays)
    except ValueError as error:
        raise UserError(
            f'{source.name}: layer {row.source} has arrays {_shapes(arrays)}, which cannot become '
            f'{row.target} ({error}). Is the file of another kind than {source.kind}?'
        ) from error
    converted = {leaf: np.asarray(array, np.float32) for leaf, array in converted.items()}
    if not all(np.isfinite(array).all() for array in converted.values()):
        raise UserError(f'{source.name}: layer {row.source} has values that are not finite')
    return converted


def _unused(source: Source, used: set[tuple[Source, str]]) -> Iterator[str]:
    known = {row.source for row in KINDS[source.kind].rows}
    taken = [name for name in source.layers if (source, name) in used]
    elsewhere = [name for name in source.layers if name in known and name not in taken]
    unknown = [name for name in source.layers if name not in known]
    yield f'{source.name} ({source.kind}): {len(taken)} of {len(source.layers)} layers used'
    if source.copies:
        yield f'  equal copies of tied layers, not needed: {len(source.copies)}'
    if elsewhere:
        yield f'  given by another file: {", ".join(elsewhere)}'
    for name in unknown:
        yield f'  not used, the network has no such layer: {name} {_shapes(source.layers[name])}'


def _shapes(arrays: Sequence[np.ndarray]) -> str:
    return ' '.join(str(array.shape) for array in arrays)
