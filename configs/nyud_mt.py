"""NYUD-MT, four tasks, with the recipe of `configs/pascal_mt.py`.

    ubernet prepare nyud_mt --source DIR
    ubernet train --config nyud_mt --workdir runs/nyud_mt
    ubernet evaluate --checkpoint runs/nyud_mt

The variants are the trunks: `nyud_mt:vgg16`, the default, `nyud_mt:resnet50` and
`nyud_mt:vit_base`. The loss weights are those of InvPT (`InvPT/configs/nyud/nyud_vitLp16.yml` in
github.com/prismformore/Multi-Task-Transformer), which pads images of 425 x 560 to 448 x 576; here
they are enlarged by 3 % into that size, which is 449 x 577 for convolutional trunks. Not run yet;
published scores are in docs/results.md.
"""

from ubernet_jax import config as c
from ubernet_jax.configs import pascal_mt
from ubernet_jax.configs.pascal_mt import GROUP


def get_config(trunk: str = 'vgg16') -> c.Config:
    return pascal_mt.make_config(
        'nyud_mt',
        trunk,
        size=(448, 576),
        tasks={
            'segmentation': c.Segmentation(**GROUP),  # the 40 classes of the data
            'depth': c.Depth(**GROUP),
        },
    )
