"""Pictures of what a network says and of what the labels say, drawn in one way.

Every task is drawn as its field draws it: classes in the colours of PASCAL VOC, normals as RGB,
boundaries dark on light, saliency light on dark, boxes with names over the photograph. Where there
is no habit the drawing is in greys, which every eye can tell apart, class colours always come with
a legend or a name, and normals with a ball.
"""

from ubernet_jax.visualize.pictures import class_colours, legend, picture
from ubernet_jax.visualize.sheet import Panel, contact_sheet, panel
from ubernet_jax.visualize.style import Style

__all__ = ['Panel', 'Style', 'class_colours', 'contact_sheet', 'legend', 'panel', 'picture']
