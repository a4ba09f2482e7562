"""Trains one network for many tasks.

    python -m ubernet_jax.train --config configs/quickstart.py --workdir runs/quickstart

Any setting can be changed: `--config.optim.shared.learning_rate=1e-4`. Ctrl-C or SIGTERM saves and
stops; the same command continues. WORKDIR receives `config.json`, `provenance.json` (command,
commit, machine), `log.jsonl`, TensorBoard events, `pictures/STEP.png` and `checkpoints/STEP`.
"""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import sys
from collections.abc import Iterator

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache, recomputing
from ubernet_jax.config import Config, serialization
from ubernet_jax.config.flags import check_config, parse_flags
from ubernet_jax.config.validation import validate
from ubernet_jax.datasets.checks.leaks import open_datasets, resolve_leaks
from ubernet_jax.datasets.label_mapping import find_classes, map_labels
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.file_names import is_text
from ubernet_jax.monitoring.metric_logger import NotFinite
from ubernet_jax.monitoring.monitor import Monitor
from ubernet_jax.monitoring.provenance import write_provenance
from ubernet_jax.network import make_network
from ubernet_jax.plugins import HELP, load_plugin
from ubernet_jax.training.batching import MicroBatches, read_ahead
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.optim import make_optimizer
from ubernet_jax.training.parallel import init_distributed, make_mesh, replicate, shard
from ubernet_jax.training.schedule import make_schedule
from ubernet_jax.training.state import TrainState, create_state
from ubernet_jax.training.step import train_step
from ubernet_jax.training.stopping import StopRequest
from ubernet_jax.weights.initial import adopt_preprocessing

_CONFIG = config_flags.DEFINE_config_file('config', help_string='configs/NAME.py')
_PLUGIN = flags.DEFINE_multi_string('plugin', [], HELP)
_WORKDIR = flags.DEFINE_string('workdir', None, 'where everything of the run is written')
_DISTRIBUTED = flags.DEFINE_boolean(
    'distributed', False, 'one process of several, started by Slurm, Open MPI or Kubernetes'
)
_COORDINATOR = flags.DEFINE_string(
    'coordinator', None, 'HOST:PORT of the first process, where no scheduler tells it'
)
_PROCESSES = flags.DEFINE_integer('processes', None, 'how many there are, with --coordinator')
_PROCESS = flags.DEFINE_integer('process', None, 'number of this one, with --coordinator')


def train(config: Config, workdir: pathlib.Path) -> TrainState:
    """Trains from the newest checkpoint in `workdir`, or from the start, to `config.steps`.

    Raises:
      UserError: bad settings or data, a checkpoint of another configuration, or a loss that is not
        finite (the step and the images are named).
    """
    validate(config)
    config = adopt_preprocessing(config)
    datasets = _open_training_sets(config)
    config = find_classes(config, datasets)
    sets = zip(datasets, config.data.train, strict=True)
    labels = [map_labels(dataset, setting, config.tasks) for dataset, setting in sets]
    benchmarks = config.evaluation.benchmarks
    for dataset, setting in zip(open_datasets(benchmarks, config), benchmarks, strict=True):
        map_labels(dataset, setting, config.tasks)  # what does not fit is refused before the start
    epochs = Epochs(datasets, config.data.train, config.data, config.seed)
    schedule = make_schedule(config, epochs, datasets, labels)
    config = dataclasses.replace(config, steps=schedule.steps, epochs=None, images=None)
    network, optimizer = make_network(config), make_optimizer(config, schedule.updates)
    mesh = make_mesh(config.data.micro_batches_per_step)
    batches = MicroBatches(
        epochs,
        datasets,
        labels,
        config.data,
        network.tasks,
        config.seed,
        schedule.steps,
        process=(jax.process_index(), jax.process_count()),
    )
    checkpoints = Checkpoints(workdir)
    resumed = checkpoints.latest_step
    if resumed is None:
        state = create_state(config, optimizer)
    else:
        state = checkpoints.restore(config, resumed, optimizer)
    state = replicate(mesh, state)
    start = int(state.step)
    checkpoints.save(state, config)  # the untrained network, if this is the start
    if jax.process_index() == 0:
        text = json.dumps(serialization.to_json(config), indent=1) + '\n'
        (workdir / 'config.json').write_text(text)
        print(f'{schedule.describe(config)}\nstarting at step {start}', flush=True)
    step_function = jax.jit(
        functools.partial(train_step, network, optimizer, config, mesh),
        donate_argnums=0,
        compiler_options=recomputing(),
    )
    complete = jax.jit(functools.partial(add_absent_targets, network.tasks))
    stopping = False
    reader = contextlib.closing(read_ahead(batches, start, config.data.workers))
    with (
        reader as stream,
        Monitor(config, network, workdir, start) as monitor,
        StopRequest() as stop,
        _explaining_not_finite(batches, checkpoints),
        leaving_lost_processes(),
    ):
        for step, own in enumerate(stream, start + 1):
            state, metrics = step_function(state, shard(mesh, own, complete))
            monitor.on_step(step, state, metrics)
            stopping = stop.after(step)
            if step % config.checkpoint_every == 0 or step == config.steps or stopping:
                monitor.wait()  # so that nothing is saved after a step that is not finite
                checkpoints.save(state, config)
            if stopping:
                break
        checkpoints.finish()
    done = 'stopped and saved' if stopping else 'finished'
    hint = '; the same command continues' if stopping else ''
    print(f'{done} at step {int(state.step)} in {workdir}{hint}', flush=True)
    return state


