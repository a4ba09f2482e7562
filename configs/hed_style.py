"""Boundaries alone, trained as the networks made for them alone are (HED, arXiv 1511.07386).

    python -m ubernet_jax.prepare bsds500 --source DIR
    python -m ubernet_jax.train --config configs/hed_style.py --workdir runs/hed_style
    python -m ubernet_jax.evaluate --checkpoint runs/hed_style

The setup in which the paper's network (arXiv 1609.02132, section 4) reaches, as recalled, ODS .815,
OIS .835, AP .862 on BSDS500, against .791, .809, .849 of `configs/ubernet.py` with boundaries
alone: the 300 images of BSDS500 only, graduated deep supervision, higher learning rates of the
heads, rescaled, mirrored and turned images. The factor of ten between the learning rates is our
choice. Needs a GPU; not yet measured.
"""

from configs import ubernet
from ubernet_jax import config as c


def get_config() -> c.Config:
    config = ubernet.get_config()
    config.name = 'hed_style'
    config.images = 50_000  # 5000 updates of ten
    config.tasks = {'boundaries': c.Boundaries(learning_rate=1e-2)}
    config.optim.shared.batch_size = 10
    config.loss.graduated = True
    config.data.scale = (0.5, 1.5)
    config.data.rotations = 16  # as HED's
    config.data.train = [
        c.DatasetConfig(name='bsds500', split='train'),
        c.DatasetConfig(name='bsds500', split='val'),
    ]
    config.evaluation.benchmarks = [c.DatasetConfig(name='bsds500', split='test')]
    return config
