"""Scores a trained network on its benchmarks, at the original size of the images.

    python -m ubernet_jax.evaluate --checkpoint runs/quickstart

Writes a JSON file for each benchmark and result, with the protocol, to WORKDIR/results/STEP and
prints a table. With --limit N the folder is STEP-limitN, so that scores on a subset never replace
those on the full benchmark.
"""

import argparse
import json
import pathlib

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.benchmarks import evaluate_benchmarks
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.network import make_network
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint, results_folder


def main() -> None:
    """Runs the command.

    Raises:
      UserError: the checkpoint has no benchmarks, or a benchmark cannot be scored.
    """
    arguments = _parse_arguments()
    enable_compilation_cache()
    config, step, params, batch_stats = open_checkpoint(arguments.checkpoint)
    if arguments.data_directory:
        config.data.directory = str(arguments.data_directory)
    if not config.evaluation.benchmarks:
        raise UserError(
            f'{arguments.checkpoint}: evaluation.benchmarks of its configuration is empty'
        )
    network = make_network(config)
    tasks = select_tasks(network.tasks, arguments.tasks)
    predictor = Predictor(network, config.input_size, params, batch_stats)
    folder = f'{step:08d}' + (f'-limit{arguments.limit}' if arguments.limit else '')
    out = arguments.out or results_folder(arguments.checkpoint, folder)
    out.mkdir(parents=True, exist_ok=True)
    scored = False
    for benchmark, task, name, result in evaluate_benchmarks(
        predictor, config, tasks, config.evaluation.thresholds, arguments.limit
    ):
        report = {
            'task': task,
            'result': name,
            'dataset': benchmark.name,
            'split': benchmark.split,
            'experiment': config.name,
            'step': step,
            **result.to_json(),
        }
        path = out / f'{benchmark.name.replace("/", "_")}-{benchmark.split}-{name}.json'
        path.write_text(json.dumps(report, indent=1) + '\n')
        scored = True
        scores = '  '.join(
            f'{score.label} {score.format(value)}' for score, value in result.scores().items()
        )
        print(f'{name:<20}{benchmark.name}:{benchmark.split:<8} {result.images:5} images  {scores}')
    if not scored:
        benchmarks = ', '.join(
            f'{benchmark.name}:{benchmark.split}' for benchmark in config.evaluation.benchmarks
        )
        raise UserError(
            f'nothing was scored: no image of {benchmarks} has a label for {", ".join(tasks)}. If '
            'a label has a different name than its task, set DatasetConfig(labels={...}) in '
            'evaluation.benchmarks of the configuration'
        )
    print(f'results: {out}')


def _parse_arguments() -> argparse.Namespace:
    parser = cli.make_parser('evaluate', __doc__)
    parser.add_argument('--checkpoint', '--workdir', type=pathlib.Path, required=True,
                        help=CHECKPOINT_HELP)  # fmt: skip
    parser.add_argument('--tasks', nargs='+', help='score only these tasks')
    parser.add_argument('--limit', type=cli.positive_integer,
                        help='score at most this many images per benchmark')  # fmt: skip
    parser.add_argument('--data-directory', type=pathlib.Path,
                        help='prepared datasets; default: those of the training')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path,
                        help='output folder; default: WORKDIR/results/STEP')  # fmt: skip
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)
