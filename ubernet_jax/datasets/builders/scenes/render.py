"""Rendering solids to an image and exact maps: a z-buffer of parallel rays, then lighting."""

import dataclasses

import numpy as np

from ubernet_jax.datasets.builders.scenes.solids import Solid

_VIEW = np.array([0.0, 0.0, 1.0])  # towards the camera
_LIGHT = np.array([-0.45, 0.5, 0.74]) / np.linalg.norm([-0.45, 0.5, 0.74])  # towards the lamp
_BISECTOR = (_LIGHT + _VIEW) / np.linalg.norm(_LIGHT + _VIEW)
_AMBIENT, _DIFFUSE = 0.58, 0.6
_SHINE = 40  # exponent of the highlight
_SHADE = 0.6  # share of the light that a solid blocks where it covers the full hemisphere
_SPREAD = 4  # distance, in radii from its centre, within which a solid darkens other surfaces
CAMERA = 6.0  # distance from the origin of the scene, in scene units, which count as metres
_NOISE = 0.012  # standard deviation of the sensor's noise; white is 1


@dataclasses.dataclass(slots=True, kw_only=True)
class Rendering:
    """The maps that the camera records.

    Attributes:
      image: uint8 (H, W, 3), RGB.
      normals: float32 (H, W, 3), unit vectors.
      depth: float32 (H, W), metres from the camera's plane.
      region: int32 (H, W), 0.. for the solids of the room, then an index for each object.
      parts: uint8 (H, W), `part` of the visible solid.
    """

    image: np.ndarray
    normals: np.ndarray
    depth: np.ndarray
    region: np.ndarray
    parts: np.ndarray


def render(
    room: list[Solid],
    objects: list[list[Solid]],
    height: int,
    width: int,
    rng: np.random.Generator,
) -> Rendering:
    """Renders objects in a room; the shorter side of the image spans -1..1 scene units.

    Args:
      room: floor and walls in camera coordinates, which together fill the image.
      objects: the solids of each object in camera coordinates.
      height: height of the image in pixels.
      width: width of the image in pixels.
      rng: random generator for the noise.
    """
    scale = min(height, width) / 2  # pixels per scene unit
    x = (np.arange(width) + 0.5 - width / 2) / scale
    y = (height / 2 - np.arange(height) - 0.5) / scale
    solids = room + [solid for parts in objects for solid in parts]
    depth, visible = _nearest(solids, x, y)

    points = np.stack([*np.broadcast_arrays(x, y[:, None]), depth])
    normals, colour = np.empty_like(points), np.empty_like(points)
    flat = [a.reshape(3, -1) for a in (points, normals, colour)]
    order = np.argsort(visible, axis=None, kind='stable')  # pixels sorted by solid
    ends = np.cumsum(np.bincount(visible.ravel(), minlength=len(solids)))
    for solid, pixels in zip(solids, np.split(order, ends[:-1]), strict=True):
        local = solid.to_local(flat[0][:, pixels])
        flat[1][:, pixels] = solid.normals(local)
        flat[2][:, pixels] = solid.material.paint(local)

    light = _AMBIENT + _DIFFUSE * np.maximum(np.tensordot(_LIGHT, normals, 1), 0)
    for solid in solids[len(room) :]:
        rows, columns = _window(solid, x, y, _SPREAD)
        light[rows, columns] *= _openness(
            solid, points[:, rows, columns], normals[:, rows, columns]
        )
    gloss = np.array([solid.material.gloss for solid in solids])[visible]
    highlight = gloss * np.maximum(np.tensordot(_BISECTOR, normals, 1), 0) ** _SHINE
    image = _blur(colour * light + highlight)
    image += _NOISE * rng.standard_normal(image.shape)

    sizes = [1] * len(room) + [len(parts) for parts in objects]
    region = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return Rendering(
        image=np.moveaxis(np.round(255 * np.clip(image, 0, 1)).astype(np.uint8), 0, 2).copy(),
        normals=np.moveaxis(normals.astype(np.float32), 0, 2).copy(),
        depth=(CAMERA - depth).astype(np.float32),
        region=region[visible],
        parts=np.array([solid.part for solid in solids], np.uint8)[visible],
    )


def _nearest(solids, x, y):
    """Returns z of the nearest point on each ray, (H, W), and the index of its solid, (H, W)."""
    depth = np.full((len(y), len(x)), -np.inf)
    visible = np.zeros(depth.shape, np.int32)
    for index, solid in enumerate(solids):
        window = _window(solid, x, y)
        z = solid.depth(x[window[1]], y[window[0], None])
        nearer = z > depth[window]
        depth[window][nearer] = z[nearer]
        visible[window][nearer] = index
    return depth, visible


def _window(solid, x, y, margin=1):
    """Returns the rows and columns of pixels within `margin` times the reach of the solid."""
    reach = margin * solid.reach()
    (left, bottom, _), (right, top, _) = solid.centre - reach, solid.centre + reach
    columns = slice(*np.searchsorted(x, [left, right]))
    rows = slice(*np.searchsorted(-y, [-top, -bottom]))
    return rows, columns


def _openness(solid, points, normals):
    """Returns the share of the light that reaches points (3, h, w) in the presence of a solid.

    A ball of radius r at distance d in direction u blocks max(n . u, 0) (r / d)^2 of uniform light
    at a surface with normal n; the solid is approximated by a ball of the same volume.
    """
    towards = solid.centre[:, None, None] - points
    square = (towards * towards).sum(axis=0) + 1e-6
    facing = np.maximum((towards * normals).sum(axis=0), 0) / np.sqrt(square)
    size = np.cbrt(np.prod(solid.half)) ** 2
    return 1 - _SHADE * facing * np.clip(size / square - 1 / _SPREAD**2, 0, 1)


def _blur(image):
    """Blurs (3, H, W) like a lens, with the kernel 1:2:1 along each axis."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode='edge')
    across = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]) / 4
