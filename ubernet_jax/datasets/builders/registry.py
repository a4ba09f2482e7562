"""The known datasets, by the names used in configs and on the command line."""

import pathlib
import re

from ubernet_jax.datasets.builders.bsds500 import Bsds500
from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.cityscapes import Cityscapes
from ubernet_jax.datasets.builders.coco import Coco2017
from ubernet_jax.datasets.builders.coco_sets import CocoSet
from ubernet_jax.datasets.builders.ecssd import Ecssd
from ubernet_jax.datasets.builders.folder import Folder
from ubernet_jax.datasets.builders.msra10k import Msra10k
from ubernet_jax.datasets.builders.mtan import CityscapesMtan, NyuV2Mtan
from ubernet_jax.datasets.builders.nyud_mt import NyudMt
from ubernet_jax.datasets.builders.nyudv2 import NyudV2, NyudV2Gupta
from ubernet_jax.datasets.builders.pascal_context import PascalContext
from ubernet_jax.datasets.builders.pascal_mt import PascalMt
from ubernet_jax.datasets.builders.pascal_s import PascalS
from ubernet_jax.datasets.builders.person_part import PersonPart
from ubernet_jax.datasets.builders.sbd import Sbd
from ubernet_jax.datasets.builders.synthetic import Synthetic
from ubernet_jax.datasets.builders.voc import Voc2007, Voc2012
from ubernet_jax.datasets.builders.yolo_sets import YoloSet
from ubernet_jax.errors import UserError

BUILDERS = {
    builder.name: builder
    for builder in (
        Bsds500, Voc2007, Voc2012, Sbd, PascalContext, PersonPart, PascalS, Msra10k, Ecssd,
        NyudV2, NyudV2Gupta, NyudMt, PascalMt, NyuV2Mtan, Cityscapes, CityscapesMtan, Coco2017,
        Synthetic,
    )
}  # fmt: skip
# Formats of the datasets of users, whose name is `FORMAT/NAME`.
FORMATS = {builder.name: builder for builder in (Folder, CocoSet, YoloSet)}
KNOWN_NAMES = (*BUILDERS, *(f'{name}/NAME' for name in FORMATS))


def list_folders(directory: pathlib.Path) -> list[str]:
    """Lists `FORMAT/NAME` of every prepared dataset of the user, such as `folder/garden`."""
    return [
        f'{name}/{path.name}'
        for name in FORMATS
        for path in sorted((directory / name).glob('[!.]*'))
    ]


def make_builder(name: str, directory: pathlib.Path) -> Builder:
    """Creates the builder of a dataset, prepared or not.

    Args:
      name: a key of `BUILDERS`, or `FORMAT/NAME`: for `folder/NAME`, NAME is the name of a folder.
      directory: folder of the prepared datasets.

    Raises:
      UserError: there is no dataset with this name.
    """
    if name in BUILDERS:
        return BUILDERS[name](data_dir=directory)
    named = re.fullmatch(rf'({"|".join(FORMATS)})/([\w-]+)', name)
    if named:
        return FORMATS[named[1]](data_dir=directory, config=named[2])
    raise UserError(
        f'unknown dataset {name!r}; known: {", ".join(KNOWN_NAMES)} '
        '(NAME may contain letters, digits, _ and -)'
    )
