"""Tables that map the layers of other networks to the layers of our network.

Sources of the names: the test-mode definition that the author of UberNet released
(github.com/jkokkin/UberNet, model/test.prototxt, and the initialisation in lib/utils/setupnet.py),
the definitions of py-faster-rcnn and DeepLab, torchvision (and timm, whose fc6 and fc7 have other
names), and keras.applications.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ubernet_jax.weights.decimation import large_field_fc6, large_field_fc7
from ubernet_jax.weights.layouts import (
    Arrays,
    Parameters,
    bgr_convolution,
    box_deltas,
    convolution,
    dense,
    fusion,
    proposal_scores,
    regions_dense,
    statistics,
)


class LayerMapping(NamedTuple):
    """Maps a layer of another network to a layer of ours.

    Attributes:
      source: name of the layer in the other network.
      target: path of our layer, as in an exported file.
      convert: converts the layer's arrays to our parameters.
      derived: whether our layer is made from a different layer (by decimation); it is then used
        only if no file has the layer itself.
    """

    source: str
    target: str
    convert: Callable[[Arrays], Parameters]
    derived: bool = False


class Names(NamedTuple):
    """Names of a convolution of the trunk in each format."""

    ours: str
    caffe: str
    torch: str
    keras: str
    lpips: str


CONVOLUTIONS = (
    Names('conv1/conv1_1', 'conv1_1', 'features.0', 'block1_conv1', 'Conv_0'),
    Names('conv1/conv1_2', 'conv1_2', 'features.2', 'block1_conv2', 'Conv_1'),
    Names('conv2/conv2_1', 'conv2_1', 'features.5', 'block2_conv1', 'Conv_2'),
    Names('conv2/conv2_2', 'conv2_2', 'features.7', 'block2_conv2', 'Conv_3'),
    Names('conv3/conv3_1', 'conv3_1', 'features.10', 'block3_conv1', 'Conv_4'),
    Names('conv3/conv3_2', 'conv3_2', 'features.12', 'block3_conv2', 'Conv_5'),
    Names('conv3/conv3_3', 'conv3_3', 'features.14', 'block3_conv3', 'Conv_6'),
    Names('conv4/conv4_1', 'conv4_1', 'features.17', 'block4_conv1', 'Conv_7'),
    Names('conv4/conv4_2', 'conv4_2', 'features.19', 'block4_conv2', 'Conv_8'),
    Names('conv4/conv4_3', 'conv4_3', 'features.21', 'block4_conv3', 'Conv_9'),
    Names('conv5/conv5_1', 'conv5_1', 'features.24', 'block5_conv1', 'Conv_10'),
    Names('conv5/conv5_2', 'conv5_2', 'features.26', 'block5_conv2', 'Conv_11'),
    Names('conv5/conv5_3', 'conv5_3', 'features.28', 'block5_conv3', 'Conv_12'),
)
TRUNK = 'params/shared/trunk'
LARGE_FIELD = f'{TRUNK}/fc'
DETECTION = 'detection'  # the task of the detector's layers
_PROPOSALS = f'params/{DETECTION}/proposal_network'
BOX_HEAD = f'params/{DETECTION}/box_head'

# The release's task names, and the number of each skip in its layers' names.
_TASK_CODES = {
    'edg': 'boundaries',
    'nrm': 'normals',
    'sal': 'saliency',
    'seg': 'segmentation',
    'sbd': 'semantic_boundaries',
    'prt': 'parts',
}
_TAPS = {1: 'conv1_2', 2: 'conv2_2', 3: 'conv3_3', 4: 'conv4_3', 5: 'conv5_3', 6: 'fc7'}
_LEVELS = ('', '_RS2', '_RS4')  # suffixes of layer names, by level of the pyramid


def _trunk(
    source_names: Sequence[str], first: Callable[[Arrays], Parameters]
) -> tuple[LayerMapping, ...]:
    """The trunk's convolutions by their names in a format; `first` converts the first of them."""
    return tuple(
        LayerMapping(name, f'{TRUNK}/{names.ours}', convolution if index else first)
        for index, (name, names) in enumerate(zip(source_names, CONVOLUTIONS, strict=True))
    )


def _fully_connected(fc6: str, fc7: str) -> tuple[LayerMapping, ...]:
    """fc6 and fc7 of VGG: unchanged in the box head, decimated in the trunk."""
    return (
        LayerMapping(fc6, f'{BOX_HEAD}/fc6', regions_dense),
        LayerMapping(fc7, f'{BOX_HEAD}/fc7', dense),
        LayerMapping(fc6, f'{LARGE_FIELD}/fc6', large_field_fc6, derived=True),
        LayerMapping(fc7, f'{LARGE_FIELD}/fc7', large_field_fc7, derived=True),
    )


