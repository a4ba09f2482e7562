"""Reports on a run while it trains: progress, log, pictures and scores."""

import pathlib

import jax
import tqdm

from ubernet_jax.config import Config
from ubernet_jax.evaluation.benchmarks import QUICK_THRESHOLDS, evaluate_benchmarks
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.monitoring.metric_logger import MetricLogger, RunningMeans
from ubernet_jax.monitoring.preview import Preview
from ubernet_jax.network import Network
from ubernet_jax.training.parallel import local_replica
from ubernet_jax.training.state import TrainState
from ubernet_jax.training.step import StepMetrics


class Monitor:
    """Reports on a run, step by step; a context manager.

    With several processes, each reads the metrics, and the first writes and draws for all.
    """

    def __init__(self, config: Config, network: Network, workdir: pathlib.Path, start: int):
        self._config, self._network = config, network
        self._means = RunningMeans()
        self._first = jax.process_index() == 0
        if self._first:
            self._logger = MetricLogger(workdir)
            self._preview = Preview(config, workdir / 'pictures')
            self._progress = tqdm.tqdm(total=config.steps, initial=start, unit='step', disable=None)

    def __enter__(self) -> 'Monitor':
        return self

    def __exit__(self, *_: object) -> None:
        if self._first:
            self._logger.close()
            self._progress.close()

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
        self._progress.update()
        if summary:
            self._log(step, summary)
        pictures = step % config.pictures_every == 0 or last
        evaluation = step % config.evaluate_every == 0 and not last
        if pictures or evaluation:
            self.wait()  # else an error of the evaluation would hide that the step is not finite
        if pictures:
            self._preview.draw(step, self._predictor(state))
        if evaluation:
            self._logger.log(step, self._scores(state))

    def wait(self) -> None:
        """Waits for the newest step.

        Raises:
          NotFiniteError: for that step.
        """
        self._means.read()

    def _log(self, step: int, summary: dict[str, float]) -> None:
        line = self._logger.log(step, summary)
        self._progress.set_postfix_str(line)
        if self._progress.disable:  # not a terminal, but for example a log file
            print(f'step {step}: {line}', flush=True)

    def _scores(self, state: TrainState) -> dict[str, float]:
        config = self._config
        return {
            f'{scored.name}/{scored.benchmark.name}:{scored.benchmark.split}/{score.name}': value
            for scored in evaluate_benchmarks(
                self._predictor(state),
                config,
                self._network.tasks,
                QUICK_THRESHOLDS,
                config.evaluation.limit,
            )
            for score, value in scored.result.scores().items()
        }

    def _predictor(self, state: TrainState) -> Predictor:
        params, batch_stats = local_replica((state.params, state.batch_stats))
        return Predictor(self._network, self._config.input_size, params, batch_stats)
