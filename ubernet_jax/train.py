"""Trains one network for many tasks.

    ubernet train --config quickstart --workdir runs/quickstart

Any setting can be changed: `--config.optim.shared.learning_rate=1e-4`. Ctrl-C or SIGTERM saves and
stops; the same command continues. WORKDIR receives `config.json`, `provenance.json` (command,
commit, machine), `log.jsonl`, TensorBoard events, `pictures/STEP.png` and `checkpoints/STEP`.
"""

import argparse
import contextlib
import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from absl import flags, logging

from ubernet_jax import cli
from ubernet_jax.batch import Batch
from ubernet_jax.compilation import enable_compilation_cache, recomputing
from ubernet_jax.config import Config, serialization
from ubernet_jax.config.field_paths import SETTINGS_PAGE
from ubernet_jax.config.flags import override_config
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.file_names import is_text
from ubernet_jax.json_file import write_json
from ubernet_jax.monitoring.metric_logger import NotFiniteError
from ubernet_jax.monitoring.monitor import Monitor
from ubernet_jax.monitoring.provenance import write_provenance
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.data_description import describe_sets
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.groups import groups_of
from ubernet_jax.training.kept_features import KeptFeatures
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.optim import make_optimizer, make_rate
from ubernet_jax.training.packing import unpack
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
from ubernet_jax.training.teachers import open_teachers
from ubernet_jax.training.training_sets import open_training_sets
from ubernet_jax.training.transfer import Transfers
from ubernet_jax.training.workdir_lock import lock_workdir
from ubernet_jax.weights.initial import adopt_preprocessing
from ubernet_jax.weights.sources import describe_hub_source

_SETTINGS = f"""Every setting of the configuration is an option: --config.images=1000,
--config.tasks.TASK.learning_rate=1e-4, --config.data.train[0].repeat=2.
All settings: {SETTINGS_PAGE}
"""

_SETTING = re.compile(r'--?(no)?config\.|-[\d.]')  # or its value, a negative number


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
    teachers = open_teachers(config)
    epochs = Epochs(sets, config.data, config.seed)
    schedule = make_schedule(config, epochs)
    config = dataclasses.replace(config, steps=schedule.steps, epochs=None, images=None)
    groups = groups_of(config.optim, config.tasks)
    network = make_network(config)
    optimizer = make_optimizer(config.optim, config.model, groups, schedule.updates)
    mesh = make_mesh(config.data.micro_batches_per_step)
    process = jax.process_index(), jax.process_count()
    batches = MicroBatches(epochs, network.tasks, config.seed, schedule.steps, process)
    digests = {name: teacher.digest for name, teacher in teachers.items()}
    checkpoints = Checkpoints(workdir, describe_sets(sets, digests))
    checkpoints.remove_incomplete()
    restored = checkpoints.restore_newest(config, optimizer, skip_damaged, allow_changed_data)
    state: TrainState = replicate(mesh, restored or create_state(config, optimizer))
    teachers = replicate(mesh, teachers)
    start = int(state.step)
    checkpoints.save(state, config)  # the untrained network, if this is the start
    if jax.process_index() == 0:
        write_json(workdir / 'config.json', serialization.to_json(config))
        write_provenance(workdir, describe_hub_source(config.model.weights))
        for name, digest in digests.items():
            print(f'{name}: features of {config.tasks[name].distill_from} (network {digest})')
        print(f'{schedule.describe()}\nstarting at step {start}', flush=True)
    step_function = jax.jit(
        functools.partial(train_step, make_step_settings(config, network), optimizer, mesh),
        donate_argnums=0,
        compiler_options=recomputing(),
    )
    add_absent = jax.jit(functools.partial(add_absent_targets, network.tasks))
    keep = KeptFeatures.of_run(config, network, epochs, state.params)

    def transfer(micro_batches: list[Batch[np.ndarray]]) -> Batch[jax.Array]:
        micro_batches = [*keep(micro_batches, state.params[SHARED])]
        return shard(mesh, micro_batches, lambda batch: add_absent(unpack(batch)))

    stopping = False
    rates = {name: make_rate(group, schedule.updates[name]) for name, group in groups.items()}
    reader = contextlib.closing(read_ahead(batches, start, config.data.workers))
    with (
        reader as stream,
        Monitor(config, network, workdir, start, rates) as monitor,
        StopRequest() as stop,
        _explaining_not_finite(batches, checkpoints),
        exiting_without_lost_processes(),
    ):
        transfers = Transfers(stream, transfer)
        for step, batch in enumerate(transfers, start + 1):
            with monitor.starting(batch):
                state, metrics = step_function(state, batch, teachers)
            transfers.start()  # before the result of the step is waited for
            monitor.on_step(step, state, metrics)
            stopping = stop.after(step)
            if step % config.checkpoint_every == 0 or step == config.steps or stopping:
                monitor.wait()  # so that nothing is saved after a step that is not finite
                checkpoints.save(state, config)
            if stopping:
                break
        checkpoints.finish()
    done = 'stopped and saved' if stopping else 'finished'
    hint = '; the same command continues' if stopping else f'\n{_suggest_next(config, workdir)}'
    print(f'{done} at step {int(state.step)} in {workdir}{hint}', flush=True)
    return state


