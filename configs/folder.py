"""Any prepared datasets: the configuration that `ubernet configure` would write, without a file.

    ubernet prepare folder/garden folder/street --source DIR
    ubernet train --config folder:garden,street --workdir runs/my
    ubernet evaluate --checkpoint runs/my

The names are separated by commas; NAME is `folder/NAME`, or a public dataset such as `bsds500`. The
datasets are read from `data/prepared`. The settings depend on the machine, so that `ubernet
configure` is the better choice for a run that is to be repeated.
"""

import pathlib

from ubernet_jax import config as c
from ubernet_jax.configure import inspect_machine, make_plan
from ubernet_jax.datasets.builders.registry import BUILDERS
from ubernet_jax.errors import UserError


def get_config(names: str = '') -> c.Config:
    chosen = [name for name in names.split(',') if name]
    if not chosen:
        raise UserError('folder.py: no dataset is named: --config folder:NAME,NAME')
    datasets = [name if name in BUILDERS or '/' in name else f'folder/{name}' for name in chosen]
    directory = pathlib.Path(c.DataConfig().directory)
    # Not measured, so that the same command continues the same run.
    machine = inspect_machine(measure=False)
    return make_plan(datasets, directory, f'folder:{names}', machine).config
