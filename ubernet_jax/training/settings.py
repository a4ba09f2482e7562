"""What a training step is compiled for: the settings that are fixed over a run."""

import dataclasses

import jax
import jax.numpy as jnp

from ubernet_jax.config import Algorithm, Config
from ubernet_jax.network import Network
from ubernet_jax.training.combination import Combination, make_combination


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class StepSettings:
    """The network and how its gradients are computed.

    Attributes:
      network: trunk and heads.
      combination: how the cotangents of the tasks are combined at the branch point.
      algorithm: when parameter groups update.
      micro_batches: of a step.
      uncertainty: whether task weights are learnt (`loss.uncertainty`).
      fading_steps: steps over which the losses of single scales fade (`loss.graduated`); None if
        they do not.
    """

    network: Network
    combination: Combination
    algorithm: Algorithm
    micro_batches: int
    uncertainty: bool
    fading_steps: int | None

    def scale_weight(self, step: jax.Array) -> jax.Array:
        """Weight of the losses of single scales at a step: see `Task.loss`."""
        return jnp.ones(()) if self.fading_steps is None else 1 - step / self.fading_steps


def make_step_settings(config: Config, network: Network) -> StepSettings:
    """The settings of a configuration whose length is given in steps."""
    return StepSettings(
        network=network,
        combination=make_combination(config.optim.balancing, config.model, len(config.tasks)),
        algorithm=config.optim.algorithm,
        micro_batches=config.data.micro_batches_per_step,
        uncertainty=config.loss.uncertainty,
        fading_steps=config.steps if config.loss.graduated else None,
    )
