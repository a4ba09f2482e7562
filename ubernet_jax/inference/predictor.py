"""A trained network applied to whole photographs of any size."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
import scipy.special

from ubernet_jax.config import STRIDE, InputSizeConfig
from ubernet_jax.errors import UserError
from ubernet_jax.models.detection import Detected
from ubernet_jax.models.ubernet import SHARED, Features, Params, UberNet
from ubernet_jax.ops.interpolate import interpolation_matrix
from ubernet_jax.structs import Detections, Predictions
from ubernet_jax.tasks import LabelKind, LossKind, Task
from ubernet_jax.transforms.resampling import resize_image

STRIP = 64  # rows of the result computed at a time: they stay in the cache, and memory is bounded


def input_size(height: int, width: int, config: InputSizeConfig) -> tuple[int, int]:
    """Size (height, width) at which an image enters the network (paper, as released).

    The short side is scaled to `config.short_side`, unless the long side or the area then exceeds
    its limit. Each side is rounded up to 32k+1; down where the area limit bites.
    """
    short, long = sorted((height, width))
    scale = min(config.short_side / short, config.long_side / long)
    by_area = (config.area / (height * width)) ** 0.5
    round_down = by_area < scale
    # Rounded off first: 961.0000001 is not more than 961.
    sides = (round(side * min(scale, by_area), 3) for side in (height, width))
    rounded = (int((s - 1) // STRIDE if round_down else -((1 - s) // STRIDE)) for s in sides)
    return tuple(max(1, k) * STRIDE + 1 for k in rounded)


def select_tasks(tasks: Mapping[str, Task], wanted: Sequence[str] | str | None) -> tuple[str, ...]:
    """A network's tasks, or that or those of them that are wanted, in the table's order.

    Raises:
      UserError: the network has no such task.
    """
    wanted = (wanted,) if isinstance(wanted, str) else wanted
    unknown = set(wanted or ()) - set(tasks)
    if unknown:
        raise UserError(
            f'unknown task {", ".join(sorted(unknown))}: this network has {", ".join(tasks)}'
        )
    return tuple(name for name in tasks if wanted is None or name in wanted)


class Predictor:
    """Runs the trunk once and the heads of the wanted tasks; compiled once for each input size."""

    def __init__(
        self, network: UberNet, config: InputSizeConfig, params: Params, batch_stats: dict
    ):
        self.network = network
        self._config = config
        # Read from a file they are on the host: do not send them over for every image.
        self._params, self._batch_stats = jax.device_put((params, batch_stats))

    def scores(
        self, image: np.ndarray, tasks: Sequence[str]
    ) -> Iterator[tuple[str, np.ndarray | tuple[Detections, Detections]]]:
        """What the heads say of an image uint8 (H, W, 3), one after another: while the caller deals
        with one, the next are computed.

        Yields:
          a dense task and its fused scores float32 (h, w, C), at its resolution of the input size;
          detection, its detections and (without classes) proposals, at the image's own size.
        """
        size = input_size(*image.shape[:2], self._config)
        resized = resize_image(image, size)[None]
        outputs = apply(self.network, self._params, self._batch_stats, resized, tasks)
        for name, output in outputs.items():
            if isinstance(output, Detected):
                yield name, _at_own_size(output, size, image.shape[:2])
            else:
                yield name, np.asarray(output)[0]

    def __call__(self, image: np.ndarray, tasks: Sequence[str]) -> Predictions:
        """Predictions at the image's own size; scores are interpolated, never labels."""
        fields = {}
        for name, scores in self.scores(image, tasks):
            task = self.network.tasks[name]
            if task.label is LabelKind.BOXES:
                fields[name], _ = scores
            else:
                arrays = _finish_in_strips(_finish, task, scores, image.shape[:2])
                fields |= dict(zip(_fields(name), arrays, strict=True))
        return Predictions(**fields)

    def measurable(
        self, image: np.ndarray, tasks: Sequence[str]
    ) -> dict[str, np.ndarray | tuple[Detections, Detections]]:
        """What the evaluators take of each task, at the image's own size.

        Returns:
          task -> the array of `Predictions`; but of semantic boundaries the probability of every
          class, in 255ths: uint8 (C - 1, H, W); and of detection the detections and the proposals.
        """
        results = {}
        for name, scores in self.scores(image, tasks):
            task = self.network.tasks[name]
            if task.label is LabelKind.BOXES:
                results[name] = scores
                continue
            every_class = task.thin and task.label is LabelKind.CLASSES
            finish = _class_probabilities if every_class else _finish
            array, *_ = _finish_in_strips(finish, task, scores, image.shape[:2])
            results[name] = np.moveaxis(array, 1, 0) if every_class else array
        return results


