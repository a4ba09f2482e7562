"""Pictures of predictions and of labels, drawn in one way; what is drawn how, `labels` says.

Every task is drawn as its field draws it: classes in the colours of PASCAL VOC, normals as RGB,
boundaries dark on light, saliency light on dark, boxes with names over the photograph. Where there
is no habit the drawing is in greys, which every eye can tell apart, class colours always come with
a legend or a name, and other colours with a key.
"""

from ubernet_jax.visualize.sheet import Panel, contact_sheet, make_panel
from ubernet_jax.visualize.style import Style

__all__ = ['Panel', 'Style', 'contact_sheet', 'make_panel']
