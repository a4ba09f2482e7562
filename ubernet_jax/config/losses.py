"""Settings of how losses are added up."""

import dataclasses


@dataclasses.dataclass(slots=True, kw_only=True)
class LossConfig:
    """How the losses of scales and tasks are weighed; the constants of a loss are its task's.

    Attributes:
      graduated: the losses of the single scales fade from full weight to none over the run, and
        that of the fused map stays (graduated deep supervision, arXiv 1511.07386).
      uncertainty: learn one more weight for each task, from its loss.
    """

    graduated: bool = False
    uncertainty: bool = False