def _suggest_next(config: Config, workdir: pathlib.Path) -> str:
    """The command that follows a run: it is scored if it has benchmarks."""
    words = '--checkpoint', workdir
    if config.evaluation.benchmarks:
        return cli.suggest('evaluate', *words, tasks=config.tasks)
    photograph = 'PHOTO.jpg', '--out', 'predictions'
    return cli.suggest('predict', *words, *photograph, tasks=config.tasks)


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


def main(arguments: Sequence[str] | None = None) -> None:
    options, settings = _parse(arguments)
    if options.config is None:
        raise UserError('--config is missing: give a file, or a name such as mini')
    config = override_config(options.config, settings)
    if not options.workdir:
        raise UserError('--workdir is missing: give a folder for the run, such as runs/NAME')
    flags.FLAGS([''])  # Grain's reader processes need parsed absl flags
    if options.distributed or options.coordinator:
        init_distributed(options.coordinator, options.processes, options.process)
    enable_compilation_cache()
    logging.set_verbosity(logging.WARNING)  # Orbax and TFDS log every detail as INFO
    workdir = pathlib.Path(options.workdir)
    if not is_text(workdir):
        raise UserError(f'--workdir {str(workdir)!r}: a checkpoint cannot be saved under this name')
    with lock_workdir(workdir):
        train(config, workdir, options.skip_damaged_checkpoints, options.allow_changed_data)


def _parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Returns the options, and the settings `--config.FIELD=VALUE`."""
    parser = cli.make_parser('train')
    add = parser.add_argument
    add('--config', metavar='NAME[:VARIANT]',
        help='configuration: the name of one that is installed, or a file FILE.py')  # fmt: skip
    add('--workdir', metavar='DIR', help='folder for everything that the run writes')
    add('--skip_damaged_checkpoints', action='store_true',
        help='delete the newest checkpoints if they are damaged, and continue from the one before '
        'them')  # fmt: skip
    add('--allow_changed_data', action='store_true',
        help='continue a run although its training data have changed')  # fmt: skip
    several = parser.add_argument_group('several processes')
    add = several.add_argument
    add('--distributed', action='store_true',
        help='one process of several, started by Slurm, Open MPI or Kubernetes')  # fmt: skip
    add('--coordinator', metavar='HOST:PORT',
        help='address of the first process, if no scheduler provides it')  # fmt: skip
    add('--processes', type=int, metavar='N', help='number of processes, with --coordinator')
    add('--process', type=int, metavar='I',
        help='index of this process from 0, with --coordinator')  # fmt: skip
    parser.add_argument_group('settings', _SETTINGS)
    options, settings = parser.parse_known_args(arguments)
    for word in settings:
        if word.startswith('-') and not _SETTING.match(word):
            raise UserError(
                f'unknown option {word}{cli.suggest_option(parser, word)} Settings are given as '
                f'--config.FIELD=VALUE; all settings: {SETTINGS_PAGE}'
            )
    return options, settings


if __name__ == '__main__':
    cli.run(main)
