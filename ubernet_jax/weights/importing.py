"""Joins the layers of imported files into a network, and reports which layers are used."""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ubernet_jax.config import Config, Initialisation, ModelConfig, Pooling, Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.weights.arrays import network_shapes
from ubernet_jax.weights.formats import FORMATS
from ubernet_jax.weights.layers import BOX_HEAD, TRUNK, LayerMapping
from ubernet_jax.weights.opening import Source
from ubernet_jax.weights.variants import NAMES

_FIRST = (f'{TRUNK}/conv1/', f'{TRUNK}/embedding/')  # the first convolution, of pixels or patches


class Imported(NamedTuple):
    """The parameters that several files provide for a network.

    Attributes:
      trunk: the trunk that the files are for.
      arrays: float32 arrays by their names in an exported file.
      mean: mean that the first convolution expects to be subtracted from RGB, 0..255.
      std: deviation that the difference is then divided by.
      pooling: how the box head expects regions to be pooled.
      report: lines for the user that name every unused layer of the files.
      totals: a line for the user with the numbers of layers read, used and left out.
      origins: name of an array -> (file, layer) that it is from.
    """

    trunk: Trunk
    arrays: dict[str, np.ndarray]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    pooling: Pooling
    report: list[str]
    totals: str
    origins: dict[str, tuple[str, str]]

    @property
    def model(self) -> ModelConfig:
        """The settings of a network with this trunk; layers that no file has are random."""
        return ModelConfig(
            trunk=self.trunk,
            scales=TRUNKS[self.trunk].scales,
            initialisation=Initialisation.RANDOM,
            mean=self.mean,
            std=self.std,
        )


def import_layers(sources: Sequence[Source]) -> Imported:
    """Takes every array from the first file that has it.

    A derived array (of the large-field fc6 and fc7, which are made from VGG's fc6 and fc7) is used
    only if no file has the layer itself. Therefore Faster R-CNN followed by DeepLab gives the
    paper's initialisation from two networks: trunk and detector of the first, segmentation branch
    (fc6, fc7 and its scores) of the second.

    Args:
      sources: the files, in the user's order.

    Raises:
      UserError: the arrays of a layer have the wrong shapes or values that are not finite, or the
        files are for different trunks.
    """
    formats = [FORMATS[source.format] for source in sources]
    first = formats[0]
    if any(format.trunk is not first.trunk for format in formats):
        names = ', '.join(f'{source.name} ({source.format})' for source in sources)
        raise UserError(f'{names} are for different trunks: give files for the same trunk')
    arrays, origins = {}, {}
    for derived in (False, True):
        for source in sources:
            for mapping in FORMATS[source.format].mappings:
                if mapping.derived is not derived or mapping.source not in source.layers:
                    continue
                for leaf, array in _convert(source, mapping).items():
                    name = f'{mapping.target}/{leaf}'
                    if name not in arrays:
                        arrays[name], origins[name] = array, (source, mapping.source)
    used = set(origins.values())
    box_head, _ = origins.get(f'{BOX_HEAD}/fc6/kernel', (None, ''))
    report = [line for source in sources for line in _unused(source, used)]
    return Imported(
        trunk=first.trunk,
        arrays=arrays,
        mean=first.mean,
        std=first.std,
        pooling=FORMATS[box_head.format].pooling if box_head else Pooling.MAX,
        report=report,
        totals=_count(sources, used),
        origins={name: (source.name, layer) for name, (source, layer) in origins.items()},
    )


def check_trunk(imported: Imported) -> None:
    """Compares the shapes of the trunk's arrays with those of a trunk of the same width.

    Raises:
      UserError: a layer has another shape; the files are of another network.
    """
    model = dataclasses.replace(imported.model, scales=1)
    full = _trunk_shapes(model)
    stem = next(name for name in full if name.startswith(_FIRST) and 'kernel' in name)
    channels = imported.arrays[stem].shape[-1]
    shapes = full
    if channels != full[stem][-1]:
        shapes = _trunk_shapes(dataclasses.replace(model, width=channels / full[stem][-1]))
    for name, expected in shapes.items():
        if name in imported.arrays and imported.arrays[name].shape != expected:
            file, layer = imported.origins[name]
            raise UserError(
                f'{file}: layer {layer} gives {name} the shape {imported.arrays[name].shape}, but '
                f'{NAMES[imported.trunk]}, with {channels} channels in its first convolution, has '
                f'{expected} there: the file is of another network. Import the weights of '
                f'{NAMES[imported.trunk]}'
            )


