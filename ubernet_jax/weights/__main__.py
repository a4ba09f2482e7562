"""Reads the weights of other networks, and writes those of a trained one.

    python -m ubernet_jax.weights import VGG_ILSVRC_16_layers.caffemodel --out vgg16.safetensors
    python -m ubernet_jax.weights export --checkpoint runs/quickstart --out quickstart.safetensors
    python -m ubernet_jax.weights show quickstart.safetensors

Training starts from such a file with `--config.model.weights=FILE`. One that holds a whole network,
as `export` writes it, is also what `--checkpoint` of evaluate and predict takes: docs/weights.md.
"""

import json
import pathlib

import numpy as np

from ubernet_jax import cli
from ubernet_jax.config import PAPER, Config, Initialisation, ModelConfig, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.card import describe_training
from ubernet_jax.weights.exported import SUFFIX, read_file, save_exported, write_file
from ubernet_jax.weights.importing import compare_with_network, import_layers
from ubernet_jax.weights.kinds import KINDS, open_source
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint, results_folder


def import_files(files: list[str], kinds: list[str], out: pathlib.Path) -> None:
    """Writes one file of what several give, and prints the report.

    Raises:
      UserError: a file is not of its kind, or there are not as many kinds as files.
    """
    if kinds and len(kinds) != len(files):
        raise UserError(f'{len(files)} files, but {len(kinds)} kinds: give --kind one a file')
    sources = [open_source(*pair) for pair in zip(files, kinds or [None] * len(files), strict=True)]
    imported = import_layers(sources)
    model = ModelConfig(
        trunk=imported.trunk,
        initialisation=Initialisation.RANDOM,  # of what no file has
        mean=imported.mean,
        std=imported.std,
    )
    tasks = {name: make() for name, make in PAPER.items()}
    config = Config(name='imported', steps=0, tasks=tasks, model=model)
    origin = [f'{source.name} ({source.kind})' for source in sources]
    write_file(out, imported.arrays, config, 0, {'sources': origin})
    print('\n'.join([*imported.report, *compare_with_network(imported.arrays, config)]))
    print(f'imported: {out}')


def export(
    checkpoint: pathlib.Path, out: pathlib.Path, dtype: str, tasks: list[str] | None
) -> None:
    """Writes a trained network, all of it or some of its tasks, with its model card."""
    trained = open_checkpoint(checkpoint)
    trained = trained.only(select_tasks(trained.config.tasks, tasks))
    card = describe_training(trained.config, results_folder(checkpoint, f'{trained.step:08d}'))
    save_exported(trained, out, np.dtype(dtype).type, card)
    count = len(card['scores'])
    scores = f'{count} results' if count else 'no results (evaluate makes some)'
    print(f'exported: {out}, {out.stat().st_size / 1e6:.1f} MB, with {scores}')


def show(file: pathlib.Path) -> None:
    """Prints the model card."""
    config, step, arrays, card = read_file(file)
    numbers = sum(array.size for array in arrays.values())
    print(f'{config.name or "unnamed"}, step {step}: {numbers:,} numbers in {len(arrays)} arrays')
    print(json.dumps({'config': serialization.to_json(config)} | card, indent=1))


def main() -> None:
    parser = cli.make_parser('weights', __doc__)
    commands = parser.add_subparsers(required=True)
    out = {'type': pathlib.Path, 'required': True, 'help': f'FILE{SUFFIX}'}

    command = commands.add_parser('import', help='read the weights of other networks')
    command.add_argument('files', nargs='+', metavar='FILE', help='or the word imagenet')
    command.add_argument('--kind', nargs='+', dest='kinds', default=[], choices=KINDS,
                         help='one a file; guessed from its layers if left out')  # fmt: skip
    command.add_argument('--out', **out)
    command.set_defaults(run=import_files)

    command = commands.add_parser('export', help='write a trained network as one file')
    command.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    command.add_argument('--out', **out)
    command.add_argument('--dtype', choices=('float32', 'float16'), default='float32',
                         help='of the parameters; float16 halves the file')  # fmt: skip
    command.add_argument('--tasks', nargs='+',
                         help='only these; the detector is more than half of a file')  # fmt: skip
    cli.add_plugin_option(command)
    command.set_defaults(run=export)

    command = commands.add_parser('show', help='print the model card of such a file')
    command.add_argument('file', type=pathlib.Path, metavar=f'FILE{SUFFIX}')
    cli.add_plugin_option(command)
    command.set_defaults(run=show)

    arguments = vars(parser.parse_args())
    del arguments['plugin']
    arguments.pop('run')(**arguments)


if __name__ == '__main__':
    cli.run(main)
