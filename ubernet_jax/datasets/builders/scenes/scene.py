"""A rendered scene, and the labels computed from its regions."""

import dataclasses
from typing import Any

import numpy as np

from ubernet_jax.datasets.builders.scenes import layout, render
from ubernet_jax.example import Example
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import STANDARD, VOC_CLASSES


@dataclasses.dataclass(slots=True, kw_only=True)
class Scene:
    """A rendered scene with its exact maps.

    Attributes:
      id: 'scene-' and the seed, six digits or more.
      image: uint8 (H, W, 3), RGB.
      normals: float32 (H, W, 3), unit vectors; x right, y up, z towards the camera.
      depth: float32 (H, W), metres from the camera's plane.
      region: int32 (H, W): 0 floor, 1 and 2 walls, then the objects from back to front.
      parts: uint8 (H, W), index in `PERSON_PARTS`.
      classes: uint8 (R,), index in `VOC_CLASSES` of each region, 0 for floor and walls.
      salient: the region of the salient object.
    """

    id: str
    image: np.ndarray
    normals: np.ndarray
    depth: np.ndarray
    region: np.ndarray
    parts: np.ndarray
    classes: np.ndarray
    salient: int

    def labels(self) -> dict[str, Any]:
        """Returns the labels with all standard names: see `labels.standard`."""
        segmentation = self.classes[self.region]
        boundary = find_boundaries(self.region)
        return {
            'boundaries': LineMap(share=boundary * np.uint8(255)),
            'normals': self.normals,
            'depth': self.depth,
            'saliency': (self.region == self.salient) * np.uint8(255),
            'segmentation': segmentation,
            'parts': self.parts,
            'semantic_boundaries': boundary * segmentation,
            'detection': self.boxes(),
        }

    def boxes(self) -> BoxSet:
        """Returns boxes around the visible pixels of each object; a hidden object has no box."""
        visible = np.unique(self.region[self.classes[self.region] > 0])
        corners = np.zeros((len(visible), 4), np.float32)
        for box, region in zip(corners, visible, strict=True):
            rows, columns = np.nonzero(self.region == region)
            box[:] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return BoxSet(
            corners=corners, classes=self.classes[visible], difficult=np.zeros(len(visible), bool)
        )


def make_scene(seed: int, height: int, width: int) -> Scene:
    """Renders the scene of a seed.

    Args:
      seed: not negative.
      height: height of the image in pixels.
      width: width of the image in pixels.
    """
    rng = np.random.default_rng(seed)
    shorter = min(height, width)
    plan = layout.arrange(rng, width / shorter, height / shorter)
    rendering = render.render(plan.room, plan.objects, height, width, rng)
    classes = [0] * len(plan.room) + [VOC_CLASSES.index(name) for name in plan.names]
    return Scene(
        id=f'scene-{seed:06d}',
        image=rendering.image,
        normals=rendering.normals,
        depth=rendering.depth,
        region=rendering.region,
        parts=rendering.parts,
        classes=np.array(classes, np.uint8),
        salient=len(plan.room) + plan.salient,
    )


def draw_scene(seed: int, height: int, width: int) -> Example:
    """Returns the scene of `make_scene` as an example with all labels."""
    scene = make_scene(seed, height, width)
    return Example(id=scene.id, image=scene.image, labels=scene.labels(), kinds=STANDARD)


def find_boundaries(region: np.ndarray) -> np.ndarray:
    """Finds the pixels of an integer map with a 4-neighbour of a lower value, bool (H, W)."""
    lowest = region.copy()
    np.minimum(lowest[1:], region[:-1], out=lowest[1:])
    np.minimum(lowest[:-1], region[1:], out=lowest[:-1])
    np.minimum(lowest[:, 1:], region[:, :-1], out=lowest[:, 1:])
    np.minimum(lowest[:, :-1], region[:, 1:], out=lowest[:, :-1])
    return lowest < region
