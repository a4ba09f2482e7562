"""The layout of a scene: a room, a few objects on its floor, and a camera that looks down."""

import dataclasses

import numpy as np

from ubernet_jax.datasets.builders.scenes import materials, solids
from ubernet_jax.datasets.builders.scenes.materials import Material, hsv
from ubernet_jax.datasets.builders.scenes.objects import BUILDERS
from ubernet_jax.datasets.builders.scenes.solids import Solid, rotation_about_x, rotation_about_y

_VIVID, _PALE = 0.85, 0.28  # saturation of the salient object, and of all other objects
_FAR, _THICK = 1e5, 10  # half-lengths of floor and walls, beyond the edge of any image
_TRIES = 20  # random positions tried per object to avoid an overlap


@dataclasses.dataclass(slots=True, kw_only=True)
class Layout:
    """Solids in camera coordinates.

    Attributes:
      room: the floor, the back wall and the side wall.
      objects: the solids of each object, from the back of the room to the front.
      names: the class of each object.
      salient: index of the salient object.
    """

    room: list[Solid]
    objects: list[list[Solid]]
    names: list[str]
    salient: int


def arrange(rng: np.random.Generator, half_width: float, half_height: float) -> Layout:
    """Arranges an image that spans -half_width..half_width, -half_height..half_height."""
    pitch = rng.uniform(0.35, 0.5)  # of the camera, radians
    horizon = half_height * rng.uniform(0.05, 0.35)  # height where floor and wall meet at x = 0
    room, walls = _build_room(rng, half_width)

    names = _choose_classes(rng)
    salient = int(rng.integers(len(names)))
    objects, discs = [], []
    for index, name in enumerate(names):
        parts = BUILDERS[name](rng, _VIVID if index == salient else _PALE)
        spin = rotation_about_y(rng.uniform(-0.8, 0.8))
        parts = [solid.moved(spin, np.zeros(3)) for solid in parts]
        top = max(solid.centre[1] + solid.reach()[1] for solid in parts)
        radius = max(np.hypot(*solid.centre[[0, 2]]) + solid.reach()[0] for solid in parts)
        # On screen the floor point (x, z) lies at y = horizon - z sin(pitch).
        back = (horizon + top * np.cos(pitch) - 0.95 * half_height) / np.sin(pitch)
        front = (horizon + 0.88 * half_height) / np.sin(pitch)
        slot = ((2 * index + 1) / len(names) - 1) * max(half_width - 0.4 * radius, 0)
        low, high = (slot - 0.2, max(back, 0)), (slot + 0.2, front)
        tries = rng.uniform(low, high, size=(_TRIES, 2))
        x, z = max(tries, key=lambda centre: min(_clearance(centre, radius, walls, discs), 0))
        discs.append((x, z, radius))
        objects.append([solid.moved(np.eye(3), np.array([x, 0, z])) for solid in parts])

    order = np.argsort([z for _, z, _ in discs])
    camera, shift = rotation_about_x(pitch), np.array([0, horizon, 0])
    return Layout(
        room=[solid.moved(camera, shift) for solid in room],
        objects=[[solid.moved(camera, shift) for solid in objects[index]] for index in order],
        names=[names[index] for index in order],
        salient=list(order).index(salient),
    )


def _clearance(centre, radius, walls, discs):
    """Returns the gap between a disc on the floor and the nearest wall or disc; overlap is < 0."""
    gaps = [np.dot(inwards, centre) - offset - radius for inwards, offset in walls]
    gaps += [np.hypot(centre[0] - x, centre[1] - z) - 0.8 * (radius + r) for x, z, r in discs]
    return min(gaps)


def _build_room(rng, half_width):
    """Builds floor and two walls; also returns the walls as (inward normal (x, z), offset)."""
    hue, value = rng.uniform(0.04, 0.12), rng.uniform(0.7, 0.88)
    ground = Material(
        colour=hsv(hue, 0.2, value),
        second=hsv(hue, 0.25, value - 0.08),
        pattern=rng.choice([materials.stripes, materials.checks, materials.mottle]),
        wavelength=0.5,
    )
    hue, value = rng.uniform(), rng.uniform(0.75, 0.95)
    paper = Material(
        colour=hsv(hue, 0.1, value),
        second=hsv(hue, 0.16, value - 0.05),
        pattern=rng.choice([materials.plain, materials.stripes, materials.dots]),
        wavelength=0.25,
    )
    away = rng.choice([-1, 1])  # the side wall stands on the right (1) or the left
    corner = half_width * rng.uniform(0.5, 1.3)
    across = rotation_about_y(away * rng.uniform(0.05, 0.5))
    floor = solids.box((0, -_THICK, 0), (_FAR, _THICK, _FAR), ground)
    back = solids.box((0, 0, -_THICK), (_FAR, _FAR, _THICK), paper)
    side = solids.box((away * (corner + _THICK), 0, 0), (_THICK, _FAR, _FAR), paper)
    room = [floor, back.moved(across, np.zeros(3)), side.moved(across, np.zeros(3))]
    return room, [(across[[0, 2], 2], 0), (-away * across[[0, 2], 0], -corner)]


def _choose_classes(rng):
    people = rng.choice([0, 1, 2], p=[0.15, 0.6, 0.25])
    others = [name for name in BUILDERS if name != 'person']
    chosen = rng.choice(others, size=rng.integers(1, 3) + (people == 0), replace=False)
    return [str(name) for name in rng.permutation(['person'] * people + list(chosen))]