def _trunk_shapes(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    shapes = network_shapes(Config(steps=0, model=model))
    trunk = {name: shape for name, shape in shapes.items() if name.startswith(f'{TRUNK}/')}
    return dict(sorted(trunk.items()))


def compare_with_network(arrays: Mapping[str, np.ndarray], config: Config) -> list[str]:
    """Returns lines for the user: the network's unfilled arrays, and the arrays that do not fit."""
    shapes = network_shapes(config)
    filled = {name for name, array in arrays.items() if shapes.get(name) == array.shape}
    lines = [f'network of {len(config.tasks)} tasks: {len(filled)} of {len(shapes)} arrays filled']
    for name in sorted(arrays.keys() - filled):
        difference = f'{name} is {arrays[name].shape}, in this network {shapes.get(name, "absent")}'
        lines.append(f'  kept for a configuration that it fits: {difference}')
    missing = collections.defaultdict(set)
    for name in shapes.keys() - arrays.keys():
        layer, _, _ = name.rpartition('/')
        group, _, layer = layer.rpartition('/')
        missing[group].add(layer)
    for group, layers in sorted(missing.items()):
        lines.append(f'  not filled, initialised randomly: {group}: {", ".join(sorted(layers))}')
    return lines


def _convert(source: Source, mapping: LayerMapping) -> dict[str, np.ndarray]:
    """The parameters that a layer of a file becomes, float32."""
    arrays = source.layers[mapping.source]
    try:
        converted = mapping.convert(arrays)
    except ValueError as error:
        raise UserError(
            f'{source.name}: layer {mapping.source} has arrays {_shapes(arrays)}, which cannot '
            f'become {mapping.target} ({error}). Does the file have another format than '
            f'{source.format}?'
        ) from error
    converted = {leaf: np.asarray(array, np.float32) for leaf, array in converted.items()}
    if not all(np.isfinite(array).all() for array in converted.values()):
        raise UserError(f'{source.name}: layer {mapping.source} has values that are not finite')
    return converted


def _unused(source: Source, used: set[tuple[Source, str]]) -> Iterator[str]:
    known = {mapping.source for mapping in FORMATS[source.format].mappings}
    taken = [name for name in source.layers if (source, name) in used]
    elsewhere = [name for name in source.layers if name in known and name not in taken]
    unknown = [name for name in source.layers if name not in known]
    yield f'{source.name} ({source.format}): {len(taken)} of {len(source.layers)} layers used'
    if source.copies:
        yield f'  equal copies of tied layers, not needed: {len(source.copies)}'
    if elsewhere:
        yield f'  taken from another file: {", ".join(elsewhere)}'
    for name in unknown:
        yield f'  not used, the network has no such layer: {name} {_shapes(source.layers[name])}'


def _count(sources: Sequence[Source], used: set[tuple[Source, str]]) -> str:
    """The numbers of layers of all files: read, used, and left out by reason."""
    read = sum(source.read for source in sources)
    folded = sum(source.folded for source in sources)
    known = sum(
        len(source.layers.keys() & {mapping.source for mapping in FORMATS[source.format].mappings})
        for source in sources
    )
    reasons = {
        'equal copies of tied layers': sum(len(source.copies) for source in sources),
        'taken from another file': known - len(used),
        'not in the network': sum(len(source.layers) for source in sources) - known,
    }
    left_out = ', '.join(f'{count} {reason}' for reason, count in reasons.items() if count)
    normalisations = f' ({folded} of them normalisations, folded)' if folded else ''
    return (
        f'layers: {read} read, {len(used) + folded} used{normalisations}, '
        f'{sum(reasons.values())} left out' + (f' ({left_out})' if left_out else '')
    )


def _shapes(arrays: Sequence[np.ndarray]) -> str:
    return ' '.join(str(array.shape) for array in arrays)
