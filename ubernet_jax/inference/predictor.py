"""Runs a trained network on entire photographs of any size."""

import enum
import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.compilation_notice import CompilationNotice
from ubernet_jax.config import EvaluationConfig, InputSizeConfig
from ubernet_jax.config.serialization import to_json
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.inference.views import average_outputs, list_views, resize_to
from ubernet_jax.models.grid import Grid
from ubernet_jax.models.pyramid import Features
from ubernet_jax.network import SHARED, Network, Params
from ubernet_jax.tasks import Task
from ubernet_jax.tasks.strips import padded_width

Shapes = tuple[tuple[int, int], int]  # input size (height, width), and columns of the results


def input_size(height: int, width: int, config: InputSizeConfig, grid: Grid) -> tuple[int, int]:
    """Returns the size (height, width) to which an image is scaled (paper, as released).

    The short side is scaled to `config.short_side`, unless the long side or the area would then
    exceed its limit. Each side is rounded up to one that the trunk's grid allows, such as 32k+1, or
    down if the area limit applies.
    """
    short, long = sorted((height, width))
    scale = min(config.short_side / short, config.long_side / long)
    by_area = (config.area / (height * width)) ** 0.5
    rounded = grid.round_down if by_area < scale else grid.round_up

    def scaled(side: int) -> int:
        return rounded(round(side * min(scale, by_area), 3))  # 961.0000001 counts as 961

    return scaled(height), scaled(width)


class Purpose(enum.Enum):
    """What predictions are for: the methods of `Task` that compute it."""

    RESULT = 'finish', 'result'
    METRICS = 'finish_for_metrics', 'result_for_metrics'
    TEACHING = 'finish_for_teaching', 'teach'

    def finish(self, task: Task) -> Callable[..., Any]:
        """The method for the device."""
        return getattr(task, self.value[0])

    def compose(self, task: Task) -> Callable[..., Any]:
        """The method for the host."""
        return getattr(task, self.value[1])