def apply(
    network: UberNet,
    params: Params,
    batch_stats: dict,
    images: jax.Array | np.ndarray,
    tasks: Sequence[str],
) -> dict[str, jax.Array | Detected]:
    """Runs the trunk, then the heads of `tasks`, on whole images of one size.

    The trunk and each head are programs of their own: whichever tasks are wanted, a new size costs
    one compilation of the trunk.

    Args:
      network: the network.
      params: by group.
      batch_stats: running statistics of the skips.
      images: uint8 (N, H, W, 3), RGB; sides 32k+1.
      tasks: names.

    Returns:
      dense task -> fused scores (N, h, w, C) at its resolution; detection -> `Detected`.
    """
    features = _features(network, params[SHARED], batch_stats, images)
    extents = np.tile(np.array(images.shape[1:3], np.float32), (len(images), 1))
    results = {}
    for name in tasks:
        if network.tasks[name].label is LabelKind.BOXES:
            results[name] = _detect(network, name, params[name], features, extents)
        else:
            results[name] = _fused_scores(network, name, params[name], features)
    return results


@functools.partial(jax.jit, static_argnums=0)
def _features(network: UberNet, params: dict, batch_stats: dict, image: jax.Array) -> Features:
    valid = jnp.ones(image.shape[:3], bool)
    return network.features(params, batch_stats, image, valid)[0]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _fused_scores(network: UberNet, task: str, params: dict, features: Features) -> jax.Array:
    return network.scores(task, params, features)[-1]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _detect(
    network: UberNet, task: str, params: dict, features: Features, extents: jax.Array
) -> Detected:
    return network.detect(task, params, features, extents)


def _at_own_size(
    detected: Detected, size: tuple[int, int], own_size: tuple[int, int]
) -> tuple[Detections, Detections]:
    """Detections and proposals of one image, seen at `size`, at its own size."""
    detected = jax.device_get(jax.tree.map(lambda x: x[0], detected))
    proposals = detected.proposals
    scale = np.array([own / side for own, side in zip(own_size, size, strict=True)], np.float32)
    corners = np.tile(scale[::-1], 2)

    def keep(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, valid: np.ndarray):
        return Detections(
            corners=boxes[valid] * corners,
            classes=classes[valid].astype(np.uint8),
            scores=scores[valid],
        )

    no_class = np.zeros(len(proposals.valid))
    return (
        keep(detected.boxes, detected.scores, detected.classes, detected.valid),
        keep(proposals.boxes, proposals.scores, no_class, proposals.valid),
    )


def _finish_in_strips(
    finish: Callable[[Task, np.ndarray], tuple[np.ndarray, ...]],
    task: Task,
    scores: np.ndarray,
    size: tuple[int, int],
) -> list[np.ndarray]:
    strips = [finish(task, strip) for strip in _at_size(scores, size)]
    return [np.concatenate(parts) for parts in zip(*strips, strict=True)]


def _at_size(scores: np.ndarray, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Scores (h, w, C) interpolated to `size`, in strips (rows, C, W).

    With the classes between rows and columns what is computed of them runs along the columns, which
    numpy does many times as fast as along a handful of classes.
    """
    height, width, channels = scores.shape
    # Of each row of these matrices at most two numbers are not zero.
    rows = scipy.sparse.csr_array(interpolation_matrix(height, size[0]))
    columns = scipy.sparse.csr_array(interpolation_matrix(width, size[1]))
    wide = columns @ scores.transpose(1, 2, 0).reshape(width, channels * height)
    wide = wide.reshape(size[1], channels, height).transpose(2, 1, 0).reshape(height, -1)
    for top in range(0, size[0], STRIP):
        yield (rows[top : top + STRIP] @ wide).reshape(-1, channels, size[1])


def _finish(task: Task, scores: np.ndarray) -> tuple[np.ndarray, ...]:
    """Turns scores (h, C, w) into the arrays of the task's fields of `Predictions`."""
    if task.label is LabelKind.DIRECTION:
        length = np.linalg.norm(scores, axis=1, keepdims=True)
        return (np.moveaxis(scores / np.maximum(length, 1e-12), 1, -1),)
    if task.label is LabelKind.SHARE:
        return (scipy.special.expit(scores[:, 1] - scores[:, 0]),)
    if task.loss is LossKind.CROSS_ENTROPY:
        return (_likeliest(scores)[0],)
    # The softmax of the likeliest class alone: the others' are not needed.
    likeliest, score = _likeliest(scores[:, 1:])
    top = np.maximum(score, scores[:, 0])
    return (likeliest + np.uint8(1), np.exp(score - top) / np.exp(scores - top[:, None]).sum(1))


def _likeliest(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of scores (h, C, w) the highest (h, w), and its class: uint8; the first of several."""
    likeliest, highest = np.zeros_like(scores[:, 0], np.uint8), scores[:, 0].copy()
    for number in range(1, scores.shape[1]):
        own = scores[:, number]
        np.copyto(likeliest, np.uint8(number), where=own > highest)
        np.maximum(highest, own, out=highest)
    return likeliest, highest


def _class_probabilities(task: Task, scores: np.ndarray) -> tuple[np.ndarray]:
    """Of scores (h, C, w) every class but the background: uint8 (h, C - 1, w), in 255ths."""
    del task
    probability = scipy.special.softmax(scores, axis=1)[:, 1:]
    return (np.rint(255 * probability).astype(np.uint8),)


def _fields(name: str) -> tuple[str, ...]:
    if name == 'semantic_boundaries':
        return (name, 'semantic_boundary_strength')
    return (name,)
