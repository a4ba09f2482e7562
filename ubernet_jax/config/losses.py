"""Settings of the losses."""

import dataclasses


@dataclasses.dataclass(slots=True, kw_only=True)
class LossConfig:
    """Constants of the losses (paper, section 2.4).

    Attributes:
      bag_radius: pixels around a boundary label in which the best score counts (arXiv 1511.07386).
      positive_weight: weight of boundary pixels.
      negative_weight: weight of the other pixels.
      positive_share: share of annotators (0..1) above which a pixel is positive; zero is negative,
        between is ignored.
      normals_transition: where smooth L1 on unit vectors turns from quadratic to linear.
      proposal_class_weight: of the detector's first stage, thing against background,
      proposal_box_weight: and its boxes.
      box_class_weight: of the second stage, the classes,
      box_weight: and the boxes.
      graduated: the losses of the single scales fade from full weight to none over the run, and
        that of the fused map stays (graduated deep supervision, arXiv 1511.07386).
      uncertainty: learn one more weight for each task, from its loss.
    """

    bag_radius: int = 2
    positive_weight: float = 0.95
    negative_weight: float = 0.05
    positive_share: float = 0.5
    normals_transition: float = 1.0
    proposal_class_weight: float = 1.0
    proposal_box_weight: float = 1.0
    box_class_weight: float = 1.0
    box_weight: float = 1.0
    graduated: bool = False
    uncertainty: bool = False
