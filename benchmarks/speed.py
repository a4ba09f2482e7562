"""Measures the time of training and prediction, compared with the same network in PyTorch.

    python -m benchmarks.speed --json speed.json
    python -m benchmarks.speed --precisions float32 bfloat16 --sizes 321,513,641x865 --peer
    python -m benchmarks.speed --cases "training, no checkpoints" "training, PyTorch"

Every case runs once per round with one image, so that a change in the speed of the machine affects
all cases alike; compare ratios of medians. Model FLOPs are those of the forward pass as counted by
XLA, times three in training (recomputation is not counted). The peak is the speed of a large matrix
product in the same rounds. The network in PyTorch has the six dense tasks and needs PyTorch.
"""

import argparse
import contextlib
import dataclasses
import functools
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.memory import parse_sizes
from benchmarks.workload import DENSE, SEVEN, make_batch, make_config
from ubernet_jax.compilation import recomputing
from ubernet_jax.config import Config, Initialisation, ModelConfig, Precision
from ubernet_jax.inference.predictor import apply
from ubernet_jax.network import init_variables, make_network
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.groups import groups_of
from ubernet_jax.training.optim import make_optimizer
from ubernet_jax.training.parallel import make_mesh
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.state import TrainState, create_state
from ubernet_jax.training.step import train_step

BSDS_TASKS = ('boundaries',)  # labels of a dataset of the paper
PRODUCT_SIDE = {'cpu': 2048, 'gpu': 8192}


@dataclasses.dataclass(kw_only=True)
class Case:
    """A timed computation.

    Attributes:
      name: describes the computation and its settings.
      step: runs the computation once and waits for its result.
      flops: FLOPs of the model or of the matrix product.
      compile_seconds: time of the compilation.
      seconds: time of the step in each round.
    """

    name: str
    step: Callable[[], None]
    flops: float | None = None
    compile_seconds: float = 0.0
    seconds: list[float] = dataclasses.field(default_factory=list)


Maker = Callable[[str, tuple[int, int], Precision], contextlib.AbstractContextManager[Case]]


def training(
    name: str, labelled: tuple[str, ...], size: tuple[int, int], precision: Precision, **model
) -> Case:
    """A training step with one image, of the network with the six dense tasks."""
    config = _config(DENSE, precision, **model)
    batch = jax.device_put(make_batch(config.tasks, size, labelled))
    batch = add_absent_targets(config.tasks, batch)
    jitted, state = make_training(config)
    start = time.perf_counter()
    compiled = jitted.lower(state, batch).compile()
    seconds = time.perf_counter() - start

    def step() -> None:
        nonlocal state
        state, _ = compiled(state, batch)
        jax.block_until_ready(state)

    flops = 3 * forward_flops(config, size) if set(labelled) == set(DENSE) else None
    return Case(name=name, step=step, flops=flops, compile_seconds=seconds)


def make_training(config: Config) -> tuple[jax.stages.Wrapped, TrainState]:
    """The training step as a jitted function of state and batch, and the state before it."""
    groups = groups_of(config.optim, config.tasks)
    optimizer = make_optimizer(config.optim, config.model, groups, dict.fromkeys(groups, 1))
    settings = make_step_settings(config, make_network(config))
    function = functools.partial(train_step, settings, optimizer, make_mesh(1))
    jitted = jax.jit(function, donate_argnums=0, compiler_options=recomputing())
    return jitted, jax.device_put(create_state(config, optimizer))


def prediction(
    name: str, tasks: tuple[str, ...], size: tuple[int, int], precision: Precision
) -> Case:
    """The outputs of the network for one image, for all tasks."""
    config = _config(tasks, precision)
    variables = jax.jit(functools.partial(init_variables, config))(jax.random.PRNGKey(0))
    image = jax.device_put(make_batch({}, size, ()).image)
    start = time.perf_counter()
    compiled = jax.jit(_full_network(config)).lower(*variables, image).compile()
    seconds = time.perf_counter() - start
    return Case(
        name=name,
        step=lambda: jax.block_until_ready(compiled(*variables, image)),
        flops=forward_flops(config, size),
        compile_seconds=seconds,
    )


def product(precision: Precision) -> Case:
    """A large matrix product, which measures the peak speed of the machine."""
    side = PRODUCT_SIDE[jax.default_backend()]
    matrix = jnp.ones((side, side), precision.value)
    multiply = jax.jit(jnp.matmul)
    return Case(
        name=f'matrix product {precision.value}',
        step=lambda: multiply(matrix, matrix).block_until_ready(),
        flops=2 * side**3,
    )


