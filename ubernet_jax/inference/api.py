"""A trained network as a Python object; `from ubernet_jax import UberNet`, see docs/python.md."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import overload

from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.network import make_network
from ubernet_jax.photographs import Photograph, read_photograph
from ubernet_jax.tasks import Task, select_tasks
from ubernet_jax.weights.trained import open_checkpoint


class UberNet:
    """A trained network, applied to photographs of any size.

    One object serves several threads at once. Each new size at which photographs enter the network
    is compiled once: see `predictor.input_size`.
    """

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    @classmethod
    def load(cls, path: str | os.PathLike) -> 'UberNet':
        """Reads a workdir (its newest checkpoint), WORKDIR/checkpoints/STEP, or an exported file.

        Raises:
          UserError: there is no checkpoint, or it cannot be read.
        """
        config, _, params, batch_stats = open_checkpoint(pathlib.Path(path))
        return cls(Predictor(make_network(config), config.input_size, params, batch_stats))

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The network's tasks by name, in the order of its configuration."""
        return self._predictor.network.tasks

    @overload
    def predict(
        self, images: Photograph, tasks: Sequence[str] | str | None = None
    ) -> Predictions: ...

    @overload
    def predict(
        self, images: Sequence[Photograph], tasks: Sequence[str] | str | None = None
    ) -> list[Predictions]: ...

    def predict(self, images, tasks=None):
        """Predicts; what comes back has the photograph's own size.

        Args:
          images: a file, a Pillow image or an array uint8 (H, W, 3), RGB; or a list of these.
          tasks: only these, or only this; None for all. The fewer, the faster.

        Returns:
          task name -> result; for a list of images a list of these.

        Raises:
          UserError: the network has no such task, or an image cannot be read.
        """
        names = select_tasks(self.tasks, tasks)
        if isinstance(images, (list, tuple)):
            return [self._predict(image, names) for image in images]
        return self._predict(images, names)

    def _predict(self, source: Photograph, names: Sequence[str]) -> Predictions:
        return self._predictor(read_photograph(source), names)
