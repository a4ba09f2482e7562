"""Settings of the total loss."""

import dataclasses


@dataclasses.dataclass(slots=True, kw_only=True)
class LossConfig:
    """How the losses of scales and tasks are weighted; settings of a loss belong to its task.

    Attributes:
      graduated: the weight of the losses of single scales and single skips (`side_outputs` of a
        task) falls from 1 to 0 over the run; the loss of the fused map keeps its weight (graduated
        deep supervision, arXiv 1511.07386).
      uncertainty: learn an additional weight for each task, from its loss (arXiv 1705.07115).
    """

    graduated: bool = False
    uncertainty: bool = False