@contextlib.contextmanager
def peer(name: str, size: tuple[int, int], precision: Precision, train: bool) -> Iterator[Case]:
    """The same network in PyTorch, in a separate process that idles while other cases run."""
    command = [sys.executable, '-m', 'benchmarks.peer_torch', '--size', f'{size[0]}x{size[1]}']
    command += ['--precision', precision.value, '--tasks', *DENSE, *(['--train'] * train)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step() -> None:
        process.stdin.write('step\n')
        process.stdin.flush()
        if not process.stdout.readline():
            raise SystemExit('benchmarks.peer_torch ended: is torch installed?')

    try:
        yield Case(name=name, step=step)
    finally:
        process.stdin.close()
        process.wait()


def run_rounds(cases: list[Case], rounds: int) -> None:
    """Runs every case once untimed, then once in each round."""
    for counted in [False] + [True] * rounds:
        for case in cases:
            start = time.perf_counter()
            case.step()
            if counted:
                case.seconds.append(time.perf_counter() - start)


def _config(tasks, precision: Precision, **model) -> Config:
    settings = ModelConfig(precision=precision, initialisation=Initialisation.RANDOM, **model)
    return make_config(tasks, model=settings)


def _full_network(config: Config) -> Callable[..., dict[str, Any]]:
    """Returns a function of (params, batch statistics, images) that runs all heads."""
    return functools.partial(apply, make_network(config), tasks=tuple(config.tasks))


def forward_flops(config: Config, size: tuple[int, int]) -> float:
    """Returns the FLOPs of the full network for one image (height, width), as counted by XLA.

    They are counted in float32, because XLA counts none of the calls of `ops/onednn`.
    """
    model = dataclasses.replace(config.model, precision=Precision.FLOAT32)
    config = dataclasses.replace(config, model=model)
    variables = jax.eval_shape(functools.partial(init_variables, config), jax.random.PRNGKey(0))
    image = jax.ShapeDtypeStruct((1, *size, 3), np.uint8)
    lowered = jax.jit(_full_network(config)).lower(*variables, image)
    return lowered.cost_analysis()['flops']


def _ours(make: Callable[..., Case], tasks: Iterable[str], **settings: Any) -> Maker:
    return lambda name, size, precision: contextlib.nullcontext(
        make(name, tuple(tasks), size, precision, **settings)
    )


CASES: dict[str, Maker] = {
    'training': _ours(training, DENSE),
    'training, one dataset': _ours(training, BSDS_TASKS),
    'training, no labels': _ours(training, ()),
    'training, no checkpoints': _ours(training, DENSE, remat=False),
    'prediction, seven tasks': _ours(prediction, SEVEN),
    'prediction': _ours(prediction, DENSE),
    'training, PyTorch': functools.partial(peer, train=True),
    'prediction, PyTorch': functools.partial(peer, train=False),
}
WITH_PEER = ('prediction', 'training, PyTorch', 'prediction, PyTorch')


def _cases(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> Iterator[Case]:
    default = [name for name in CASES if arguments.peer or name not in WITH_PEER]
    for precision in map(Precision, arguments.precisions):
        yield product(precision)
        for size in arguments.sizes:
            for name in arguments.cases or default:
                full_name = f'{name} {size[0]}x{size[1]} {precision.value}'
                yield stack.enter_context(CASES[name](full_name, size, precision))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--precisions', nargs='+', choices=[p.value for p in Precision],
                        default=['float32'])  # fmt: skip
    parser.add_argument('--sizes', type=parse_sizes, default=[(321, 321)], help='321,641x865')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--peer', action='store_true', help='also time PyTorch')
    parser.add_argument('--cases', nargs='+', choices=CASES, metavar='CASE',
                        help=f'only these cases of: {"; ".join(CASES)}')  # fmt: skip
    parser.add_argument('--json', type=pathlib.Path)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        cases = list(_cases(arguments, stack))
        run_rounds(cases, arguments.rounds)
    rows = [
        {
            'name': case.name,
            'milliseconds': 1e3 * statistics.median(case.seconds),
            'seconds': case.seconds,
            'gflops': case.flops and case.flops / 1e9,
            'gflops_per_second': case.flops and case.flops / 1e9 / statistics.median(case.seconds),
            'compile_seconds': case.compile_seconds,
        }
        for case in cases
    ]
    for row in rows:
        speed = f'{row["gflops_per_second"]:9.0f} GFLOP/s' if row['gflops'] else ''
        print(f'{row["name"]:50} {row["milliseconds"]:9.1f} ms {speed}')
    if arguments.json:
        device = jax.devices()[0].device_kind
        report = {'device': device, 'jax': jax.__version__, 'rows': rows}
        arguments.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    main()