class Predictor:
    """Runs the trunk once, then the heads of the tasks, then what makes their results.

    Trunk and heads are compiled once for each input size, the rest also for a few widths of
    photographs.
    """

    def __init__(
        self,
        network: Network,
        config: InputSizeConfig,
        params: Params,
        batch_stats: dict,
        notices: bool = False,
        evaluation: EvaluationConfig | None = None,
    ):
        """Takes a trained network.

        Args:
          network: trunk and heads.
          config: sizes to which photographs are scaled.
          params: parameters by group.
          batch_stats: running statistics of the skips.
          notices: whether to say on stderr when the network is compiled.
          evaluation: its scales and flip, over which dense tasks are averaged; None for the
            photograph alone.
        """
        self.network = network
        self._evaluation = evaluation or EvaluationConfig()
        self._config = config
        self.use(params, batch_stats)
        self._compiled: set[tuple[Shapes, str]] = set()  # with the names of tasks
        settings = to_json([network.config, network.tasks])
        self._notice = CompilationNotice('network', settings, silent=not notices)

    def use(self, params: Params, batch_stats: dict) -> None:
        """Predicts with other parameters from now on, without compiling again."""
        # Parameters read from a file are on the host; this avoids a transfer for every image.
        self._params, self._batch_stats = jax.device_put((params, batch_stats))

    def shapes(self, image: np.ndarray) -> Shapes:
        """Returns the sizes that the programs for an image (H, W, 3) are compiled for."""
        height, width = image.shape[:2]
        return input_size(height, width, self._config, self.network.grid), padded_width(width)

    def is_compiled_for(self, image: np.ndarray) -> bool:
        """Whether all tasks were predicted for an image (H, W, 3) of the same shapes."""
        shapes = self.shapes(image)
        return all((shapes, task) in self._compiled for task in self.network.tasks)

    def __call__(self, image: np.ndarray, tasks: Sequence[str]) -> Predictions:
        """Predicts at the size of the image.

        Args:
          image: uint8 (H, W, 3), RGB.
          tasks: names of the tasks.
        """
        (results,) = self.start([image], tasks)()
        return Predictions(image, {name: self.network.tasks[name] for name in results}, results)

    def teach(self, image: np.ndarray, task: str) -> Any:
        """Predicts a label of a task for training another network: see `Task.teach`."""
        (results,) = self.start([image], [task], purpose=Purpose.TEACHING)()
        return results[task]

    def start(
        self,
        images: Sequence[np.ndarray],
        tasks: Sequence[str],
        batch: int = 1,
        purpose: Purpose = Purpose.RESULT,
    ) -> Callable[[], list[dict[str, Any]]]:
        """Starts predicting for images of the same `shapes`, without waiting for the device.

        Args:
          images: uint8 (H, W, 3), RGB.
          tasks: names of the tasks.
          batch: number of images that the programs are compiled for; the last image is repeated if
            there are fewer.
          purpose: what the predictions are for.

        Returns:
          A function that waits, and returns the results of each image by task. While it composes
          the results of a task, the device computes the next tasks.
        """
        known = {name: self.network.tasks[name] for name in tasks}
        shapes = size, _ = self.shapes(images[0])
        indices = np.minimum(np.arange(batch), len(images) - 1)
        image_sizes = np.array([image.shape[:2] for image in images], np.int32)[indices]
        views = list_views(size, self._evaluation, self.network.grid)
        averaged = [name for name, task in known.items() if task.averages_views]
        views = views if averaged else views[:1]
        outputs, sizes, finished = {name: [] for name in known}, {}, {}
        with self._notice.calling(size):
            for view in views:
                names = tasks if view is views[0] else averaged
                resized = resize_to(view, images)[indices]
                scales = (view.size / image_sizes).astype(np.float32)
                network = self.network, self._params, self._batch_stats
                for name, output in apply(*network, resized, names, scales).items():
                    outputs[name].append(output)
            for name, task in known.items():
                output, sizes[name] = average_outputs(self.network, name, outputs[name], views)
                finished[name] = purpose.finish(task)(output, sizes[name], image_sizes)
        for array in jax.tree.leaves(finished):
            array.copy_to_host_async()

        def wait() -> list[dict[str, Any]]:
            results = [{} for _ in images]
            for name, task in known.items():
                arrays = jax.device_get(finished[name])
                for index, image in enumerate(images):
                    of_image = jax.tree.map(operator.itemgetter(index), arrays)
                    composed = purpose.compose(task)(of_image, sizes[name], image.shape[:2])
                    results[index][name] = composed
                self._compiled.add((shapes, name))
            return results

        return wait


def apply(
    network: Network,
    params: Params,
    batch_stats: dict,
    images: jax.Array | np.ndarray,
    tasks: Sequence[str],
    scales: np.ndarray | None = None,
) -> dict[str, Any]:
    """Runs the trunk, then the heads of `tasks`, on entire images of the same size.

    The trunk and each head are separate programs, so a new size requires only a single compilation
    of the trunk, for any choice of tasks.

    Args:
      network: the network.
      params: parameters by group.
      batch_stats: running statistics of the skips.
      images: uint8 (N, H, W, 3), RGB; both sides are allowed by the grid of the trunk.
      tasks: names of the tasks.
      scales: float32 (N, 2), vertical and horizontal pixels of each image per pixel of its
        photograph; None if that is not known, for 1.

    Returns:
      The outputs of the heads by task: see `Task.predict`.
    """
    features = _features(network, params[SHARED], batch_stats, images)
    image_sizes = np.tile(np.array(images.shape[1:3], np.int32), (len(images), 1))
    scales = np.ones_like(image_sizes, np.float32) if scales is None else scales
    return {
        name: _head(network, name, params[name], features, image_sizes, scales) for name in tasks
    }


@functools.partial(jax.jit, static_argnums=0)
def _features(network: Network, params: dict, batch_stats: dict, image: jax.Array) -> Features:
    valid = jnp.ones(image.shape[:3], bool)
    return network.features(params, batch_stats, image, valid)[0]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _head(
    network: Network,
    task: str,
    params: dict,
    features: Features,
    image_sizes: jax.Array,
    scales: jax.Array,
) -> Any:
    return network.tasks[task].predict(network.head(task), params, features, image_sizes, scales)
