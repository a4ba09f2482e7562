"""A trained network as a Python object; `from ubernet_jax import UberNet`, see docs/python.md."""

import html
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeVar, overload

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.inference.batches import (
    Request,
    default_batch,
    map_ahead,
    predict_in_batches,
)
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.inference.views import choose_views
from ubernet_jax.network import make_network
from ubernet_jax.photographs import Photograph, read_photograph
from ubernet_jax.tasks import Task, select_tasks
from ubernet_jax.weights.trained import open_checkpoint
from ubernet_jax.weights.urls import refuse_url

Item = TypeVar('Item')


class UberNet:
    """A trained network that predicts for photographs of any size.

    The object can be used by several threads at once, but not after `os.fork`. The network is
    compiled once for each size to which photographs are scaled: see `predictor.input_size`.

    Attributes:
      datasets: names of the datasets that the network was trained on; empty if they are not known.
    """

    _process: ClassVar[int | None] = None  # the process that has loaded a network

    def __init__(self, predictor: Predictor, datasets: Sequence[str] = ()):
        self._predictor, self.datasets = predictor, tuple(datasets)
        UberNet._process = os.getpid()

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        notices: bool = False,
        flip: bool | None = None,
        scales: Sequence[float] | None = None,
    ) -> 'UberNet':
        """Reads a network from a workdir (its newest checkpoint), a checkpoint or an exported file.

        Args:
          path: of the workdir, checkpoint or file; or `reference`, the network of the package.
          notices: whether to say on stderr when the network is compiled, which takes long.
          flip: whether to average over the photograph and its mirror image (`evaluation.flip`);
            None as the configuration of the network says.
          scales: factors on the input size to average over, among them 1 (`evaluation.scales`);
            None as the configuration of the network says.

        Raises:
          UserError: there is no checkpoint, or it cannot be read; or the scales are not allowed; or
            a network was loaded before this process was forked.
        """
        _refuse_forked(cls._process)
        config, _, params, batch_stats = open_checkpoint(pathlib.Path(path))
        network, evaluation = make_network(config), choose_views(config.evaluation, flip, scales)
        predictor = Predictor(network, config.input_size, params, batch_stats, notices, evaluation)
        return cls(predictor, [dataset.name for dataset in config.data.train])

    def __repr__(self) -> str:
        model = self._predictor.network.config
        return f'UberNet with trunk {model.trunk.value} and tasks {", ".join(self.tasks)}'

    def _repr_html_(self) -> str:
        """Returns a table of the tasks and their classes, which a notebook shows."""
        model = self._predictor.network.config
        trunk = f'trunk {model.trunk.value}, width {model.width:g}, {model.scales} scales'
        trained = f'; trained on {", ".join(self.datasets)}' if self.datasets else ''
        rows = ''.join(
            f'<tr><td>{name}</td><td>{task.kind}</td>'
            f'<td>{html.escape(", ".join(task.classes))}</td></tr>'
            for name, task in self.tasks.items()
        )
        return (
            f'<table><caption>UberNet: {html.escape(trunk + trained)}</caption>'
            f'<tr><th>task</th><th>kind</th><th>classes</th></tr>{rows}</table>'
        )

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The network's tasks by name, in the order of its configuration."""
        return self._predictor.network.tasks

    def is_compiled_for(self, photograph: np.ndarray) -> bool:
        """Whether all tasks were predicted for a photograph (H, W, 3) of the same input size."""
        return self._predictor.is_compiled_for(photograph)

    @overload
    def predict(
        self, images: Photograph, tasks: Sequence[str] | str | None = None
    ) -> Predictions: ...

    @overload
    def predict(
        self, images: Sequence[Photograph], tasks: Sequence[str] | str | None = None
    ) -> list[Predictions]: ...

    def predict(self, images, tasks=None):
        """Predicts for a photograph or a list of photographs; results have the photograph's size.

        Args:
          images: the name of a file, its content as bytes, an open binary file, a Pillow image, or
            an array uint8 (H, W, 3) RGB, (H, W) grey or (H, W, 4) RGBA; or a list of these.
            Transparent pixels are put on white.
          tasks: names of the tasks to predict, or a single name; None for all tasks. Fewer tasks
            take less time.

        Returns:
          The results by task name; for a list of images, a list of such mappings.

        Raises:
          UserError: the network has no such task, or an image cannot be read: a folder and a URL
            are not read. Or the network was loaded before this process was forked.
        """
        _refuse_forked(self._process)
        names = select_tasks(self.tasks, tasks)
        if isinstance(images, (list, tuple)):
            photographs = map_ahead(_read, images, ahead=1)
            results = dict(self.predict_each(enumerate(photographs), names))
            return [results[index] for index in range(len(images))]
        return self._predictor(_read(images), names)

    def predict_each(
        self,
        photographs: Iterable[tuple[Item, np.ndarray]],
        tasks: Sequence[str] | str | None = None,
        batch: int | None = None,
    ) -> Iterator[tuple[Item, Predictions]]:
        """Predicts for any number of photographs, in batches of similar sizes.

        Args:
          photographs: pairs of anything, such as a name, and a photograph uint8 (H, W, 3), RGB.
          tasks: as for `predict`.
          batch: photographs that the device computes at once; by default 1 on a CPU, else 4.

        Yields:
          Pairs of the same thing and its predictions. The order differs from that of the
          photographs if their sizes do.

        Raises:
          UserError: as `predict`.
        """
        _refuse_forked(self._process)
        names = select_tasks(self.tasks, tasks)
        known = {name: self.tasks[name] for name in names}
        requests = (Request(item, image, names) for item, image in photographs)
        batch = batch or default_batch()
        for request, results in predict_in_batches(self._predictor, requests, batch):
            yield request.item, Predictions(request.image, known, results)


def _read(source: Photograph) -> np.ndarray:
    if isinstance(source, (str, os.PathLike)):
        _require_file(source)
    photograph = read_photograph(source)
    return photograph.copy() if photograph is source else photograph


def _refuse_forked(process: int | None) -> None:
    """Raises a UserError in a fork of the process that has loaded a network; JAX would hang."""
    if process not in (None, os.getpid()):
        raise UserError(
            f'process {os.getpid()} was forked from process {process} after that had loaded a '
            'network, and threads do not survive a fork: load networks only in the new process, or '
            "start it otherwise: multiprocessing.get_context('spawn')"
        )


def _require_file(source: str | os.PathLike) -> None:
    """Raises a UserError if the source of a photograph is a URL or a folder."""
    refuse_url(source)
    if os.path.isdir(source):
        raise UserError(
            f'{os.fspath(source)} is a folder: give a list of its files, or use '
            'ubernet predict, which takes folders'
        )
