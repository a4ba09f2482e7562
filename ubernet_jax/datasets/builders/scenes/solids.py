"""Solids with closed-form ray intersections: ellipsoids, boxes and truncated cones.

Every solid is a unit shape that is scaled by half-lengths, rotated and shifted. All rays run along
-z (parallel projection), so the nearest point on a ray has the largest z. Coordinates are x right,
y up, z towards the camera, in scene units.
"""

import dataclasses
import enum
import typing

import numpy as np

from ubernet_jax.datasets.builders.scenes import materials

_TINY = 1e-12  # replaces zero where a ray is parallel to a face


class Shape(enum.Enum):
    """The unit shape, within -1..1 along each axis of the solid."""

    BALL = 'ball'
    BOX = 'box'
    CONE = 'cone'  # about y: radius 1 at y = -1, `tip` at y = 1 (1: cylinder, 0: pointed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A painted solid.

    Attributes:
      shape: the unit shape.
      centre: (3,).
      half: (3,), half-lengths along the axes of the solid.
      axes: (3, 3), a rotation, whose columns are the axes of the solid.
      tip: radius of a cone at y = 1 divided by its radius at y = -1.
      material: appearance of the surface.
      part: index in `PERSON_PARTS`; 0 except for persons.
    """

    shape: Shape
    centre: np.ndarray
    half: np.ndarray
    axes: np.ndarray
    tip: float
    material: materials.Material
    part: int

    def moved(self, rotation: np.ndarray, shift: np.ndarray) -> 'Solid':
        """Returns the solid rotated about the origin, then shifted."""
        return dataclasses.replace(
            self, centre=rotation @ self.centre + shift, axes=rotation @ self.axes
        )

    def reach(self) -> np.ndarray:
        """Returns half-lengths (3,) of an upright box around `centre` that contains the solid."""
        widest = max(self.tip, 1)
        return np.abs(self.axes) @ (self.half * [widest, 1, widest])

    def depth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Returns z of the nearest point on each ray, -inf where it misses; x and y broadcast."""
        to_unit = self.axes.T / self.half[:, None]
        x, y = x - self.centre[0], y - self.centre[1]
        start = [row[0] * x + row[1] * y - row[2] * self.centre[2] for row in to_unit]
        return -_MEET[self.shape](start, -to_unit[:, 2], self.tip)

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """Converts points (3, n) to the axes of the solid, in scene units."""
        return self.axes.T @ (points - self.centre[:, None])

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Returns outward unit normals (3, n) at surface points (3, n) in the axes of the solid."""
        unit = points / self.half[:, None]
        match self.shape:
            case Shape.BALL:
                normals = unit
            case Shape.BOX:
                face = np.abs(unit).argmax(axis=0)
                normals = np.sign(unit) * (np.arange(3)[:, None] == face)
            case Shape.CONE:
                slope = (self.tip - 1) / 2
                flat = np.abs(unit[1]) > 1 - 1e-9
                radius = 1 + slope * (unit[1] + 1)
                normals = np.where(flat, 0, [unit[0], -slope * radius, unit[2]])
                normals[1] += flat * np.sign(unit[1])
            case _ as unreachable:
                typing.assert_never(unreachable)
        normals = self.axes @ (normals / self.half[:, None])
        return normals / np.sqrt((normals * normals).sum(axis=0))


# The functions below return the time at which rays, start + time * ray, enter a unit shape, or inf
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
    """Makes an ellipsoid; `half` is one radius or three half-lengths."""
    return _solid(Shape.BALL, centre, half, material, **rest)


def box(centre, half, material: materials.Material, **rest) -> Solid:
    """Makes a box; `half` is one half-length or three."""
    return _solid(Shape.BOX, centre, half, material, **rest)


def cone(centre, half, material: materials.Material, **rest) -> Solid:
    """Makes a cylinder or (truncated) cone about y: see `tip`; half = (radius, h / 2, radius)."""
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
    """Makes a capsule between two points: a cylinder with a ball at either end."""
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


def rotation_about_x(angle: float) -> np.ndarray:
    """Returns the rotation (3, 3) from y towards z by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def rotation_about_y(angle: float) -> np.ndarray:
    """Returns the rotation (3, 3) from z towards x by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def rotation_about_z(angle: float) -> np.ndarray:
    """Returns the rotation (3, 3) from x towards y by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
