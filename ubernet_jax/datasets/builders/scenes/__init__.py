"""Synthetic scenes: painted solids and jointed figures in a room, with exact labels.

A seed determines the whole scene: the objects, their positions and colours, the camera and the
noise. The labels are computed from the geometry:

- regions: the floor, two walls and each object, numbered from back to front;
- boundaries: pixels with a 4-neighbour of a lower region, so that contours are one pixel thick
  and lie on the region in front;
- saliency: the only object with saturated colours;
- semantic boundaries: the class of the object at each boundary pixel;
- boxes: around the visible pixels of each object.
"""

from ubernet_jax.datasets.builders.scenes.scene import Scene, draw_scene, make_scene

__all__ = ['Scene', 'draw_scene', 'make_scene']
