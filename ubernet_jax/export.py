"""Writes a trained network as a StableHLO program or as ONNX, which run without this package.

    ubernet export runs/quickstart --out exported
    ubernet export runs/quickstart --out network.onnx

If --out ends in `.onnx`, it is a file whose metadata properties describe the inputs and outputs
(extra `onnx`). Otherwise these files are written to the folder (extra `export`):
`network.stablehlo`, which `jax.export.deserialize` reads; with `--weights outside` also
`weights.safetensors`, the dictionary that is the program's first argument; and `export.json`, which
describes the inputs and outputs and has the measured time and memory of the program after it was
read again.
"""

import argparse
import importlib.util
import json
import pathlib
import re
import shlex
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.export  # not an attribute of jax until it is imported
import numpy as np
import safetensors.numpy

from ubernet_jax import cli
from ubernet_jax.errors import UserError
from ubernet_jax.inference.exported_function import make_function
from ubernet_jax.inference.onnx_file import SUFFIX, export_onnx, require_converter
from ubernet_jax.inference.predictor import input_size
from ubernet_jax.json_file import write_json
from ubernet_jax.locks import lock_file, lock_folder
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.ops.onednn import portable_programs
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.exported import TrainedNetwork
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint
from ubernet_jax.writing import new_files

FLATBUFFERS = 'flatbuffers'  # of the extra `export`; JAX writes programs with it
PROGRAM = 'network.stablehlo'
PLATFORMS = ('cpu', 'cuda')
RUNS = 3  # timed runs, of which the fastest is reported


def export_network(
    trained: TrainedNetwork, tasks: tuple[str, ...], size: tuple[int, int], inside: bool
) -> tuple[jax.export.Exported, dict[str, np.ndarray]]:
    """Traces a network as a program for images of a fixed size.

    Args:
      trained: the network.
      tasks: names of the tasks to export.
      size: (height, width), allowed by the grid of the trunk.
      inside: whether the weights are constants of the program; otherwise they are its first
        argument.

    Returns:
      The program, which maps uint8 (1, H, W, 3) to task -> arrays (see `Task.exported`), and the
      weights by their path in the tree.
    """
    run, weights = make_function(trained, tasks)
    image = jax.ShapeDtypeStruct((1, *size, 3), np.uint8)
    with portable_programs():
        if inside:
            program = jax.jit(lambda image: run(weights, image))
            return jax.export.export(program, platforms=PLATFORMS)(image), weights
        return jax.export.export(jax.jit(run), platforms=PLATFORMS)(weights, image), weights


def write_program(
    program: jax.export.Exported, weights: dict[str, np.ndarray] | None, new: pathlib.Path
) -> dict[str, Any]:
    """Writes the program, and `weights` if given, to a folder; then reads and measures the program.

    Returns:
      The fields of `export.json` about the program.
    """
    (new / PROGRAM).write_bytes(program.serialize())
    arguments = []
    if weights is not None:
        # `save_file` raises errors of the disk as errors of its format.
        encoded = safetensors.numpy.save(weights)
        (new / 'weights.safetensors').write_bytes(encoded)
        arguments.append(jax.device_put(safetensors.numpy.load(encoded)))
    image = program.in_avals[-1]
    arguments.append(np.zeros(image.shape, image.dtype))
    return {
        'program': {
            'file': PROGRAM,
            'bytes': (new / PROGRAM).stat().st_size,
            'jax': jax.__version__,
        },
        'measured': measure(new / PROGRAM, arguments),
    }