def _open_training_sets(config: Config) -> list[Dataset]:
    opened = open_datasets(config.data.train, config)
    datasets = resolve_leaks(opened, config)
    for whole, part in zip(opened, datasets, strict=True):
        if len(part) < len(whole):
            name, images = f'{whole.name}:{whole.split}', len(whole) - len(part)
            print(f'{images} of {len(whole)} images of {name} are test images: left out')
    return datasets


@contextlib.contextmanager
def _explaining_not_finite(batches: MicroBatches, checkpoints: Checkpoints) -> Iterator[None]:
    try:
        yield
    except NotFinite as error:
        checkpoints.finish()
        shown = ', '.join(f'{name} {float(loss):g}' for name, loss in error.losses.items())
        raise UserError(
            f'step {error.step}: a loss or gradient is not finite ({shown}), on images '
            f'{", ".join(batches.names(error.step - 1))}. Nothing of this step was kept; the last '
            f'checkpoint is that of step {checkpoints.latest_step}. Look at these labels, or lower '
            "--config.optim.shared.learning_rate and the tasks' learning rates."
        ) from None


@contextlib.contextmanager
def leaving_lost_processes() -> Iterator[None]:
    """Ends the process with a message where JAX fails because another one is gone."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        print(
            f'error: the {jax.process_count()} processes cannot go on '
            f'({str(error).splitlines()[0]}); most likely one is gone. Start all again: the '
            'same commands continue from the last checkpoint',
            file=sys.stderr,
            flush=True,
        )
        os._exit(cli.USER_ERROR)  # any other way out, JAX waits a minute for those that are gone


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise UserError(f'unknown arguments {argv[1:]}; settings are given as --config.FIELD=VALUE')
    for name in _PLUGIN.value:
        load_plugin(name)
    if _CONFIG.value is None:
        raise UserError('--config is missing: give a file such as configs/quickstart.py')
    config = check_config(_CONFIG.value)
    if not _WORKDIR.value:
        raise UserError('--workdir is missing: give a folder for the run, such as runs/NAME')
    if _DISTRIBUTED.value or _COORDINATOR.value:
        init_distributed(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
    enable_compilation_cache()
    logging.set_verbosity(logging.WARNING)  # Orbax and TFDS tell every detail as INFO
    workdir = pathlib.Path(_WORKDIR.value)
    if not is_text(workdir):
        raise UserError(f'--workdir {str(workdir)!r}: no checkpoint can be saved in such a name')
    workdir.mkdir(parents=True, exist_ok=True)
    if jax.process_index() == 0:
        write_provenance(workdir)
    train(config, workdir)


if __name__ == '__main__':
    cli.run(lambda: app.run(main, flags_parser=parse_flags))
