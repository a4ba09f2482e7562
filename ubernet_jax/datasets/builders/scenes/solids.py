"""Solids that a ray meets in closed form: ellipsoids, boxes and truncated cones.

Every solid is a unit shape under half-lengths, a rotation and a shift. All rays run along -z
(parallel projection), so of the points on a ray the nearest has the largest z. Coordinates are x
right, y up, z towards the camera, in scene units.
"""

import dataclasses
import enum

import numpy as np

from ubernet_jax.datasets.builders.scenes import materials

_TINY = 1e-12  # stands in for zero where a ray is parallel to a face


class Shape(enum.Enum):
    """The unit shape, within -1..1 along each of the solid's own axes."""

    BALL = 'ball'
    BOX = 'box'
    CONE = 'cone'  # about y: radius 1 at y = -1, `tip` at y = 1 (1: cylinder, 0: pointed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A painted solid.

    Attributes:
      shape: the unit shape.
      centre: (3,).
      half: (3,), half-lengths along the solid's own axes.
      axes: (3, 3), a rotation; its columns are the solid's own axes.
      tip: a cone's radius at y = 1 over that at y = -1.
      material: its paint.
      part: index in `PERSON_PARTS`, 0 on anything but a person.
    """

    shape: Shape
    centre: np.ndarray
    half: np.ndarray
    axes: np.ndarray
    tip: float
    material: materials.Material
    part: int

    def moved(self, rotation: np.ndarray, shift: np.ndarray) -> 'Solid':
        """The solid rotated about the origin, then shifted."""
        return dataclasses.replace(
            self, centre=rotation @ self.centre + shift, axes=rotation @ self.axes
        )

    def reach(self) -> np.ndarray:
        """(3,), half-lengths of an upright box around `centre` that holds the solid."""
        widest = max(self.tip, 1)
        return np.abs(self.axes) @ (self.half * [widest, 1, widest])

    def depth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """z of the nearest point on each ray, -inf where the ray misses; x and y broadcast."""
        to_unit = self.axes.T / self.half[:, None]
        x, y = x - self.centre[0], y - self.centre[1]
        start = [row[0] * x + row[1] * y - row[2] * self.centre[2] for row in to_unit]
        return -_MEET[self.shape](start, -to_unit[:, 2], self.tip)

    def own(self, points: np.ndarray) -> np.ndarray:
        """Points (3, n) in the solid's own axes, still in scene units."""
        return self.axes.T @ (points - self.centre[:, None])

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Outward unit normals (3, n) at points (3, n) of the surface, given in its own axes."""
        unit = points / self.half[:, None]
        if self.shape is Shape.BALL:
            normals = unit
        elif self.shape is Shape.BOX:
            face = np.abs(unit).argmax(axis=0)
            normals = np.sign(unit) * (np.arange(3)[:, None] == face)
        else:
            slope = (self.tip - 1) / 2
            flat = np.abs(unit[1]) > 1 - 1e-9
            radius = 1 + slope * (unit[1] + 1)
            normals = np.where(flat, 0, [unit[0], -slope * radius, unit[2]])
            normals[1] += flat * np.sign(unit[1])
        normals = self.axes @ (normals / self.half[:, None])
        return normals / np.sqrt((normals * normals).sum(axis=0))


# The functions below give the time at which rays, start + time * ray, enter a unit shape, inf
# where they miss it. `start` is three arrays, `ray` is (3,).


def _meet_ball(start, ray, tip):
    a = ray @ ray
    b = sum(s * r for s, r in zip(start, ray, strict=True))
    square = b * b - a * (sum(s * s for s in start) - 1)
    return np.where(square >= 0, (-b - np.sqrt(np.maximum(square, 0))) / a, np.inf)


def _meet_box(start, ray, tip):
    enter, leave = -np.inf, np.inf
    for s, r in zip(start, ray, strict=True):
        r = r if abs(r) > _TINY else _TINY
        enter = np.maximum(enter, (-np.sign(r) - s) / r)
        leave = np.minimum(leave, (np.sign(r) - s) / r)
    return np.where(enter <= leave, enter, np.inf)


def _meet_cone(start, ray, tip):
    slope = (tip - 1) / 2
    (sx, sy, sz), (rx, ry, rz) = start, ray
    radius = 1 + slope * (sy + 1)
    a = rx * rx + rz * rz - slope * slope * ry * ry
    a = a if abs(a) > _TINY else _TINY
    b = sx * rx + sz * rz - slope * ry * radius
    square = b * b - a * (sx * sx + sz * sz - radius * radius)
    root = np.sqrt(np.maximum(square, 0))
    first = np.inf
    for time in ((-b - root) / a, (-b + root) / a):
        on_side = (square >= 0) & (np.abs(sy + time * ry) <= 1)
        first = np.minimum(first, np.where(on_side, time, np.inf))
    for end, limit in ((-1, 1), (1, tip)):
        time = (end - sy) / (ry if abs(ry) > _TINY else _TINY)
        on_end = (sx + time * rx) ** 2 + (sz + time * rz) ** 2 <= limit * limit
        first = np.minimum(first, np.where(on_end, time, np.inf))
    return first


_MEET = {Shape.BALL: _meet_ball, Shape.BOX: _meet_box, Shape.CONE: _meet_cone}


def ball(centre, half, material: materials.Material, **rest) -> Solid:
    """An ellipsoid; `half` is one radius or three half-lengths."""
    return _solid(Shape.BALL, centre, half, material, **rest)


def box(centre, half, material: materials.Material, **rest) -> Solid:
    """A box; `half` is one half-length or three."""
    return _solid(Shape.BOX, centre, half, material, **rest)


def cone(centre, half, material: materials.Material, **rest) -> Solid:
    """A cylinder, cone or truncated cone about y, as `tip` says; half = (radius, h / 2, radius)."""
    return _solid(Shape.CONE, centre, half, material, **rest)


def _solid(shape, centre, half, material, axes=None, tip=1.0, part=0):
    return Solid(
        shape=shape,
        centre=np.array(centre, float),
        half=np.broadcast_to(np.array(half, float), 3),
        axes=np.eye(3) if axes is None else axes,
        tip=tip,
        material=material,
        part=part,
    )


def capsule(start, end, radius: float, material: materials.Material, part: int = 0) -> list[Solid]:
    """A rounded rod between two points: a cylinder with a ball at either end."""
    start, end = np.array(start, float), np.array(end, float)
    length = np.linalg.norm(end - start)
    along = (end - start) / length
    across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    across /= np.linalg.norm(across)
    axes = np.stack([across, along, np.cross(across, along)], axis=1)
    half = (radius, length / 2, radius)
    return [
        cone((start + end) / 2, half, material, axes=axes, part=part),
        ball(start, radius, material, axes=axes, part=part),
        ball(end, radius, material, axes=axes, part=part),
    ]


def turn_about_x(angle: float) -> np.ndarray:
    """(3, 3), the rotation that takes y towards z; radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_about_y(angle: float) -> np.ndarray:
    """(3, 3), the rotation that takes z towards x; radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_about_z(angle: float) -> np.ndarray:
    """(3, 3), the rotation that takes x towards y; radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
