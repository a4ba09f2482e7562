"""Measures the time of `net.predict` for a photograph, compared with the network alone.

    python -m benchmarks.predict --checkpoint runs/mini --json predict.json

The network alone is a single program for the image at the input size. `predict` also scales the
photograph to that size and the results to the size of the photograph. Both are compiled first and
then run alternately. Nothing is drawn or saved.
"""

import argparse
import functools
import json
import pathlib
import statistics

import jax

from benchmarks.speed import Case, run_rounds
from ubernet_jax import UberNet, cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.inference.predictor import Predictor, apply, input_size
from ubernet_jax.network import make_network
from ubernet_jax.photographs import read_photograph
from ubernet_jax.transforms.grids import resize_image
from ubernet_jax.weights.trained import CHECKPOINT_HELP, open_checkpoint

SIZE = (375, 500)  # height and width of the scene that is used if no photograph is given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    parser.add_argument(
        '--photograph', type=pathlib.Path, help='default: a synthetic scene of 500x375'
    )
    parser.add_argument('--rounds', type=cli.positive_integer, default=5)
    parser.add_argument('--json', type=pathlib.Path)
    arguments = parser.parse_args()
    enable_compilation_cache()
    if arguments.photograph:
        image = read_photograph(arguments.photograph)
    else:
        image = draw_scene(0, *SIZE).image

    config, _, params, batch_stats = open_checkpoint(arguments.checkpoint)
    network, tasks = make_network(config), tuple(config.tasks)
    net = UberNet(Predictor(network, config.input_size, params, batch_stats))
    alone = jax.jit(functools.partial(apply, network, tasks=tasks))
    resized = resize_image(image, input_size(*image.shape[:2], config.input_size, network.grid))[
        None
    ]
    inputs = jax.device_put((params, batch_stats, resized))
    cases = [
        Case(name='network alone', step=lambda: jax.block_until_ready(alone(*inputs))),
        Case(name='predict', step=lambda: net.predict(image)),
    ]
    run_rounds(cases, arguments.rounds)

    medians = [statistics.median(case.seconds) for case in cases]
    network_seconds, predict_seconds = (case.seconds for case in cases)
    ratios = [b / a for a, b in zip(network_seconds, predict_seconds, strict=True)]
    report = {
        'photograph': image.shape[:2],
        'input': resized.shape[1:3],
        'tasks': tasks,
        'milliseconds': {case.name: 1e3 * m for case, m in zip(cases, medians, strict=True)},
        'ratio': statistics.median(ratios),
        'device': jax.devices()[0].device_kind,
        'jax': jax.__version__,
    }
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    cli.run(main)
