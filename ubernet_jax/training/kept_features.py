"""Features of the frozen blocks of a trunk, computed once for each input and kept in files.

A file holds the activations of the frozen blocks (`vit.ViT.frozen`) for one image as it enters the
network: scaled to its bucket, flipped or not, padded. Its name is a digest of these pixels, and
that of its folder a digest of the frozen blocks. A file is therefore never out of date, other runs
with the same blocks and images use it too, and it is complete or absent.
"""

import hashlib
import json
import operator
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jax
import numpy as np

from ubernet_jax.batch import Batch
from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.models.vit import TOKENS
from ubernet_jax.network import SHARED, Network, Params
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.weights.arrays import flatten
from ubernet_jax.weights.digest import digest_arrays
from ubernet_jax.writing import new_file

_FOLDER = 'features'
_DTYPE = np.dtype(np.float16)

Batches = Sequence[Batch[np.ndarray]]
Specs = Mapping[str, jax.ShapeDtypeStruct]


class KeptFeatures:
    """Adds the kept features to micro-batches; what is not kept yet is computed and kept."""

    def __init__(self, folder: pathlib.Path, network: Network, shared: Mapping):
        """Opens the features of a trunk.

        Args:
          folder: of the features of all trunks.
          network: the network.
          shared: the parameters of the trunk.
        """
        model = network.config
        trunk = [model.trunk.value, model.mean, model.std, model.precision.value]
        # Without a stem, which changes in training.
        names = TRUNKS[model.trunk].frozen(model.frozen_blocks)
        frozen = {name: tree for name, tree in shared['trunk'].items() if name in names}
        digest = digest_arrays(flatten({SHARED: {'trunk': jax.device_get(frozen)}}, {}))
        text = json.dumps([digest, *trunk])
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), shared)
        self._names = (*TRUNKS[model.trunk].strides, TOKENS)
        self._compute = jax.jit(
            lambda shared, batch: {
                name: x.astype(_DTYPE)
                for name, x in network.frozen(shared, batch.image, batch.valid).items()
            }
        )

    @classmethod
    def of_run(
        cls, config: Config, network: Network, epochs: Epochs, params: Params
    ) -> Callable[[Batches, Mapping], Batches]:
        """Returns a function that adds features to the micro-batches of a step, given the trunk.

        Without `data.keep_features`, it returns them as they are.

        Raises:
          UserError: the features of the run would exceed `data.keep_gigabytes`.
        """
        data = config.data
        if not data.keep_features:
            return lambda batches, shared: batches
        kept = cls(pathlib.Path(data.directory, _FOLDER), network, params[SHARED])
        size = sum(
            len(pool.indices) * kept.count_bytes(*data.buckets[pool.bucket])
            for pool in epochs.pools
        ) * (2 if data.flip else 1)
        if size > data.keep_gigabytes * 1e9:
            raise UserError(
                f'data.keep_gigabytes is {data.keep_gigabytes:g}, but this run has features of '
                f'{size / 1e9:.1f} GB: raise it, or set --config.data.keep_features=False'
                + (', or --config.data.flip=False, which halves them' if data.flip else '')
            )
        print(f'features are kept in {kept.folder}, {size / 1e9:.1f} GB at most', flush=True)
        return lambda batches, shared: [kept.add_to(batch, shared) for batch in batches]

    def count_bytes(self, height: int, width: int) -> int:
        """The bytes of the features of an image of a bucket."""
        return sum(x.size * x.dtype.itemsize for x in self._specs(height, width).values())

    def add_to(self, batch: Batch[np.ndarray], shared: Mapping) -> Batch[np.ndarray]:
        """Returns the micro-batch with the features of all its images.

        Args:
          batch: the micro-batch.
          shared: the parameters of the trunk, as they were given before.

        Raises:
          UserError: features cannot be written.
        """
        specs = self._specs(*batch.image.shape[1:3])
        images = [self._read_or_compute(batch, i, specs, shared) for i in range(len(batch.image))]
        kept, end = {}, 0
        for name, spec in specs.items():
            start, end = end, end + spec.size
            kept[name] = np.stack([image[start:end].reshape(spec.shape[1:]) for image in images])
        return batch.replace(kept=kept)

    def _read_or_compute(
        self, batch: Batch[np.ndarray], index: int, specs: Specs, shared: Mapping
    ) -> np.ndarray:
        """The activations of an image one after another, float16 (all,)."""
        path = self._path(batch, index)
        activations = _read(path, sum(spec.size for spec in specs.values()))
        if activations is None:
            inputs = batch.replace(targets={}, labelled={}, taught={})
            inputs = jax.tree.map(operator.itemgetter(slice(index, index + 1)), inputs)
            computed = jax.device_get(self._compute(shared, inputs))
            activations = np.concatenate([computed[name].ravel() for name in specs])
            _write(path, activations)
        return activations

    def _specs(self, height: int, width: int) -> Specs:
        """Name -> shape (1, ...) and type of the activations of an image of a bucket."""
        image = jax.ShapeDtypeStruct((1, height, width, 3), np.uint8)
        sizes, scales = np.zeros((1, 2), np.int32), np.ones((1, 2), np.float32)
        batch = Batch(
            image=cast(Any, image),
            image_sizes=sizes,
            scales=scales,
            targets={},
            labelled={},
            taught={},
        )
        specs = jax.eval_shape(self._compute, self._shapes, batch)
        return {name: specs[name] for name in self._names if name in specs}

    def _path(self, batch: Batch[np.ndarray], index: int) -> pathlib.Path:
        image = np.ascontiguousarray(batch.image[index])
        digest = hashlib.sha256(image.data)
        digest.update(repr((image.shape, batch.image_sizes[index].tolist())).encode())
        name = digest.hexdigest()[:32]
        return self.folder / name[:2] / f'{name}.npy'


def _read(path: pathlib.Path, size: int) -> np.ndarray | None:
    """Reads activations (size,); None if they are not kept, or the file is damaged."""
    try:
        return np.load(path).reshape(size)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        print(f'{path} is damaged ({error}): computed again', file=sys.stderr, flush=True)
        return None


def _write(path: pathlib.Path, activations: np.ndarray) -> None:
    try:
        with new_file(path) as new:
            np.save(new, activations)
    except OSError as error:
        raise UserError(
            f'{path}: the features cannot be kept ({error.strerror or error}): free some space, '
            'give another --config.data.directory, or set --config.data.keep_features=False'
        ) from error
