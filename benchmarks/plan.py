"""Prints the plan of a run on the complete official datasets, from their official counts.

    python -m benchmarks.plan configs/ubernet.py:with_val

Which training images are also images of a benchmark is known only with the data: here none is left
out. On prepared data, `ubernet doctor --config FILE` prints the same plan without
them.
"""

import argparse
import pathlib

import numpy as np

from ubernet_jax.config import DatasetConfig
from ubernet_jax.config.flags import load_config
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.schedule import make_schedule
from ubernet_jax.training.training_sets import make_training_sets

SIZE = (375, 500)  # of all images; the plan does not depend on it
# Photographs of 2007 in the lists of the masks of VOC2012, which have no boxes there.
ONLY_MASKS = {('voc2012', 'train'): 311, ('voc2012', 'val'): 321}


def official_dataset(setting: DatasetConfig) -> Dataset:
    """Describes the complete split of a dataset, without records."""
    builder = make_builder(setting.name, pathlib.Path('none'))
    card, split = builder.card, setting.split
    counts = card.labels.get(split, {})
    boxes_or_all = card.counts.get(split) or max(counts.values())
    only_masks = ONLY_MASKS.get((setting.name, split), 0)
    images = boxes_or_all + only_masks
    labelled = {}
    for name in builder.labels:
        count = counts.get(name, boxes_or_all)
        # The first images have boxes, the last ones masks.
        labelled[name] = np.arange(images) < count
        if only_masks and count < boxes_or_all:
            labelled[name] = labelled[name][::-1]
    return Dataset(
        name=setting.name,
        split=split,
        directory=pathlib.Path('none'),
        collection=builder.collection,
        labels=builder.labels,
        ids=tuple(map(str, range(images))),
        sizes=np.full((images, 2), SIZE, np.int32),
        labelled=labelled,
        counts={},
        rows=np.arange(images),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.plan', description=__doc__)
    parser.add_argument('config', metavar='FILE[:VARIANT]', help='of public datasets')
    config = load_config(parser.parse_args().config)
    datasets = [official_dataset(setting) for setting in config.data.train]
    benchmarks = [official_dataset(setting) for setting in config.evaluation.benchmarks]
    config, sets = make_training_sets(config, datasets, benchmarks)
    print(make_schedule(config, Epochs(sets, config.data, config.seed)).describe())


if __name__ == '__main__':
    main()
