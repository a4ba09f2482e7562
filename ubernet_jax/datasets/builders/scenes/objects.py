"""The objects in scenes: a builder for each of a few VOC classes.

A builder places its object at the origin, on the floor y = 0, facing z. Each class has a
characteristic shape, hue and pattern; only the salient object has saturated colours.
"""

from collections.abc import Callable

import numpy as np

from ubernet_jax.datasets.builders.scenes import figures, materials
from ubernet_jax.datasets.builders.scenes.materials import Material, hsv
from ubernet_jax.datasets.builders.scenes.solids import (
    Solid,
    ball,
    box,
    capsule,
    cone,
    rotation_about_x,
)

_BLACK = Material(colour=(0.12, 0.12, 0.13), gloss=0.3)


def bottle(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds glossy blue-green cylinders and a truncated cone, with a striped label."""
    glass = Material(colour=hsv(rng.uniform(0.47, 0.53), saturation, 0.75), gloss=0.9)
    label = Material(
        colour=(0.95, 0.93, 0.88),
        second=hsv(0.5, saturation, 0.45),
        pattern=materials.hoops,
        wavelength=0.1,
    )
    height = rng.uniform(0.25, 0.33)
    return [
        cone((0, height, 0), (0.15, height, 0.15), glass),
        cone((0, height, 0), (0.153, 0.12, 0.153), label),
        cone((0, 2 * height + 0.08, 0), (0.15, 0.08, 0.15), glass, tip=0.4),
        cone((0, 2 * height + 0.23, 0), (0.06, 0.08, 0.06), glass),
        cone((0, 2 * height + 0.33, 0), (0.07, 0.035, 0.07), label),
    ]


def bus(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds a long yellow box with windows and wheels."""
    paint = Material(colour=hsv(rng.uniform(0.12, 0.15), saturation, 0.95), gloss=0.3)
    windows = Material(
        colour=(0.2, 0.24, 0.3), second=paint.colour, pattern=materials.panes, wavelength=0.2
    )
    body = [
        box((0, 0.33, 0), (0.5, 0.22, 0.2), paint),
        box((0, 0.41, 0), (0.503, 0.085, 0.203), windows),
        box((0, 0.565, 0), (0.44, 0.025, 0.16), Material(colour=(0.93, 0.93, 0.9))),
    ]
    sideways = rotation_about_x(np.pi / 2)
    for x in (-0.3, 0.3):
        for z in (-0.17, 0.17):
            body.append(cone((x, 0.11, z), (0.11, 0.05, 0.11), _BLACK, axes=sideways))
            hub = Material(colour=(0.75, 0.75, 0.75))
            body.append(cone((x, 0.11, z), (0.05, 0.056, 0.05), hub, axes=sideways))
    return body


def chair(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds four legs, a seat and a back of orange wood."""
    hue = rng.uniform(0.055, 0.08)
    wood = Material(
        colour=hsv(hue, saturation, 0.65),
        second=hsv(hue, saturation, 0.42),
        pattern=materials.grain,
        wavelength=0.2,
    )
    height = rng.uniform(0.32, 0.42)
    legs = [
        box((x, height / 2, z), (0.035, height / 2, 0.035), wood)
        for x in (-0.18, 0.18)
        for z in (-0.18, 0.18)
    ]
    return [
        *legs,
        box((0, height, 0), (0.22, 0.04, 0.22), wood),
        box((0, height + 0.28, -0.19), (0.22, 0.26, 0.03), wood),
    ]


def pottedplant(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds a clay pot under balls of mottled green."""
    hue = rng.uniform(0.3, 0.36)
    clay = Material(colour=hsv(0.04, 0.9 * saturation, 0.7))
    leaves = Material(
        colour=hsv(hue, saturation, 0.75),
        second=hsv(hue, saturation, 0.3),
        pattern=materials.mottle,
        wavelength=0.16,
    )
    crown = []
    for angle in np.arange(5) * 2 * np.pi / 5 + rng.uniform(0, 2 * np.pi):
        x, z = 0.15 * np.cos(angle), 0.15 * np.sin(angle)
        crown.append(ball((x, rng.uniform(0.42, 0.58), z), rng.uniform(0.12, 0.17), leaves))
    return [
        cone((0, 0.15, 0), (0.13, 0.15, 0.13), clay, tip=1.4),
        cone((0, 0.29, 0), (0.2, 0.03, 0.2), clay),
        *crown,
        ball((0, 0.68, 0), 0.17, leaves),
    ]


def bird(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds a dotted purple egg with a head, a beak, wings, a tail and two legs."""
    hue = rng.uniform(0.74, 0.8)
    feathers = Material(
        colour=hsv(hue, saturation, 0.75),
        second=hsv(hue, 0.4 * saturation, 0.95),
        pattern=materials.dots,
        wavelength=0.11,
    )
    smooth = Material(colour=hsv(hue, saturation, 0.6))
    horn = Material(colour=hsv(0.12, saturation, 0.95))
    body = [
        ball((0, 0.36, 0), (0.19, 0.18, 0.27), feathers, axes=rotation_about_x(-0.5)),
        ball((0, 0.62, 0.2), 0.13, smooth),
        cone((0, 0.6, 0.38), (0.05, 0.1, 0.05), horn, tip=0, axes=rotation_about_x(np.pi / 2)),
        box((0, 0.28, -0.32), (0.08, 0.02, 0.14), smooth, axes=rotation_about_x(-0.4)),
    ]
    for side in (-1, 1):
        body.append(ball((side * 0.17, 0.37, -0.04), (0.05, 0.11, 0.2), smooth))
        body.append(ball((side * 0.08, 0.66, 0.29), 0.026, _BLACK))
        body += capsule((side * 0.08, 0.22, 0), (side * 0.08, 0.02, 0.02), 0.022, horn)
        body.append(ball((side * 0.08, 0.02, 0.06), (0.045, 0.02, 0.08), horn))
    return body


def tvmonitor(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds a dark frame around a bright blue chequered screen, on a foot."""
    hue = rng.uniform(0.58, 0.64)
    screen = Material(
        colour=hsv(hue, saturation, 0.95),
        second=hsv(hue, 0.6 * saturation, 0.65),
        pattern=materials.checks,
        wavelength=0.22,
        gloss=0.4,
    )
    width, height = rng.uniform(0.32, 0.4), rng.uniform(0.22, 0.26)
    return [
        cone((0, 0.02, 0), (0.2, 0.02, 0.14), _BLACK),
        cone((0, 0.1, 0), (0.05, 0.1, 0.05), _BLACK),
        box((0, 0.16 + height, 0), (width, height, 0.045), _BLACK),
        box((0, 0.16 + height, 0.045), (width - 0.04, height - 0.04, 0.005), screen),
    ]


BUILDERS: dict[str, Callable[[np.random.Generator, float], list[Solid]]] = {
    'bird': bird,
    'bottle': bottle,
    'bus': bus,
    'chair': chair,
    'person': figures.person,
    'pottedplant': pottedplant,
    'tvmonitor': tvmonitor,
}
