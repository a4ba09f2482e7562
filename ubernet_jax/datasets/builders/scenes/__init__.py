"""Synthetic scenes: painted solids and jointed figures in a room, with exact labels.

Everything follows from a seed: what stands where, its colours, the camera and the noise. The
labels are read off the geometry:

- regions: the floor, two walls and each thing, numbered from back to front;
- boundaries: pixels with a 4-neighbour of a lower region, so that contours are one pixel thick
  and lie on the region in front;
- saliency: the one thing that has saturated colours;
- semantic boundaries: the class of the thing that a boundary pixel lies on;
- boxes: around the pixels of each thing that are seen.
"""

from ubernet_jax.datasets.builders.scenes.scene import Scene, draw_scene, make_scene

__all__ = ['Scene', 'draw_scene', 'make_scene']
