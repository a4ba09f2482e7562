"""Trains one network for many tasks.

    python -m ubernet_jax.train --config configs/quickstart.py --workdir runs/quickstart

Any setting can be changed: `--config.optim.shared.learning_rate=1e-4`. Ctrl-C or SIGTERM saves and
stops; the same command continues. WORKDIR receives `config.json`, `provenance.json` (command,
commit, machine), `log.jsonl`, TensorBoard events, `pictures/STEP.png` and `checkpoints/STEP`.
"""

import contextlib
import functools
import json
import pathlib
import signal

import jax
import tqdm
from absl import app, flags, logging
from ml_collections import config_flags

from ubernet_jax import cli, config_file
from ubernet_jax.batching import MicroBatches, read_ahead
from ubernet_jax.checkpoint import Checkpoints
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.config import Config
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.evaluate import QUICK_THRESHOLDS, evaluate_benchmarks
from ubernet_jax.evaluators import headline
from ubernet_jax.journal import Journal, Window
from ubernet_jax.models.ubernet import UberNet
from ubernet_jax.optim import make_optimizer
from ubernet_jax.predictor import Predictor
from ubernet_jax.preview import Preview
from ubernet_jax.provenance import write_provenance
from ubernet_jax.state import TrainState, create_state, make_network
from ubernet_jax.step import train_step

_CONFIG = config_flags.DEFINE_config_file('config', help_string='configs/NAME.py')
_WORKDIR = flags.DEFINE_string('workdir', None, 'where everything of the run is written')


def train(config: Config, workdir: pathlib.Path) -> TrainState:
    """Trains from the newest checkpoint in `workdir`, or from the start, to `config.steps`.

    Raises:
      UserError: bad settings or data, a checkpoint of another configuration, or a loss that is not
        finite (the step and the images are named).
    """
    config.validate()
    network = make_network(config)
    datasets = _open_training_sets(config)
    batches = MicroBatches(
        datasets,
        config.data.train,
        config.data,
        network.tasks,
        config.loss.positive_share,
        config.seed,
        config.steps,
    )
    checkpoints = Checkpoints(workdir)
    resumed = checkpoints.latest_step
    state = create_state(config) if resumed is None else checkpoints.restore(config, resumed)
    start = int(state.step)
    checkpoints.save(state, config)  # the untrained network, if this is the start
    (workdir / 'config.json').write_text(json.dumps(config_file.to_json(config), indent=1) + '\n')
    preview = Preview(config, network.tasks, workdir / 'pictures')
    step_function = jax.jit(
        functools.partial(train_step, network, make_optimizer(config), config), donate_argnums=0
    )
    print(f'{batches.epoch_length} micro-batches an epoch; starting at step {start}', flush=True)

    stopping = _StopRequest()
    progress = tqdm.tqdm(total=config.steps, initial=start, unit='step', disable=None)
    reader = contextlib.closing(read_ahead(batches, start, config.data.workers))
    with Journal(workdir) as journal, reader as stream, progress, stopping:
        window = Window()
        for step, batch in enumerate(stream, start + 1):
            state, metrics = step_function(state, batch)
            if not metrics.finite:
                checkpoints.finish()
                raise UserError(_not_finite(step, metrics.losses, batches, checkpoints))
            window.add(metrics, images=len(batch.image))
            progress.update()
            last = step == config.steps
            if step % config.log_every == 0 or last:
                line = journal.log(step, window.summary())
                progress.set_postfix_str(line)
                if progress.disable:  # no terminal: a log file, say
                    print(f'step {step}: {line}', flush=True)
                window = Window()
            if step % config.pictures_every == 0 or last:
                preview.draw(step, _predictor(network, config, state))
            if step % config.evaluate_every == 0 and not last:
                _evaluate(config, network, state, journal, step)
            if step % config.checkpoint_every == 0 or last or stopping:
                checkpoints.save(state, config)
            if stopping:
                break
        checkpoints.finish()
    done = 'stopped and saved' if stopping else 'finished'
    hint = '; the same command continues' if stopping else ''
    print(f'{done} at step {int(state.step)} in {workdir}{hint}', flush=True)
    return state


def _open_training_sets(config: Config) -> list[Dataset]:
    directory = pathlib.Path(config.data.directory)
    return [open_dataset(s.name, s.split, directory) for s in config.data.train]


def _predictor(network: UberNet, config: Config, state: TrainState) -> Predictor:
    return Predictor(network, config.input_size, state.params, state.batch_stats)


def _evaluate(
    config: Config, network: UberNet, state: TrainState, journal: Journal, step: int
) -> None:
    predictor = _predictor(network, config, state)
    scores = {
        f'{name}/{benchmark.name}:{benchmark.split}/{score}': value
        for benchmark, name, result in evaluate_benchmarks(
            predictor, config, network.tasks, QUICK_THRESHOLDS, config.evaluation.limit
        )
        for score, value in headline(result).items()
    }
    journal.log(step, scores)


def _not_finite(
    step: int, losses: dict[str, jax.Array], batches: MicroBatches, checkpoints: Checkpoints
) -> str:
    shown = ', '.join(f'{name} {float(loss):g}' for name, loss in losses.items())
    return (
        f'step {step}: a loss or gradient is not finite ({shown}), on images '
        f'{", ".join(batches.names(step - 1))}. Nothing of this step was kept; the last checkpoint '
        f'is that of step {checkpoints.latest_step}. Look at these labels, or lower '
        "--config.optim.shared.learning_rate and the tasks' learning rates."
    )


class _StopRequest:
    """True once SIGTERM or Ctrl-C has come; a second Ctrl-C ends at once."""

    def __init__(self):
        self._requested = False

    def __bool__(self) -> bool:
        return self._requested

    def __enter__(self) -> '_StopRequest':
        self._previous = {
            number: signal.signal(number, self._request)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: object) -> None:
        del frame
        self._requested = True
        signal.signal(number, self._previous[number])


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise UserError(f'unknown arguments {argv[1:]}; settings are given as --config.FIELD=VALUE')
    if _CONFIG.value is None:
        raise UserError('--config is missing: give a file such as configs/quickstart.py')
    if not isinstance(_CONFIG.value, Config):
        raise UserError(
            f'get_config() of the config file returned a {type(_CONFIG.value).__name__}; '
            'it must return an ubernet_jax.config.Config'
        )
    if not _WORKDIR.value:
        raise UserError('--workdir is missing: give a folder for the run, such as runs/NAME')
    enable_compilation_cache()
    logging.set_verbosity(logging.WARNING)  # Orbax and TFDS tell every detail as INFO
    workdir = pathlib.Path(_WORKDIR.value)
    workdir.mkdir(parents=True, exist_ok=True)
    write_provenance(workdir)
    train(_CONFIG.value, workdir)


if __name__ == '__main__':
    cli.run(lambda: app.run(main, flags_parser=cli.parse_flags))
