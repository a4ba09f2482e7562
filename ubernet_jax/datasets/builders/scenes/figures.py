"""The jointed figure: a person with rounded limbs, posed by random joint angles."""

import numpy as np

from ubernet_jax.datasets.builders.scenes import materials
from ubernet_jax.datasets.builders.scenes.materials import Material, hsv
from ubernet_jax.datasets.builders.scenes.solids import Solid, ball, capsule, cone, rotation_about_z
from ubernet_jax.labels.standard import PERSON_PARTS

_HEAD, _TORSO, _UPPER_ARM, _LOWER_ARM, _UPPER_LEG, _LOWER_LEG = range(1, len(PERSON_PARTS))
_HIP, _SHOULDER = 0.56, 0.92  # heights of the joints with straight legs; total is about 1.3


def person(rng: np.random.Generator, saturation: float) -> list[Solid]:
    """Builds a figure at the origin that looks along z; sets `part` of every solid."""
    red, blue = rng.uniform(0.9, 1.02), 0.63
    sleeve = Material(colour=hsv(red, saturation, 0.85))
    shirt = Material(
        colour=sleeve.colour,
        second=hsv(0.14, 0.3 * saturation, 0.95),
        pattern=materials.hoops,
        wavelength=0.14,
    )
    shorts = Material(colour=hsv(blue, saturation, 0.6))
    sock = Material(
        colour=(0.92, 0.92, 0.9),
        second=hsv(blue, saturation, 0.35),
        pattern=materials.hoops,
        wavelength=0.12,
    )
    skin = Material(colour=hsv(0.07, 0.42, rng.uniform(0.7, 0.95)))
    hair = Material(colour=hsv(0.07, 0.5, rng.uniform(0.15, 0.35)))
    shoe = Material(colour=(0.25, 0.17, 0.13))
    eye = Material(colour=(0.08, 0.07, 0.1), gloss=0.8)

    body = [
        cone((0, 0.75, 0), (0.125, 0.17, 0.09), shirt, tip=1.3, part=_TORSO),
        ball((0, 0.92, 0), (0.165, 0.07, 0.115), sleeve, part=_TORSO),
        ball(
            (0, 0.58, 0), (0.135, 0.09, 0.1), shorts, part=_UPPER_LEG
        ),  # looks like part of the legs
        ball((0, 1.14, 0.01), (0.13, 0.155, 0.135), skin, part=_HEAD),
        ball((0, 1.21, -0.04), (0.14, 0.13, 0.14), hair, part=_HEAD),
        ball((-0.05, 1.17, 0.125), 0.024, eye, part=_HEAD),
        ball((0.05, 1.17, 0.125), 0.024, eye, part=_HEAD),
    ]
    for side in (-1, 1):
        shoulder = np.array([side * 0.2, _SHOULDER, 0])
        spread = rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.8, 2.4)])  # hanging or raised
        bend = spread + rng.uniform(-0.3, 1.2)
        elbow = shoulder + 0.23 * _point_down(side * spread, rng.uniform(-0.5, 0.6))
        hand = elbow + 0.21 * _point_down(side * bend, rng.uniform(0, 1))
        body += capsule(shoulder, elbow, 0.066, sleeve, part=_UPPER_ARM)
        body += capsule(elbow, hand, 0.052, skin, part=_LOWER_ARM)
        body.append(ball(hand, 0.068, skin, part=_LOWER_ARM))

        hip = np.array([side * 0.085, _HIP, 0])
        spread, swing = side * rng.uniform(0.02, 0.4), rng.uniform(-0.5, 0.5)
        knee = hip + 0.24 * _point_down(spread, swing)
        foot = knee + 0.24 * _point_down(spread, swing - rng.uniform(0, 0.6))
        toes = foot + np.array([side * 0.01, -0.02, 0.04])
        body += capsule(hip, knee, 0.085, shorts, part=_UPPER_LEG)
        body += capsule(knee, foot, 0.064, sock, part=_LOWER_LEG)
        body.append(ball(toes, (0.068, 0.05, 0.11), shoe, part=_LOWER_LEG))

    lean = rotation_about_z(rng.uniform(-0.06, 0.06))
    body = [solid.moved(lean, np.zeros(3)) for solid in body]
    lowest = min(solid.centre[1] - solid.reach()[1] for solid in body)
    return [solid.moved(np.eye(3), np.array([0, -lowest, 0])) for solid in body]


def _point_down(spread: float, swing: float) -> np.ndarray:
    """Returns the downward direction (3,), rotated sideways and forwards by angles in radians."""
    return np.array(
        [np.sin(spread) * np.cos(swing), -np.cos(spread) * np.cos(swing), np.sin(swing)]
    )
