"""Boundaries alone, trained like a network for boundary detection (HED, arXiv 1511.07386).

    ubernet prepare bsds500 --source DIR
    ubernet train --config hed_style --workdir runs/hed_style \
        --config.model.weights=vgg16.safetensors
    ubernet evaluate --checkpoint runs/hed_style

In this setup the paper's network (arXiv 1609.02132, section 4) reaches ODS .815, OIS .835 and AP
.862 on BSDS500, compared with .791, .809 and .849 in the setup of `configs/ubernet.py` with
boundaries alone (quoted from memory). It uses only the 300 images of BSDS500; losses on the maps of
all skips and scales, whose weight falls to 0 (graduated deep supervision); higher learning rates
for the heads; and rescaled, flipped and rotated images. `hed_style.py:context` adds the boundaries
of PASCAL-Context, as that work does. The factor of ten between the learning rates is our choice.
docs/weights.md shows how to get the weights with which it starts. Needs a GPU; not yet measured.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import ubernet
from ubernet_jax.errors import UserError

VARIANTS = ('bsds', 'context')


def get_config(variant: str = 'bsds') -> c.Config:
    if variant not in VARIANTS:
        raise UserError(f'hed_style.py:{variant}: unknown variant; known: {", ".join(VARIANTS)}')
    config = ubernet.get_config()
    config.name = f'hed_style:{variant}'
    config.images = 50_000  # 5000 updates of 10 images
    config.tasks = {'boundaries': c.Boundaries(learning_rate=1e-2, side_outputs=True)}
    config.optim.shared.batch_size = 10
    config.loss.graduated = True
    config.data.scale = (0.5, 1.5)
    config.data.train = [
        c.DatasetConfig(name='bsds500', split=split, rotations=16)  # as in HED
        for split in ('train', 'val')
    ]
    if variant == 'context':
        config.data.train += [
            c.DatasetConfig(name='pascal_context', split=split, tasks=('boundaries',))
            for split in ('train', 'val')
        ]
    config.evaluation.benchmarks = [c.DatasetConfig(name='bsds500', split='test')]
    return config
