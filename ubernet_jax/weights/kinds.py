"""The kinds of files that weights are imported from."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping

import numpy as np

from ubernet_jax.config import Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.weights import batch_norm, layers
from ubernet_jax.weights.caffe import read_caffemodel
from ubernet_jax.weights.imagenet import imagenet_file, read_imagenet
from ubernet_jax.weights.keras import read_keras
from ubernet_jax.weights.pytorch import read_pytorch, read_safetensors

IMAGENET = 'imagenet'  # instead of a file: the one that the extra `imagenet` carries

_READERS = {
    '.caffemodel': read_caffemodel,
    '.pth': read_pytorch,
    '.pt': read_pytorch,
    '.safetensors': read_safetensors,
    '.h5': read_keras,
    '.hdf5': read_keras,
}

# Published file -> algorithm and digest, or how it begins. Of the release, py-faster-rcnn and
# DeepLab none is known.
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
class Kind:
    """One kind of file.

    Attributes:
      rows: its table.
      marks: layers of which it has one and the kinds after it in `KINDS` have none.
      mean: subtracted from RGB, 0..255.
      std: divided by.
      copies: parts of names that mark copies of another layer, which Caffe writes of tied weights.
      trunk: that it is for.
      normalisations: name of a convolution -> of the batch normalisation after it.
    """

    rows: tuple[layers.Row, ...]
    marks: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    copies: tuple[str, ...] = ()
    trunk: Trunk = Trunk.VGG16
    normalisations: Mapping[str, str] = dataclasses.field(default_factory=dict)


# Caffe's means are written blue, green, red where they come from.
_FAST_RCNN_MEAN = (122.7717, 115.9465, 102.9801)
_ILSVRC_MEAN = (123.68, 116.779, 103.939)
_DEEPLAB_MEAN = (122.675, 116.669, 104.008)
_TORCH_MEAN, _TORCH_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)

KINDS = {
    'ubernet': Kind(
        rows=layers.RELEASE,
        marks=('upscore-fuse-mr-seg',),
        mean=_FAST_RCNN_MEAN,
        copies=('_RS2', '_RS4'),
    ),
    'faster_rcnn': Kind(rows=layers.FASTER_RCNN, marks=('rpn_conv/3x3',), mean=_FAST_RCNN_MEAN),
    'deeplab': Kind(
        rows=layers.DEEPLAB, marks=('fc8_voc12', 'fc8_voc', 'fc8_coco'), mean=_DEEPLAB_MEAN
    ),
    'ilsvrc': Kind(rows=layers.ILSVRC, marks=('conv1_1',), mean=_ILSVRC_MEAN),
    'torchvision': Kind(
        rows=layers.TORCHVISION, marks=('features.0',), mean=_TORCH_MEAN, std=_TORCH_STD
    ),
    'resnet50': Kind(
        rows=layers.RESNET,
        marks=('layer1.0.conv1',),
        mean=_TORCH_MEAN,
        std=_TORCH_STD,
        trunk=Trunk.RESNET50,
        normalisations={theirs: after for theirs, (_, after) in layers.RESNET_CONVOLUTIONS.items()},
    ),
    'keras': Kind(rows=layers.KERAS, marks=('block1_conv1',), mean=_ILSVRC_MEAN),
    IMAGENET: Kind(rows=layers.LPIPS, marks=('Conv_0',), mean=_TORCH_MEAN, std=_TORCH_STD),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """An opened file.

    Attributes:
      name: of the file.
      kind: one of `KINDS`.
      layers: arrays by layer, in Caffe's layout.
      copies: layers left out because they are equal to the one that they are tied to.
    """

    name: str
    kind: str
    layers: dict[str, list[np.ndarray]]
    copies: tuple[str, ...] = ()


def open_source(file: str, kind: str | None = None) -> Source:
    """Reads a file.

    Args:
      file: its path, or `imagenet`.
      kind: one of `KINDS`; without it, it is guessed from the names of the layers.

    Raises:
      UserError: the file cannot be read, is not what was published under its name, or is not of
        the kind.
    """
    if file == IMAGENET:
        path = imagenet_file()
        found = read_imagenet(path)
    else:
        path = pathlib.Path(file)
        if path.suffix not in _READERS:
            raise UserError(f'{file} must be a file {", ".join(_READERS)}, or the word {IMAGENET}')
        _check_digest(path)
        found = _READERS[path.suffix](path)
    kind = kind or _guess(path, found)
    missing = [row.source for row in _trunk_rows(kind) if row.source not in found]
    if missing:
        raise UserError(
            f'{path} is not of the kind {kind}: it has no layer {", ".join(missing)}, but '
            f'{_list(found)}. Known kinds: {", ".join(KINDS)}'
        )
    try:
        found = batch_norm.fold(found, KINDS[kind].normalisations)
    except ValueError as error:
        raise UserError(f'{path} is not of the kind {kind}: {error}') from error
    copies = _copies(path, kind, found)
    own = {name: arrays for name, arrays in found.items() if name not in copies}
    return Source(name=path.name, kind=kind, layers=own, copies=copies)


def _trunk_rows(kind: str) -> list[layers.Row]:
    """The rows of what every file of the kind has."""
    convolutions = [row for row in KINDS[kind].rows if row.target.startswith(f'{layers.TRUNK}/')]
    return [row for row in convolutions if not row.target.startswith(layers.LARGE_FIELD)]


def _guess(path: pathlib.Path, found: dict[str, list[np.ndarray]]) -> str:
    for name, kind in KINDS.items():
        if any(mark in found for mark in kind.marks):
            return name
    raise UserError(
        f'{path} is of no known kind: its layers are {_list(found)}. Known kinds, which '
        f'--kind takes: {", ".join(KINDS)}'
    )


def _copies(path: pathlib.Path, kind: str, found: dict[str, list[np.ndarray]]) -> tuple[str, ...]:
    """Layers that are copies of others by their names; refuses those that are not equal."""
    rows = {row.source for row in KINDS[kind].rows}
    copies = []
    for name in found.keys() - rows:
        for part in KINDS[kind].copies:
            original = name.replace(part, '')
            if original == name or original not in found:
                continue
            if not all(map(np.array_equal, found[name], found[original])):
                raise UserError(f'{path}: {name} is not equal to {original}, to which it is tied')
            copies.append(name)
    return tuple(sorted(copies))


def _check_digest(path: pathlib.Path) -> None:
    if path.name not in _DIGESTS:
        return
    algorithm, wanted = _DIGESTS[path.name]
    with path.open('rb') as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    if not digest.startswith(wanted):
        raise UserError(
            f'{path}: {algorithm} is {digest}, but that of the published file begins with '
            f'{wanted}: download it again, or give a file of your own another name'
        )


def _list(names: dict[str, list[np.ndarray]]) -> str:
    """The first names."""
    shown = list(names)[:8]
    return ', '.join(shown) + (', ...' if len(names) > len(shown) else '')
