"""Scores a trained network on its benchmarks, at the original size of the images.

    ubernet evaluate --checkpoint runs/quickstart

Writes a JSON file for each benchmark and result, with the protocol, to WORKDIR/results/STEP and
prints a table. The folder image_scores in it has a score of each image, where the metric has one.
With --limit N the folder is STEP-limitN, so that scores on a subset never replace those on the full
benchmark; with --flip, --scales or --protocol, too, it has another name. A result records a digest
of the network and of the data; scores on other data are never replaced.
"""

import argparse
import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.config import DatasetConfig, Leaks
from ubernet_jax.datasets.checks.digest import dataset_digest
from ubernet_jax.datasets.checks.leaks import describe_leaks, find_leaks, open_datasets
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.benchmarks import evaluate_benchmarks
from ubernet_jax.evaluation.plans import Plan, plan_benchmarks
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.inference.views import (
    add_view_options,
    choose_views,
    describe_views,
    name_views,
)
from ubernet_jax.json_file import read_json, write_json
from ubernet_jax.locks import lock_folder
from ubernet_jax.metrics.image_scores import image_scores_file
from ubernet_jax.network import make_network
from ubernet_jax.scoring.presets import PROTOCOL_NAMES
from ubernet_jax.tasks import select_tasks
from ubernet_jax.weights.arrays import flatten
from ubernet_jax.weights.digest import digest_arrays
from ubernet_jax.weights.exported import TrainedNetwork
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint, results_folder


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command.

    Raises:
      UserError: the checkpoint has no benchmarks, or a benchmark cannot be scored.
    """
    options = _parse(arguments)
    enable_compilation_cache()
    trained = open_checkpoint(options.checkpoint)
    if not trained.config.evaluation.benchmarks:
        raise UserError(
            f'{options.checkpoint}: evaluation.benchmarks of its configuration is empty'
        )
    usual = trained.config.evaluation
    chosen = dataclasses.replace(
        choose_views(usual, options.flip, options.scales),
        protocol=options.protocol or usual.protocol,
    )
    folder = f'{trained.step:08d}' + (f'-limit{options.limit}' if options.limit else '')
    folder += name_views(chosen, usual)
    folder += f'-{chosen.protocol}' if chosen.protocol != usual.protocol else ''
    trained.config.evaluation = chosen
    out = options.out or results_folder(options.checkpoint, folder)
    with lock_folder(out, 'wait until it ends, or write to another folder with --out'):
        _evaluate(trained, options, out)
    print(f'results: {out}')
    words = '--checkpoint', options.checkpoint, 'PHOTO.jpg', '--out', 'predictions'
    print(cli.suggest('predict', *words, tasks=trained.config.tasks))


def _evaluate(trained: TrainedNetwork, options: argparse.Namespace, out: pathlib.Path) -> None:
    config, step, params, batch_stats = trained
    trained_from = config.data.directory
    if options.data_directory:
        config.data.directory = str(options.data_directory)
    network = make_network(config)
    tasks = select_tasks(network.tasks, options.tasks)
    predictor = Predictor(network, config.input_size, params, batch_stats, True, config.evaluation)
    network_id = digest_arrays(flatten(params, batch_stats))
    plans = plan_benchmarks(config, tasks, config.evaluation.protocol)
    _report_left_out(plans, options.tasks or ())
    benchmarks = [plan.dataset for plan in plans]
    if options.data_directory and config.data.leaks is not Leaks.ALLOW:
        _check_leaks(config.data.train, trained_from, benchmarks)
    digests = {dataset.source: dataset_digest(dataset) for dataset in benchmarks}
    _check_earlier_results(out, digests, network_id)
    scored = False
    for evaluated in evaluate_benchmarks(
        predictor, plans, config.evaluation.thresholds, options.limit, options.batch
    ):
        benchmark, task, name, result, image_scores = evaluated
        report = {
            'task': task,
            'result': name,
            'dataset': benchmark.name,
            'split': benchmark.split,
            'experiment': config.name,
            'step': step,
            'network': network_id,
            'views': describe_views(config.evaluation),
            'data': {
                'directory': config.data.directory,
                'digest': digests[f'{benchmark.name}:{benchmark.split}'],
            },
            **result.to_json(),
        }
        path = out / f'{benchmark.name.replace("/", "_")}-{benchmark.split}-{name}.json'
        if image_scores:
            write_json(image_scores_file(path), image_scores.to_json())
        write_json(path, report)
        scored = True
        print(evaluated, flush=True)
    if not scored:
        benchmarks = ', '.join(
            f'{benchmark.name}:{benchmark.split}' for benchmark in config.evaluation.benchmarks
        )
        raise UserError(
            f'nothing was scored: no image of {benchmarks} has a label for {", ".join(tasks)}. If '
            'a label has a different name than its task, set DatasetConfig(labels={...}) in '
            'evaluation.benchmarks of the configuration'
        )


def _report_left_out(plans: Sequence[Plan], named: Collection[str]) -> None:
    """Prints which tasks the protocol does not score.

    Args:
      plans: of the benchmarks.
      named: tasks that the user named.

    Raises:
      UserError: a named task is scored on no benchmark.
    """
    scored = {task for plan in plans for task in plan.labels}
    for plan in plans:
        for task, reason in plan.left_out.items():
            if task in named and task not in scored:
                raise UserError(f'--tasks {task}: {reason}')
            print(f'{task} of {plan.dataset.source} is not scored: {reason}')


def _check_leaks(
    settings: Sequence[DatasetConfig], directory: str, benchmarks: Sequence[Dataset]
) -> None:
    """Refuses benchmarks with training images; the training has checked only other benchmarks.

    Args:
      settings: the training datasets.
      directory: folder of prepared datasets that the network was trained from.
      benchmarks: opened, from another folder.
    """
    try:
        training = open_datasets('data.train', settings, directory)
    except UserError as error:
        print(f'not checked whether the network was trained on images of the benchmarks: {error}')
        return
    if leaks := describe_leaks(find_leaks(training, benchmarks)):
        lines = '\n  '.join(leaks)
        raise UserError(f'the network was trained on images of its benchmarks:\n  {lines}')


def _check_earlier_results(out: pathlib.Path, digests: Mapping[str, str], network: str) -> None:
    """Refuses to replace scores on other data, and says when those of another network remain.

    Args:
      out: the output folder.
      digests: source of a benchmark, such as `voc2012:val` -> digest of its data.
      network: digest of the network.
    """
    for path in sorted(out.glob('*.json')):
        earlier = read_json(path)
        if not isinstance(earlier, dict) or 'network' not in earlier:
            raise UserError(
                f'{path} is not a result of this version of evaluate; delete it, or write to '
                'another folder with --out'
            )
        source = f'{earlier["dataset"]}:{earlier["split"]}'
        if source in digests and earlier['data']['digest'] != digests[source]:
            raise UserError(
                f'{path} has scores on other images or labels of {source}, from '
                f'{earlier["data"]["directory"]}; write to another folder with --out, or delete it'
            )
        if earlier['network'] != network:
            print(f'{path} has scores of another network with this step: deleted')
            path.unlink()
            image_scores_file(path).unlink(missing_ok=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('evaluate')
    parser.add_argument('--checkpoint', '--workdir', type=pathlib.Path, required=True,
                        metavar='RUN',
                        help=CHECKPOINT_HELP)  # fmt: skip
    parser.add_argument('--tasks', nargs='+', metavar='TASK', help='score only these tasks')
    parser.add_argument('--limit', type=cli.positive_integer, metavar='N',
                        help='score at most this many images per benchmark; their scores are '
                        'written to a separate folder')  # fmt: skip
    parser.add_argument('--batch', type=cli.positive_integer, metavar='N',
                        help='predict for N images of similar size at once; default: 1 on a CPU, '
                        'else 4')  # fmt: skip
    parser.add_argument('--protocol', choices=PROTOCOL_NAMES,
                        help='score by the protocol of another code base, as evaluation.protocol '
                        'does, and leave out tasks that it does not define')  # fmt: skip
    add_view_options(parser)
    parser.add_argument('--data-directory', type=pathlib.Path,
                        help='prepared datasets; default: those of the training')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path,
                        help='output folder; default: WORKDIR/results/STEP')  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)
