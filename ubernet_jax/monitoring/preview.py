"""Pictures of fixed test images during training: predictions above labels."""

import pathlib

import numpy as np
from PIL import Image

from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.contact_sheet import label_panel
from ubernet_jax.datasets.label_mapping import map_labels
from ubernet_jax.datasets.reading import open_dataset
from ubernet_jax.example import Example
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.visualize import Panel, contact_sheet
from ubernet_jax.writing import new_file


class Preview:
    """The first image of each benchmark, drawn with every task's prediction and label."""

    def __init__(self, config: Config, directory: pathlib.Path):
        self._tasks, self._directory = tuple(config.tasks), directory
        benchmarks = config.evaluation.benchmarks
        self._examples = [_first_example(benchmark, config) for benchmark in benchmarks]

    def draw(self, step: int, predictor: Predictor) -> np.ndarray | None:
        """Writes `STEP.png`; returns the picture, or None if the configuration has no benchmark."""
        panels = []
        for example in self._examples:
            _, *predicted = predictor(example.image, self._tasks).panels()
            panels += [Panel(caption=example.id, picture=example.image), *predicted, None]
            panels += [label_panel(example, name, f'{name} (label)') for name in self._tasks]
        if not panels:
            return None
        sheet = contact_sheet(panels, columns=1 + len(self._tasks), side=200)
        with new_file(self._directory / f'{step:08d}.png') as new:
            Image.fromarray(sheet).save(new)
        return sheet


def _first_example(benchmark: DatasetConfig, config: Config) -> Example:
    """The first example of a benchmark, with labels by the names of the tasks."""
    dataset = open_dataset(benchmark.name, benchmark.split, pathlib.Path(config.data.directory))
    return dataset[0].rename(map_labels(dataset, benchmark, config.tasks))
