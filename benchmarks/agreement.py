"""Compares the outputs and gradients of a GPU with those of the CPU of the same machine.

    python -m benchmarks.agreement --size 161x225

Prints relative differences ||gpu - cpu|| / ||cpu|| of the outputs of the dense tasks and of the
gradients of each parameter group: for float32 in full precision, for float32 as XLA computes it by
default (TF32 on recent GPUs), and for bfloat16. The CPU always computes in float32.
"""

import argparse
import functools

import jax
import numpy as np

from benchmarks.memory import parse_sizes
from benchmarks.workload import DENSE, make_batch, make_config
from ubernet_jax.config import Initialisation, ModelConfig, Precision
from ubernet_jax.inference.predictor import apply
from ubernet_jax.network import init_variables, make_network
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.task_gradients import compute_gradients

# What is compared -> precision of the network, and of the products of float32.
WAYS = {
    'float32': (Precision.FLOAT32, 'highest'),
    'float32, default': (Precision.FLOAT32, 'default'),
    'bfloat16': (Precision.BFLOAT16, 'default'),
}


def compute(
    device: jax.Device, size: tuple[int, int], precision: Precision, products: str
) -> dict[str, list[np.ndarray]]:
    """Returns the outputs by task and the gradients by group, in float64."""
    model = ModelConfig(
        precision=precision, initialisation=Initialisation.RANDOM, scales=1, dropout=0.0
    )
    config = make_config(DENSE, model=model)
    network = make_network(config)
    cpu = jax.devices('cpu')[0]
    with jax.default_device(cpu):  # the same parameters everywhere
        variables = jax.jit(functools.partial(init_variables, config))(jax.random.PRNGKey(0))
        batch, key = make_batch(config.tasks, size, DENSE), jax.random.PRNGKey(0)
    arguments = jax.device_put((*variables, batch, key), device)
    with jax.default_device(device), jax.default_matmul_precision(products):
        outputs = jax.jit(functools.partial(apply, network, tasks=DENSE))(
            *arguments[:2], arguments[2].image
        )
        settings = make_step_settings(config, network)
        gradients = jax.jit(functools.partial(compute_gradients, settings))(*arguments)[0]
    groups = {f'outputs of {name}': output for name, output in outputs.items()}
    groups |= {f'gradients of {name}': tree for name, tree in gradients.items()}
    return {
        name: [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
        for name, tree in groups.items()
    }


def difference(values: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The norm of the difference relative to the norm of the expected values."""
    squares = [((a - b) ** 2).sum() for a, b in zip(values, expected, strict=True)]
    return float(np.sqrt(sum(squares) / sum((b**2).sum() for b in expected)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=lambda text: parse_sizes(text)[0], default=(161, 225))
    size = parser.parse_args().size
    cpu, device = jax.devices('cpu')[0], jax.devices()[0]
    print(f'{device.device_kind}, jax {jax.__version__}, {size[0]}x{size[1]}', flush=True)
    expected = compute(cpu, size, *WAYS['float32'])
    for way, settings in WAYS.items():
        values = compute(device, size, *settings)
        print(f'{way}:', flush=True)
        for name, leaves in values.items():
            print(f'  {name:32} {difference(leaves, expected[name]):.1e}', flush=True)


if __name__ == '__main__':
    main()
