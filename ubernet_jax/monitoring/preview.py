"""Pictures of fixed test images at intervals of the training: predictions above labels."""

import pathlib
from collections.abc import Mapping

from PIL import Image

from ubernet_jax.config import Config
from ubernet_jax.datasets.reading import open_dataset
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.tasks import Task
from ubernet_jax.visualize import Panel, contact_sheet, panel


class Preview:
    """The first image of each benchmark, drawn with every task's prediction and label."""

    def __init__(self, config: Config, tasks: Mapping[str, Task], directory: pathlib.Path):
        self._tasks, self._directory = tasks, directory
        prepared = pathlib.Path(config.data.directory)
        self._examples = [
            open_dataset(benchmark.name, benchmark.split, prepared)[0]
            for benchmark in config.evaluation.benchmarks
        ]

    def draw(self, step: int, predictor: Predictor) -> None:
        """Writes `STEP.png`; nothing if the configuration has no benchmark."""
        panels = []
        for example in self._examples:
            predictions = predictor(example.image, tuple(self._tasks))
            panels.append(Panel(caption=example.id, picture=example.image))
            panels += [panel(t, predictions, example.image) for t in self._tasks.values()]
            panels.append(None)
            panels += [
                panel(t, example.labels, example.image, note='label') for t in self._tasks.values()
            ]
        if panels:
            self._directory.mkdir(parents=True, exist_ok=True)
            sheet = contact_sheet(panels, columns=1 + len(self._tasks), side=200)
            Image.fromarray(sheet).save(self._directory / f'{step:08d}.png')
