"""Digests of published weight files, by which a damaged download is recognised."""

import hashlib
import pathlib

from ubernet_jax.errors import UserError

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


def check_digest(path: pathlib.Path) -> None:
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
