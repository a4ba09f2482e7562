"""Reports on a run while it trains: progress, log, pictures and scores."""

import contextlib
import pathlib
from collections.abc import Mapping

import jax
import numpy as np
import optax

from ubernet_jax.batch import Batch
from ubernet_jax.compilation_notice import CompilationNotice
from ubernet_jax.config import Config
from ubernet_jax.config.serialization import to_json
from ubernet_jax.evaluation.benchmarks import QUICK_THRESHOLDS, evaluate_benchmarks
from ubernet_jax.evaluation.plans import plan_benchmarks
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.monitoring.metric_logger import MetricLogger, RunningMeans, describe_losses
from ubernet_jax.monitoring.preview import Preview
from ubernet_jax.network import Network
from ubernet_jax.progress import Progress
from ubernet_jax.training.parallel import local_replica
from ubernet_jax.training.state import TrainState
from ubernet_jax.training.step import StepMetrics


class Monitor:
    """Reports on a run, step by step; a context manager.

    With several processes, each reads the metrics, and the first writes and draws for all.
    """

    def __init__(
        self,
        config: Config,
        network: Network,
        workdir: pathlib.Path,
        start: int,
        rates: Mapping[str, optax.Schedule],
    ):
        """Opens the log.

        Args:
          config: of the run; its length is given in steps.
          network: trunk and heads.
          workdir: folder of the run.
          start: the step at which this process starts.
          rates: group -> its learning rate as a function of its updates.
        """
        self._config, self._network, self._rates = config, network, rates
        self._means = RunningMeans()
        self._first = jax.process_index() == 0
        self._notice = CompilationNotice(
            'training step', _describe_program(config), silent=not self._first
        )
        self._predictor: Predictor | None = None
        if self._first:
            self._logger = MetricLogger(workdir)
            self._preview = Preview(config, workdir / 'pictures')
            self._progress = Progress('step', config.steps or 0, done=start)

    def __enter__(self) -> 'Monitor':
        return self

    def __exit__(self, *_: object) -> None:
        if self._first:
            self._logger.close()
            self._progress.close()

    def starting(self, batch: Batch[jax.Array]) -> contextlib.AbstractContextManager[None]:
        """Wraps the start of a step on this batch: says so if it is compiled for its size."""
        height, width = batch.image.shape[1:3]
        return self._notice.calling((height, width))

    def on_step(self, step: int, state: TrainState, metrics: StepMetrics) -> None:
        """Records a step that has been started.

        Raises:
          NotFiniteError: for this step or the previous one.
        """
        config, last = self._config, step == self._config.steps
        self._means.add(step, metrics)
        summary = None
        if step % config.log_every == 0 or last:
            summary, self._means = self._means.summary(), RunningMeans()
        if not self._first:
            return
        self._progress.advance()
        if summary:
            self._logger.log(step, summary | self._learning_rates(summary))
            self._progress.note(describe_losses(summary))
        pictures = step % config.pictures_every == 0 or last
        evaluation = step % config.evaluate_every == 0 and not last
        if pictures or evaluation:
            self.wait()  # else an error of the evaluation would hide that the step is not finite
        if pictures:
            sheet = self._preview.draw(step, self._predict_with(state))
            if sheet is not None:
                self._logger.log_picture(step, sheet)
        if evaluation:
            self._logger.log(step, self._scores(step, state))

    def wait(self) -> None:
        """Waits for the newest step.

        Raises:
          NotFiniteError: for that step.
        """
        self._means.read()

    def _learning_rates(self, summary: Mapping[str, float]) -> dict[str, float]:
        """The learning rate of the next update of every group."""
        return {
            f'learning_rate/{group}': float(np.asarray(rate(int(summary[f'updates/{group}']))))
            for group, rate in self._rates.items()
            if f'updates/{group}' in summary  # not for a trunk that is frozen as a whole
        }

    def _scores(self, step: int, state: TrainState) -> dict[str, float]:
        """Prints the scores; returns them for the log."""
        config, scores = self._config, {}
        results = evaluate_benchmarks(
            self._predict_with(state),
            plan_benchmarks(config, self._network.tasks),
            QUICK_THRESHOLDS,
            config.evaluation.limit,
        )
        for scored in results:
            self._progress.write(f'scores at step {step}: {scored}')
            source = f'{scored.name}/{scored.benchmark.name}:{scored.benchmark.split}'
            for score, value in scored.result.scores().items():
                scores[f'{source}/{score.name}'] = value
        return scores

    def _predict_with(self, state: TrainState) -> Predictor:
        network = local_replica((state.params, state.batch_stats))
        if self._predictor is None:
            config = self._config
            self._predictor = Predictor(
                self._network,
                config.input_size,
                *network,
                notices=True,
                evaluation=config.evaluation,
            )
        else:
            self._predictor.use(*network)
        return self._predictor


def _describe_program(config: Config) -> object:
    """What the time of compiling a training step depends on, besides the size of the images."""
    data = config.data
    counts = data.images_per_micro_batch, data.micro_batches_per_step
    return to_json([config.model, config.tasks, config.loss, config.optim, counts])
