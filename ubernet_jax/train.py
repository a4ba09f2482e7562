"""Trains one network for many tasks.

    python -m ubernet_jax.train --config configs/quickstart.py --workdir runs/quickstart

Any setting can be changed: `--config.optim.shared.learning_rate=1e-4`. Ctrl-C or SIGTERM saves and
stops; the same command continues. WORKDIR receives `config.json`, `provenance.json` (command,
commit, machine), `log.jsonl`, TensorBoard events, `pictures/STEP.png` and `checkpoints/STEP`.
"""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache, recomputing
from ubernet_jax.config import Config, serialization
from ubernet_jax.config.flags import check_config, parse_flags
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.file_names import is_text
from ubernet_jax.json_file import write_json
from ubernet_jax.monitoring.metric_logger import NotFiniteError
from ubernet_jax.monitoring.monitor import Monitor
from ubernet_jax.monitoring.provenance import write_provenance
from ubernet_jax.network import make_network
from ubernet_jax.plugins import HELP, load_plugin
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.data_description import describe_sets
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.groups import groups_of
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.optim import make_optimizer
from ubernet_jax.training.parallel import (
    exiting_without_lost_processes,
    init_distributed,
    make_mesh,
    replicate,
    shard,
)
from ubernet_jax.training.prefetch import read_ahead
from ubernet_jax.training.schedule import make_schedule
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.state import TrainState, create_state
from ubernet_jax.training.step import train_step
from ubernet_jax.training.stopping import StopRequest
from ubernet_jax.training.training_sets import open_training_sets
from ubernet_jax.training.workdir_lock import lock_workdir
from ubernet_jax.weights.initial import adopt_preprocessing

_CONFIG = config_flags.DEFINE_config_file('config', help_string='configs/NAME.py')
_PLUGIN = flags.DEFINE_multi_string('plugin', [], HELP)
_WORKDIR = flags.DEFINE_string('workdir', None, 'folder for everything that the run writes')
_DISTRIBUTED = flags.DEFINE_boolean(
    'distributed', False, 'one process of several, started by Slurm, Open MPI or Kubernetes'
)
_COORDINATOR = flags.DEFINE_string(
    'coordinator', None, 'HOST:PORT of the first process, if no scheduler provides it'
)
_PROCESSES = flags.DEFINE_integer('processes', None, 'number of processes, with --coordinator')
_PROCESS = flags.DEFINE_integer('process', None, 'index of this process from 0, with --coordinator')
_SKIP_DAMAGED = flags.DEFINE_boolean(
    'skip_damaged_checkpoints', False,
    'delete the newest checkpoints if they are damaged, and continue from the one before them',
)  # fmt: skip
_ALLOW_CHANGED_DATA = flags.DEFINE_boolean(
    'allow_changed_data', False, 'continue a run although its training data have changed'
)


def train(
    config: Config,
    workdir: pathlib.Path,
    skip_damaged: bool = False,
    allow_changed_data: bool = False,
) -> TrainState:
    """Trains from the newest checkpoint in `workdir`, or from the start, to `config.steps`.

    Args:
      config: configuration of the run.
      workdir: folder of the run.
      skip_damaged: see `Checkpoints.restore_newest`.
      allow_changed_data: see `Checkpoints.restore`.

    Raises:
      UserError: bad settings or data, a checkpoint that is damaged or of another configuration or
        other data, or a loss that is not finite (the step and the images are named).
    """
    validate(config)
    config, sets = open_training_sets(adopt_preprocessing(config))
    epochs = Epochs(sets, config.data, config.seed)
    schedule = make_schedule(config, epochs)
    config = dataclasses.replace(config, steps=schedule.steps, epochs=None, images=None)
    groups = groups_of(config.optim, config.tasks)
    network = make_network(config)
    optimizer = make_optimizer(config.optim, config.model, groups, schedule.updates)
    mesh = make_mesh(config.data.micro_batches_per_step)
    process = jax.process_index(), jax.process_count()
    batches = MicroBatches(epochs, network.tasks, config.seed, schedule.steps, process)
    checkpoints = Checkpoints(workdir, describe_sets(sets))
    checkpoints.remove_incomplete()
    state = checkpoints.restore_newest(config, optimizer, skip_damaged, allow_changed_data)
    if state is None:
        state = create_state(config, optimizer)
    state = replicate(mesh, state)
    start = int(state.step)
    checkpoints.save(state, config)  # the untrained network, if this is the start
    if jax.process_index() == 0:
        write_json(workdir / 'config.json', serialization.to_json(config))
        print(f'{schedule.describe()}\nstarting at step {start}', flush=True)
    step_function = jax.jit(
        functools.partial(train_step, make_step_settings(config, network), optimizer, mesh),
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
        exiting_without_lost_processes(),
    ):
        for step, micro_batches in enumerate(stream, start + 1):
            state, metrics = step_function(state, shard(mesh, micro_batches, complete))
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


@contextlib.contextmanager
def _explaining_not_finite(batches: MicroBatches, checkpoints: Checkpoints) -> Iterator[None]:
    try:
        yield
    except NotFiniteError as error:
        checkpoints.finish()
        shown = ', '.join(f'{name} {float(loss):g}' for name, loss in error.losses.items())
        raise UserError(
            f'step {error.step}: a loss or gradient is not finite ({shown}), on images '
            f'{", ".join(batches.names(error.step - 1))}. This step was discarded; the last '
            f'checkpoint is that of step {checkpoints.latest_step}. Check these labels, or lower '
            'the learning rates: --config.optim.shared.learning_rate and '
            '--config.tasks.TASK.learning_rate.'
        ) from None


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
    logging.set_verbosity(logging.WARNING)  # Orbax and TFDS log every detail as INFO
    workdir = pathlib.Path(_WORKDIR.value)
    if not is_text(workdir):
        raise UserError(f'--workdir {str(workdir)!r}: a checkpoint cannot be saved under this name')
    with lock_workdir(workdir):
        if jax.process_index() == 0:
            write_provenance(workdir)
        train(config, workdir, _SKIP_DAMAGED.value, _ALLOW_CHANGED_DATA.value)


if __name__ == '__main__':
    cli.run(lambda: app.run(main, flags_parser=parse_flags))
