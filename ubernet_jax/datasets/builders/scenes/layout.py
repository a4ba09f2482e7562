"""What stands where: a room, a few things on its floor, and the camera that looks down on them."""

import dataclasses

import numpy as np

from ubernet_jax.datasets.builders.scenes import materials, solids
from ubernet_jax.datasets.builders.scenes.materials import Material, hsv
from ubernet_jax.datasets.builders.scenes.solids import Solid, turn_about_x, turn_about_y
from ubernet_jax.datasets.builders.scenes.things import BUILDERS

_VIVID, _PALE = 0.85, 0.28  # saturation of the salient thing, and of all others
_FAR, _THICK = 1e5, 10  # half-lengths of floor and walls: past the edge of any picture
_TRIES = 20  # places tried for a thing before it may touch another


@dataclasses.dataclass(slots=True, kw_only=True)
class Layout:
    """Solids in camera coordinates.

    Attributes:
      room: the floor, the back wall and the side wall.
      things: the solids of each thing, from the back of the room to the front.
      names: each thing's class.
      salient: index of the salient thing.
    """

    room: list[Solid]
    things: list[list[Solid]]
    names: list[str]
    salient: int


def arrange(rng: np.random.Generator, half_width: float, half_height: float) -> Layout:
    """Furnishes a picture that spans -half_width..half_width, -half_height..half_height."""
    pitch = rng.uniform(0.35, 0.5)  # of the camera, radians
    horizon = half_height * rng.uniform(0.05, 0.35)  # where the floor meets the wall at x = 0
    room, walls = _build_room(rng, half_width)

    names = _choose_classes(rng)
    salient = rng.integers(len(names))
    things, places = [], []
    for index, name in enumerate(names):
        thing = BUILDERS[name](rng, _VIVID if index == salient else _PALE)
        spin = turn_about_y(rng.uniform(-0.8, 0.8))
        thing = [solid.moved(spin, np.zeros(3)) for solid in thing]
        top = max(solid.centre[1] + solid.reach()[1] for solid in thing)
        radius = max(np.hypot(*solid.centre[[0, 2]]) + solid.reach()[0] for solid in thing)
        # On screen the floor point (x, z) lies at y = horizon - z sin(pitch).
        back = (horizon + top * np.cos(pitch) - 0.95 * half_height) / np.sin(pitch)
        front = (horizon + 0.88 * half_height) / np.sin(pitch)
        slot = ((2 * index + 1) / len(names) - 1) * max(half_width - 0.4 * radius, 0)
        low, high = (slot - 0.2, max(back, 0)), (slot + 0.2, front)
        tries = rng.uniform(low, high, size=(_TRIES, 2))
        x, z = max(tries, key=lambda place: min(_clearance(place, radius, walls, places), 0))
        places.append((x, z, radius))
        things.append([solid.moved(np.eye(3), np.array([x, 0, z])) for solid in thing])

    order = np.argsort([z for _, z, _ in places])
    camera, shift = turn_about_x(pitch), np.array([0, horizon, 0])
    return Layout(
        room=[solid.moved(camera, shift) for solid in room],
        things=[[solid.moved(camera, shift) for solid in things[index]] for index in order],
        names=[names[index] for index in order],
        salient=list(order).index(salient),
    )


def _clearance(place, radius, walls, places):
    """The gap between a disc on the floor and the nearest wall or other disc; below 0: overlap."""
    gaps = [np.dot(inwards, place) - offset - radius for inwards, offset in walls]
    gaps += [np.hypot(place[0] - x, place[1] - z) - 0.8 * (radius + r) for x, z, r in places]
    return min(gaps)


def _build_room(rng, half_width):
    """Floor, back wall and side wall; and of the walls (inward normal (x, z), offset)."""
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
    across = turn_about_y(away * rng.uniform(0.05, 0.5))
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
