"""Pictures of predictions and labels, both drawn in the same way by the kinds in `labels`.

Every task is drawn in the usual way of its field: the classes of PASCAL VOC in its colours, normals
as RGB, boundaries dark on light, saliency light on dark, boxes with names over the image. Other
classes have colours that can be told apart without red or green cones (`visualize.palette`). Values
without such a convention are drawn in grey, which does not depend on colour vision. Class colours
always come with a legend or a name, and other colours with a key.
"""

from ubernet_jax.visualize.sheet import Panel, contact_sheet, make_panel
from ubernet_jax.visualize.style import Style

__all__ = ['Panel', 'Style', 'contact_sheet', 'make_panel']
