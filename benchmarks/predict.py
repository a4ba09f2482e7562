"""Measures the time of `net.predict` for a photograph, compared with the network alone.

    python -m benchmarks.predict --checkpoint runs/mini --json predict.json

The network alone is a single program for the image at the input size. `predict` also scales the
photograph to that size and the results to the size of the photograph. Both are compiled first and
then run alternately, those of several checkpoints in turns. Nothing is drawn or saved.
"""

import argparse
import functools
import json
import pathlib
import statistics

import jax
import numpy as np

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


def make_cases(checkpoint: pathlib.Path, image: np.ndarray) -> tuple[dict, list[Case]]:
    """Describes a network; returns also the cases of the network alone and of `predict`."""
    config, _, params, batch_stats = open_checkpoint(checkpoint)
    network, tasks = make_network(config), tuple(config.tasks)
    net = UberNet(Predictor(network, config.input_size, params, batch_stats))
    alone = jax.jit(functools.partial(apply, network, tasks=tasks))
    size = input_size(*image.shape[:2], config.input_size, network.grid)
    inputs = jax.device_put((params, batch_stats, resize_image(image, size)[None]))
    return {'checkpoint': str(checkpoint), 'input': size, 'tasks': tasks}, [
        Case(name='network alone', step=lambda: jax.block_until_ready(alone(*inputs))),
        Case(name='predict', step=lambda: net.predict(image)),
    ]


def describe(cases: list[Case]) -> dict[str, object]:
    """Returns the median time of each case, and the median ratio of the two."""
    alone, predict = (case.seconds for case in cases)
    ratios = [b / a for a, b in zip(alone, predict, strict=True)]
    times = {case.name: 1e3 * statistics.median(case.seconds) for case in cases}
    return {'milliseconds': times, 'ratio': statistics.median(ratios)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--checkpoint', type=pathlib.Path, required=True, nargs='+', help=CHECKPOINT_HELP
    )
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

    networks = [make_cases(checkpoint, image) for checkpoint in arguments.checkpoint]
    run_rounds([case for _, cases in networks for case in cases], arguments.rounds)
    report = {
        'photograph': image.shape[:2],
        'networks': [network | describe(cases) for network, cases in networks],
        'device': jax.devices()[0].device_kind,
        'jax': jax.__version__,
    }
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    cli.run(main)
