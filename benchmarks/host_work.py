"""Measures the host's share of a prediction, and the bytes that leave the device.

    python -m benchmarks.host_work --size 375x500 --json host.json

The score maps of the six dense tasks of the paper are random and already computed. Times are
process CPU times: `device` is what makes results of the scores, which an accelerator would compute;
`host` is all else: decoding a JPEG file, scaling it to the input size, and composing the results.
"""

import argparse
import io
import json
import pathlib
import statistics
import time
from typing import Any, cast

import jax
import numpy as np
from PIL import Image

from benchmarks.workload import DENSE, make_config
from ubernet_jax import cli
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.inference import predictor
from ubernet_jax.inference.predictor import Predictor, input_size
from ubernet_jax.network import Network, make_network
from ubernet_jax.photographs import read_photograph
from ubernet_jax.tasks import strips


class Clock:
    """Wraps a function that runs on the device; sums its CPU time and the bytes it returns."""

    def __init__(self, function: Any):
        self._function, self.seconds, self.bytes = function, 0.0, 0

    def __call__(self, *arguments: Any) -> Any:
        start = time.process_time()
        result = jax.block_until_ready(self._function(*arguments))
        self.seconds += time.process_time() - start
        self.bytes += sum(array.nbytes for array in jax.tree.leaves(result))
        return result


def make_scores(network: Network, size: tuple[int, int]) -> dict[str, jax.Array]:
    """Draws score maps (1, h, w, C) of each task for an image of `size`."""
    rng, scores = np.random.default_rng(0), {}
    for name, task in network.tasks.items():
        stride, channels = cast(Any, task).stride, cast(Any, task).channels
        shape = 1, *((side - 1) // stride + 1 for side in size), channels
        scores[name] = jax.device_put(rng.normal(size=shape).astype(np.float32))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', default='375x500', help='height and width of the photograph')
    parser.add_argument('--rounds', type=cli.positive_integer, default=9)
    parser.add_argument('--json', type=pathlib.Path)
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split('x'))
    config = make_config(DENSE)
    network = make_network(config)
    scores = make_scores(network, input_size(height, width, config.input_size, network.grid))
    file = io.BytesIO()
    Image.fromarray(draw_scene(0, height, width).image).save(file, 'jpeg', quality=92)

    predictor.apply = lambda *inputs: scores
    predict = Predictor(network, config.input_size, {}, {})
    host, device = [], []
    program = strips.strip_program
    for _ in range(1 + arguments.rounds):
        strips.strip_program = clock = Clock(program)
        start = time.process_time()
        predict(read_photograph(file.getvalue()), DENSE)
        host.append(time.process_time() - start - clock.seconds)
        device.append(clock.seconds)
    report = {
        'photograph': [height, width],
        'milliseconds': {  # without the first round, which compiles
            'host': 1e3 * statistics.median(host[1:]),
            'device': 1e3 * statistics.median(device[1:]),
        },
        'megabytes': clock.bytes / 1e6,
        'device': jax.devices()[0].device_kind,
        'jax': jax.__version__,
    }
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    cli.run(main)
