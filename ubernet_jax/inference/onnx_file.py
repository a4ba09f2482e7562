"""Writes a network as an ONNX file, and compares onnxruntime's results with ours.

`jax2onnx` and `onnxruntime`, of the extra `onnx`, are imported only when they are used.
"""

import dataclasses
import importlib.util
import json
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import flax.traverse_util
import jax
import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.inference.exported_function import make_function
from ubernet_jax.inference.onnx_operations import for_onnx
from ubernet_jax.models.settings import Precision
from ubernet_jax.weights.exported import TrainedNetwork
from ubernet_jax.writing import new_file

SUFFIX = '.onnx'
CONVERTER = 'jax2onnx'  # of the extra `onnx`
INPUT = 'image'

_TOLERANCE = 1e-3  # of the largest score of a task
_RUNS = 3  # timed runs, of which the fastest is reported

Outputs = dict[str, jax.Array]  # name of an output -> array


def require_converter() -> None:
    """Raises a UserError if the extra `onnx` is not installed."""
    if importlib.util.find_spec(CONVERTER) is None:
        raise UserError(
            f'exporting an {SUFFIX} file needs {CONVERTER}, which is not installed: '
            'pip install "ubernet_jax[onnx]"'
        )


def export_onnx(
    trained: TrainedNetwork,
    tasks: tuple[str, ...],
    size: tuple[int, int],
    description: Mapping[str, Any],
    path: pathlib.Path,
) -> dict[str, Any]:
    """Writes a network as an ONNX file for images of a fixed size, which computes in float32.

    Args:
      trained: the network.
      tasks: names of the tasks to export, which are the names of the outputs.
      size: (height, width), allowed by the grid of the trunk.
      description: entries of the metadata properties.
      path: the file.

    Returns:
      The time by onnxruntime on a CPU, and for each output its largest difference from the network,
      as a share of the largest score.

    Raises:
      UserError: a task cannot be converted, or onnxruntime computes other scores.
    """
    if loops := [name for name in tasks if not trained.config.tasks[name].in_onnx]:
        rest = [name for name in trained.config.tasks if trained.config.tasks[name].in_onnx]
        advice = f'give other tasks, --tasks {" ".join(rest)}, or ' if rest else ''
        raise UserError(
            f'the loops of {", ".join(loops)} cannot be converted to ONNX: {advice}export a '
            'StableHLO program with --out DIR'
        )
    model = dataclasses.replace(trained.config.model, precision=Precision.FLOAT32)
    config = dataclasses.replace(trained.config, model=model)
    run, weights = make_function(trained._replace(config=config), tasks)
    image = jax.ShapeDtypeStruct((1, *size, 3), np.uint8)

    def outputs(image: jax.Array) -> dict[str, jax.Array]:
        return cast(dict, flax.traverse_util.flatten_dict(run(weights, image), sep='/'))

    with new_file(path) as new:
        convert(outputs, image, description, new)
        return measure(outputs, image, new)


def convert(
    function: Callable[[jax.Array], Outputs],
    image: jax.ShapeDtypeStruct,
    description: Mapping[str, Any],
    new: pathlib.Path,
) -> None:
    """Writes a function to a file that contains its weights.

    Args:
      function: maps an image to arrays by the names of the ONNX outputs.
      image: shape and dtype of the input.
      description: entries of the metadata properties, as values for JSON.
      new: the file.

    Raises:
      UserError: the converter does not know an operation of the function.
    """
    import jax2onnx  # pyright: ignore[reportMissingImports]
    import onnx  # pyright: ignore[reportMissingImports]

    try:
        model = jax2onnx.to_onnx(
            for_onnx(function, image),
            inputs=[image],
            input_names=[INPUT],
            output_names=sorted(jax.eval_shape(function, image)),  # as JAX flattens dictionaries
        )
    except (NotImplementedError, RuntimeError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f'{CONVERTER} cannot convert an operation of the network ({line}): leave '
            'out its task with --tasks, or export a StableHLO program with --out DIR'
        ) from error
    onnx.helper.set_model_props(model, {k: json.dumps(v) for k, v in description.items()})
    new.write_bytes(model.SerializeToString())


def measure(
    function: Callable[[jax.Array], Outputs], image: jax.ShapeDtypeStruct, path: pathlib.Path
) -> dict[str, Any]:
    """Runs a file on random pixels, and compares its results with those of the function.

    Raises:
      UserError: they differ too much.
    """
    import onnxruntime  # pyright: ignore[reportMissingImports]

    pixels = np.random.default_rng(0).integers(0, 256, image.shape, image.dtype)
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    opening = time.perf_counter() - start
    times, arrays = [], []
    for _ in range(_RUNS):
        start = time.perf_counter()
        arrays = session.run(None, {INPUT: pixels})
        times.append(time.perf_counter() - start)
    names = [output.name for output in session.get_outputs()]
    expected = jax.device_get(function(pixels))
    differences = {
        name: float(np.abs(array - expected[name]).max() / (np.abs(expected[name]).max() or 1))
        for name, array in zip(names, arrays, strict=True)
    }
    wrong = [name for name, difference in differences.items() if not difference <= _TOLERANCE]
    if wrong:
        raise UserError(
            f'{path.name}: onnxruntime {onnxruntime.__version__} computes other scores than the '
            f'network for {", ".join(wrong)} (by {differences[wrong[0]]:.1g} of the largest; at '
            f'most {_TOLERANCE:g}): leave these out with --tasks, or install other versions of '
            f'{CONVERTER} and onnxruntime'
        )
    return {
        'onnxruntime': onnxruntime.__version__,
        'opening_seconds': round(opening, 2),
        'seconds': round(min(times), 4),
        'largest_difference': differences,
    }