def measure(file: pathlib.Path, arguments: list[Any]) -> dict[str, Any]:
    """Reads a program, compiles it for this machine, runs it, and returns its time and memory."""
    program = jax.export.deserialize(bytearray(file.read_bytes()))
    start = time.perf_counter()
    compiled = jax.jit(program.call).lower(*arguments).compile()
    compilation = time.perf_counter() - start
    jax.block_until_ready(compiled(*arguments))
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        times.append(time.perf_counter() - start)
    memory = compiled.memory_analysis()
    assert memory is not None, 'the backends of `PLATFORMS` analyse the memory'
    return {
        'device': jax.devices()[0].device_kind,
        'compilation_seconds': round(compilation, 2),
        'seconds': round(min(times), 4),
        'memory_bytes': {
            'arguments': memory.argument_size_in_bytes,
            'outputs': memory.output_size_in_bytes,
            'temporary': memory.temp_size_in_bytes,
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    as_onnx = options.out.suffix == SUFFIX
    _require_packages(as_onnx)
    lock = lock_file if as_onnx else lock_folder
    with lock(options.out, 'wait until it ends, or give another --out'):
        measured = _export(options, as_onnx)
    print(json.dumps(measured, indent=1))
    use = _describe_onnx(options.out) if as_onnx else _describe_use(options.out / PROGRAM)
    print(f'exported: {options.out}\nnext: {shlex.join(["python", "-c", use])}')


def _require_packages(as_onnx: bool) -> None:
    if as_onnx:
        require_converter()
    elif importlib.util.find_spec(FLATBUFFERS) is None:
        raise UserError(
            'exporting a program needs flatbuffers, which is not installed: '
            'pip install "ubernet_jax[export]"'
        )


def _describe_use(program: pathlib.Path) -> str:
    """Code that reads a program and shows its inputs and outputs, without this package."""
    return (
        'import jax.export; '
        f'program = jax.export.deserialize(bytearray(open({str(program)!r}, "rb").read())); '
        'print(program.in_avals[-1], program.out_tree)'
    )


def _describe_onnx(path: pathlib.Path) -> str:
    """Code that reads an ONNX file and shows its inputs and outputs, without this package."""
    return (
        'import onnxruntime; '
        f'session = onnxruntime.InferenceSession({str(path)!r}); '
        'print(*session.get_inputs(), *session.get_outputs(), sep="\\n")'
    )


def _export(options: argparse.Namespace, as_onnx: bool) -> dict[str, Any]:
    """Writes the network; returns what was measured."""
    trained = open_checkpoint(options.checkpoint)
    known = trained.config.tasks
    tasks = select_tasks(known, options.tasks)
    grid = TRUNKS[trained.config.model.trunk].grid
    size = options.size or input_size(3, 4, trained.config.input_size, grid)
    if not all(map(grid.fits, size)):
        raise UserError(f'--size is {size[0]}x{size[1]}, but must have sides {grid.describe()}')
    inside = options.weights == 'inside'
    description = {
        'experiment': trained.config.name,
        'step': trained.step,
        'image': {'shape': [1, *size, 3], 'dtype': 'uint8', 'meaning': 'RGB, scaled to this size'},
        'outputs': {name: known[name].describe_export() for name in tasks},
    }
    if as_onnx:
        if not inside:
            raise UserError(f'{options.out} contains the weights: leave out --weights outside')
        return export_onnx(trained, tasks, size, description, options.out)
    program, weights = export_network(trained, tasks, size, inside)
    with new_files(options.out) as new:
        written = write_program(program, None if inside else weights, new)
        facts = {'weights': options.weights, 'platforms': PLATFORMS, **written}
        write_json(new / 'export.json', description | facts)
    return written['measured']


def _parse_size(text: str) -> tuple[int, int]:
    """Parses HxW for argparse."""
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if not match:
        raise argparse.ArgumentTypeError(f'{text!r} is not HEIGHTxWIDTH, such as 321x481')
    height, width = map(int, match.groups())
    return height, width


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('export')
    parser.add_argument('checkpoint', type=pathlib.Path, metavar='RUN', help=CHECKPOINT_HELP)
    parser.add_argument('--out', type=pathlib.Path, required=True, metavar='DIR',
                        help=f'folder to write a program to, or FILE{SUFFIX}')  # fmt: skip
    parser.add_argument('--size', type=_parse_size, metavar='HxW',
                        help='size of the image; default: that of a 4:3 photograph')  # fmt: skip
    parser.add_argument('--weights', choices=('inside', 'outside'), default='inside',
                        help='in the program, or in a separate file')  # fmt: skip
    parser.add_argument('--tasks', nargs='+', metavar='TASK', help='only these tasks; default: all')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)
