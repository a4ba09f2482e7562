"""PASCAL-MT, five tasks, with the recipe that most papers since InvPT share.

    ubernet prepare pascal_mt --source DIR
    ubernet train --config pascal_mt --workdir runs/pascal_mt
    ubernet evaluate --checkpoint runs/pascal_mt

The variants are the trunks: `pascal_mt:vgg16`, the default, `pascal_mt:resnet50` and
`pascal_mt:vit_base` (ViT-B/16), which need `--config.model.weights=FILE` (docs/weights.md).
`configs/nyud_mt.py` is the same for NYUD-MT.

The recipe is that of InvPT (`InvPT/configs/pascal/pascal_vitLp16.yml`, `InvPT/run.sh` and
`InvPT/utils/common_config.py` in github.com/prismformore/Multi-Task-Transformer): 40,000 iterations
of 6 images, as 3 devices with 2 images each; Adam at 2e-5 with weight decay 1e-6 and polynomial
decay with the power .9; the loss weights below; images scaled by .5 to 2, cropped or padded to 512
x 512, flipped, and distorted photometrically. Differences: the network, without losses of
intermediate predictions; AdamW instead of Adam; images of at most 500 pixels are enlarged by up to
3 % to that size, which is 513 x 513 for convolutional trunks; the loss of the saliency is not
balanced. The learning rate was chosen for transformers: for ResNet-18,
github.com/SimonVandenhende/Multi-Task-Learning-PyTorch trains with 1e-4
(`configs/pascal/resnet18/multi_task_baseline.yml`). `evaluate` scores by the protocol of InvPT,
`evaluate --protocol NAME` by others (docs/protocols.md). Not run yet, so there are no scores;
published ones are in docs/results.md.
"""

from typing import Any

from ubernet_jax import config as c
from ubernet_jax.errors import UserError

# Variant -> settings of the network.
TRUNKS: dict[str, dict[str, Any]] = {
    'vgg16': {'trunk': c.Trunk.VGG16},
    'resnet50': {'trunk': c.Trunk.RESNET50, 'initialisation': c.Initialisation.FILE},
    'vit_base': {'trunk': c.Trunk.VIT_BASE_PATCH16, 'initialisation': c.Initialisation.FILE},
}
GROUP = {'batch_size': 6, 'learning_rate': 2e-5, 'polynomial': True}


def get_config(trunk: str = 'vgg16') -> c.Config:
    return make_config(
        'pascal_mt',
        trunk,
        size=(512, 512),
        tasks={
            'segmentation': c.PAPER['segmentation'](**GROUP),
            'parts': c.PAPER['parts'](**GROUP, weight=2.0),
            'saliency': c.SoftMask(**GROUP, weight=5.0),
        },
    )


def make_config(
    dataset: str, trunk: str, size: tuple[int, int], tasks: dict[str, c.Task]
) -> c.Config:
    """Returns the recipe for a dataset with the splits `train` and `val`.

    Args:
      dataset: its name, which is that of the configuration.
      trunk: a key of `TRUNKS`.
      size: (height, width) of the images in the network, at most: multiples of 16. With
        convolutional trunks both are one pixel larger.
      tasks: name -> task, besides normals and boundaries.
    """
    if trunk not in TRUNKS:
        raise UserError(f'{dataset}.py:{trunk}: unknown trunk; known: {", ".join(TRUNKS)}')
    height, width = size = size if trunk == 'vit_base' else (size[0] + 1, size[1] + 1)
    tasks |= {
        # With so early a transition, almost the L1 loss of InvPT.
        'normals': c.Normals(**GROUP, weight=10.0, transition=0.01),
        'boundaries': c.Boundaries(**GROUP, weight=50.0, bag_radius=0),
    }
    return c.Config(
        name=f'{dataset}:{trunk}',
        steps=40_000,
        tasks=tasks,
        model=c.ModelConfig(scales=1, statistics=c.Statistics.RUNNING, **TRUNKS[trunk]),
        optim=c.OptimConfig(
            algorithm=c.Algorithm.SYNCHRONOUS,
            optimizer=c.Optimizer.ADAMW,
            weight_decay=1e-6,
            bias_multiplier=1.0,
            shared=c.GroupConfig(**GROUP),
        ),
        data=c.DataConfig(
            train=[c.DatasetConfig(name=dataset, split='train')],
            buckets=(size,),
            images_per_micro_batch=2,
            micro_batches_per_step=3,
            scale=(0.5, 2.0),
            photometric=1.0,
            workers=4,
        ),
        input_size=c.InputSizeConfig(short_side=height, long_side=width, area=height * width),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name=dataset, split='val')], protocol='invpt'
        ),
        log_every=100,
        checkpoint_every=1000,
        pictures_every=2000,
        evaluate_every=5000,
    )