def _dense_heads() -> Iterator[LayerMapping]:
    for code, task in _TASK_CODES.items():
        for number, tap in _TAPS.items():
            yield LayerMapping(f'score_{code}_{number}_0_hole0', f'params/{task}/{tap}', dense)
        yield LayerMapping(f'upscore-fuse-{code}__00', f'params/{task}/fuse_skips', fusion)
        yield LayerMapping(f'upscore-fuse-mr-{code}', f'params/{task}/fuse_scales', fusion)


def _skip_statistics() -> Iterator[LayerMapping]:
    for level, suffix in enumerate(_LEVELS):
        for tap in list(_TAPS.values())[:-1]:
            block, _, _ = tap.partition('_')
            target = f'batch_stats/trunk/{block}/norm_{level}'
            yield LayerMapping(f'BN_pre_{tap}{suffix}', target, statistics)


_CAFFE_TRUNK = _trunk([names.caffe for names in CONVOLUTIONS], bgr_convolution)
_PROPOSAL_LAYERS = (
    LayerMapping('rpn_conv/3x3', _PROPOSALS, convolution),
    LayerMapping('rpn_cls_score', f'{_PROPOSALS}/scores', proposal_scores),
    LayerMapping('rpn_bbox_pred', f'{_PROPOSALS}/deltas', dense),
    LayerMapping('bbox_pred', f'{BOX_HEAD}/deltas', box_deltas),
)

RELEASE = (
    *_CAFFE_TRUNK,
    LayerMapping('fc6_conv', f'{LARGE_FIELD}/fc6', convolution),
    LayerMapping('fc7_conv', f'{LARGE_FIELD}/fc7', dense),
    *_skip_statistics(),
    *_dense_heads(),
    *_PROPOSAL_LAYERS,
    LayerMapping('fc6_det_0_0', f'{BOX_HEAD}/fc6', regions_dense),
    LayerMapping('fc7_det_0_0', f'{BOX_HEAD}/fc7', dense),
    LayerMapping('fc8_det_0_0', f'{BOX_HEAD}/scores', dense),
)
FASTER_RCNN = (
    *_CAFFE_TRUNK,
    *_fully_connected('fc6', 'fc7'),
    *_PROPOSAL_LAYERS,
    LayerMapping('cls_score', f'{BOX_HEAD}/scores', dense),
)
DEEPLAB = (
    *_CAFFE_TRUNK,
    LayerMapping('fc6', f'{LARGE_FIELD}/fc6', convolution),
    LayerMapping('fc7', f'{LARGE_FIELD}/fc7', dense),
    # Trained on VOC 2012, on VOC, or on COCO with the classes of VOC; a file has one of the three.
    LayerMapping('fc8_voc12', 'params/segmentation/fc7', dense),
    LayerMapping('fc8_voc', 'params/segmentation/fc7', dense),
    LayerMapping('fc8_coco', 'params/segmentation/fc7', dense),
)
ILSVRC = (*_CAFFE_TRUNK, *_fully_connected('fc6', 'fc7'))
TORCHVISION = (
    *_trunk([names.torch for names in CONVOLUTIONS], convolution),
    *_fully_connected('classifier.0', 'classifier.3'),
    *_fully_connected('pre_logits.fc1', 'pre_logits.fc2'),
)
KERAS = (
    *_trunk([names.keras for names in CONVOLUTIONS], bgr_convolution),
    *_fully_connected('fc1', 'fc2'),
)
LPIPS = _trunk([names.lpips for names in CONVOLUTIONS], convolution)

# Name of a convolution of ResNet-50 in torchvision -> (our name, the normalisation after it).
RESNET_CONVOLUTIONS = {'conv1': ('conv1/conv', 'bn1')} | {
    f'{stage}.{block}.{theirs}': (
        f'{stage}/block_{block}/{ours}',
        f'{stage}.{block}.{normalisation}',
    )
    for stage, blocks in (('layer1', 3), ('layer2', 4), ('layer3', 6), ('layer4', 3))
    for block in range(blocks)
    for theirs, ours, normalisation in (
        ('conv1', 'conv1', 'bn1'),
        ('conv2', 'conv2', 'bn2'),
        ('conv3', 'conv3', 'bn3'),
        ('downsample.0', 'shortcut', 'downsample.1'),
    )
    if theirs != 'downsample.0' or block == 0
}
RESNET = tuple(
    LayerMapping(theirs, f'{TRUNK}/{ours}', convolution)
    for theirs, (ours, _) in RESNET_CONVOLUTIONS.items()
)
