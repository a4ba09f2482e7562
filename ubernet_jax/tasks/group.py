"""Update settings of a parameter group: the trunk's and each task's."""

import dataclasses
import math

from ubernet_jax.errors import require_setting

SHARED = 'shared'  # the trunk's parameter group


@dataclasses.dataclass(kw_only=True)
class GroupConfig:
    """Update settings of a parameter group.

    Attributes:
      batch_size: effective batch size B_p, in labelled images.
      learning_rate: learning rate of the group's first update.
      decay_at: the learning rate is divided by 10 after each of these shares (0..1) of the updates
        that the group is expected to make in the run.
      polynomial: use polynomial decay to 0 over the group's expected updates instead.
      bias_multiplier: factor on the learning rate of the group's biases, besides that of `optim`.
        The skips that the kernels of heads multiply are ten times as large as the 1 that a bias
        multiplies: with AdamW, whose updates do not grow with the gradient, 10 makes a head learn
        the mean of its labels much sooner (docs/results/decisions.md).
    """

    batch_size: int = 10
    learning_rate: float = 1e-3
    decay_at: tuple[float, ...] = (0.6,)
    polynomial: bool = False
    bias_multiplier: float = 1.0

    def __setattr__(self, name: str, value: object) -> None:
        """Raises for names that are not fields: a misspelt setting would have no effect."""
        if all(name != field.name for field in dataclasses.fields(self)):
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        super().__setattr__(name, value)

    def validate(self, where: str) -> None:
        """Checks every field that a user may have set.

        Args:
          where: path of the settings in the configuration, such as `tasks.normals`.

        Raises:
          UserError: a value is not allowed; the message names the field, its value and the allowed
            values.
        """
        for field in ('batch_size', 'learning_rate'):
            value = getattr(self, field)
            require_setting(value > 0, f'{where}.{field}', value, 'above 0')
        fits = 0 <= self.bias_multiplier < math.inf
        require_setting(fits, f'{where}.bias_multiplier', self.bias_multiplier, '0 or more')
        fits = all(0 < share <= 1 for share in self.decay_at)
        require_setting(fits, f'{where}.decay_at', self.decay_at, 'shares above 0, up to 1')
