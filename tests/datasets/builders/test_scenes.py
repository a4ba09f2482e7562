"""Synthetic scenes: labels compared with the formulas of the geometry."""

import numpy as np
import pytest

from helpers.examples import assert_same_example
from ubernet_jax.datasets.builders import scenes
from ubernet_jax.datasets.builders.scenes import layout, materials, objects, render, scene, solids
from ubernet_jax.labels import ClassMap
from ubernet_jax.labels.standard import PERSON_PARTS, STANDARD, VOC_CLASSES

GREY = materials.Material(colour=(0.5, 0.5, 0.5))
WALL = solids.box((0, 0, -11), 10, GREY)  # its front is the plane z = -1
TILT = solids.rotation_about_x(0.4) @ solids.rotation_about_y(0.7) @ solids.rotation_about_z(-0.3)
STEEP = solids.rotation_about_x(1.5)
SOLIDS = (
    solids.ball((0.1, -0.2, 0.3), (0.5, 0.3, 0.4), GREY, axes=TILT),
    solids.box((0.1, -0.2, 0.3), (0.5, 0.3, 0.4), GREY, axes=TILT),
    solids.cone((0.1, -0.2, 0.3), (0.5, 0.3, 0.4), GREY, axes=TILT),
    solids.cone((0.1, -0.2, 0.3), (0.5, 0.3, 0.4), GREY, axes=TILT, tip=0),
    solids.cone((0.1, -0.2, 0.3), (0.3, 0.3, 0.3), GREY, axes=TILT, tip=1.4),
    solids.cone((0.1, -0.2, 0.3), (0.3, 0.3, 0.3), GREY, axes=STEEP, tip=0.2),
)


@pytest.fixture(scope='module')
def drawn():
    return [scenes.make_scene(seed, 97, 129) for seed in range(8)]


def render_solids(group, side=64):
    return render.render([WALL], [group], side, side, np.random.default_rng(0))


def test_a_seed_determines_the_scene():
    first, second = scenes.draw_scene(7, 65, 65), scenes.draw_scene(7, 65, 65)
    assert first.id == 'scene-000007'
    np.testing.assert_array_equal(first.image, second.image)
    assert_same_example(first, second, STANDARD)


def test_different_seeds_give_different_scenes():
    images = [scenes.draw_scene(seed, 33, 33).image for seed in range(6)]
    for i, image in enumerate(images):
        for earlier in images[:i]:
            assert np.abs(image.astype(int) - earlier).mean() > 5


@pytest.mark.parametrize('size', [(33, 65), (65, 33), (1, 1), (1, 300), (2, 3), (97, 97)])
def test_labels_are_valid_at_any_size(size):
    example = scenes.draw_scene(3, *size)
    assert example.image.shape == (*size, 3) and example.image.dtype == np.uint8
    assert example.kinds == STANDARD and set(example.labels) == set(STANDARD)
    for name, kind in STANDARD.items():
        label = example.labels[name]
        assert kind.check(label, size) == []
        if name in ('normals', 'depth'):
            assert label.dtype == np.float32
        elif name == 'boundaries':
            assert label.share.dtype == np.uint8 and label.annotators is None
        elif name != 'detection':
            assert label.dtype == np.uint8
        if isinstance(kind, ClassMap):
            assert label.max() < len(kind.classes)


def test_the_size_changes_only_the_sampling():
    small, large = scenes.make_scene(5, 33, 33), scenes.make_scene(5, 99, 99)
    np.testing.assert_array_equal(small.region, large.region[1::3, 1::3])
    np.testing.assert_allclose(small.normals, large.normals[1::3, 1::3], atol=1e-5)


def test_all_classes_and_parts_occur():
    drawn = [scenes.make_scene(seed, 97, 97) for seed in range(24)]
    classes = {VOC_CLASSES[c] for scene in drawn for c in scene.classes}
    assert classes == {'background', *objects.BUILDERS}
    parts = np.unique([scene.parts for scene in drawn])
    np.testing.assert_array_equal(parts, np.arange(len(PERSON_PARTS)))


def test_sphere_has_the_normals_of_the_formula():
    seen = render_solids([solids.ball((0.25, -0.125, 0), 0.5, GREY)])
    x, y = np.meshgrid((np.arange(64) - 31.5) / 32 - 0.25, (31.5 - np.arange(64)) / 32 + 0.125)
    inside = x * x + y * y <= 0.25
    np.testing.assert_array_equal(seen.region, inside)
    expected = np.stack([x, y, np.sqrt(np.maximum(0.25 - x * x - y * y, 0))], axis=2) / 0.5
    np.testing.assert_allclose(seen.normals[inside], expected[inside], atol=1e-5)
    np.testing.assert_array_equal(
        seen.normals[~inside], np.broadcast_to([0, 0, 1], (64, 64, 3))[~inside]
    )


def test_literal_depths():
    at = np.array([0.0, 0.6, 2.0])
    ball = solids.ball((0, 0, 3), 1, GREY)
    np.testing.assert_allclose(ball.depth(at, 0), [4, 3.8, -np.inf])
    box = solids.box((0, 0, 0), (1, 1, 2), GREY)
    np.testing.assert_allclose(box.depth(at, 0), [2, 2, -np.inf])
    pipe = solids.cone((0, 0, 0), (1, 5, 1), GREY)
    np.testing.assert_allclose(pipe.depth(at, 0), [1, 0.8, -np.inf])
    hat = solids.cone((0, 0, 0), (1, 1, 1), GREY, tip=0)  # radius 0.5 half-way up
    np.testing.assert_allclose(hat.depth(at / 2, 0), [0.5, 0.4, -np.inf], atol=1e-9)
    coin = solids.cone((0, 0, 0), (1, 0.1, 1), GREY, axes=solids.rotation_about_x(np.pi / 2))
    np.testing.assert_allclose(coin.depth(at, 0), [0.1, 0.1, -np.inf])


@pytest.mark.parametrize('solid', SOLIDS)
def test_normals_agree_with_depth(solid):
    """On a smooth surface, dz/dx = -n_x / n_z and dz/dy = -n_y / n_z."""
    x, y = np.random.default_rng(0).uniform(-0.6, 0.6, size=(2, 3000))
    step = 1e-5
    depth = solid.depth(x, y)
    with np.errstate(invalid='ignore'):  # inf - inf outside of the solid
        slope_x = (solid.depth(x + step, y) - solid.depth(x - step, y)) / (2 * step)
        slope_y = (solid.depth(x, y + step) - solid.depth(x, y - step)) / (2 * step)
    hit = np.isfinite(depth) & np.isfinite(slope_x) & np.isfinite(slope_y)
    normals = solid.normals(solid.to_local(np.stack([x, y, depth])[:, hit]))
    assert normals.shape[1] > 300
    np.testing.assert_allclose(np.linalg.norm(normals, axis=0), 1)
    assert (normals[2] > 0).all()
    expected = np.stack([-slope_x[hit], -slope_y[hit], np.ones(hit.sum())])
    expected /= np.linalg.norm(expected, axis=0)
    agree = (normals * expected).sum(axis=0) > 0.9999
    assert agree.mean() > 0.99  # except where the step crosses an edge, or at a grazing ray


@pytest.mark.parametrize('solid', SOLIDS)
def test_a_solid_lies_within_its_reach(solid):
    x, y = np.random.default_rng(1).uniform(-2, 2, size=(2, 5000))
    hit = np.isfinite(solid.depth(x, y))
    offset = np.abs(np.stack([x, y])[:, hit] - solid.centre[:2, None])
    assert (offset <= solid.reach()[:2, None]).all()


def test_the_nearer_solid_hides_the_farther_in_any_order():
    near = solids.ball((0, 0, 0.5), 0.3, GREY, part=1)
    far = solids.ball((0, 0, 0), 0.6, GREY, part=2)
    rendered, reordered = render_solids([near, far]), render_solids([far, near])
    np.testing.assert_array_equal(rendered.parts, reordered.parts)
    assert rendered.parts[32, 32] == 1
    assert rendered.parts[32, 32 + 14] == 2  # 14.5 pixels of 1/32 from the centre: beyond 0.3
    assert rendered.parts[0, 0] == 0


def test_capsule_is_rounded_at_both_ends():
    seen = render_solids(solids.capsule((-0.5, 0, 0), (0.5, 0, 0), 0.25, GREY))
    x, y = np.meshgrid((np.arange(64) - 31.5) / 32, (31.5 - np.arange(64)) / 32)
    gap = np.hypot(np.maximum(np.abs(x) - 0.5, 0), y)
    np.testing.assert_array_equal(seen.region, gap <= 0.25)


def test_boundaries_literal():
    region = np.array([[0, 0, 0, 0], [0, 2, 2, 1], [0, 2, 2, 1], [3, 3, 2, 1]])
    expected = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0]], bool)
    np.testing.assert_array_equal(scene.find_boundaries(region), expected)


def test_boundaries_separate_all_regions_and_lie_nowhere_else(drawn):
    for scene_ in drawn:
        boundary = scene_.labels()['boundaries'].share == 255
        region = scene_.region
        change = np.zeros(region.shape, bool)
        for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            differ = region[a] != region[b]
            assert (boundary[a] | boundary[b])[differ].all()
            change[a] |= differ
            change[b] |= differ
        assert not boundary[~change].any()
        assert 0.01 < boundary.mean() < 0.2


def test_labels_agree_with_each_other(drawn):
    person = VOC_CLASSES.index('person')
    for scene_ in drawn:
        labels = scene_.labels()
        is_object = labels['segmentation'] > 0
        np.testing.assert_allclose(np.linalg.norm(labels['normals'], axis=2), 1, atol=1e-5)
        assert (labels['normals'][..., 2] > -1e-6).all()
        np.testing.assert_array_equal(labels['parts'] > 0, labels['segmentation'] == person)
        expected = np.where(labels['boundaries'].share > 0, labels['segmentation'], 0)
        np.testing.assert_array_equal(labels['semantic_boundaries'], expected)
        assert labels['semantic_boundaries'].any()
        assert set(np.unique(labels['saliency'])) == {0, 255}
        assert not labels['saliency'][~is_object].any()
        assert len(np.unique(scene_.region[labels['saliency'] > 0])) == 1


def test_the_salient_object_is_the_most_colourful(drawn):
    for scene_ in drawn:
        image = scene_.image.astype(int)
        spread = image.max(axis=2) - image.min(axis=2)
        # The 0.9 quantile, since a plain dark frame is part of a salient screen.
        vivid = [np.quantile(spread[scene_.region == r], 0.9) for r in np.unique(scene_.region)]
        assert np.unique(scene_.region)[np.argmax(vivid)] == scene_.salient


def test_boxes_enclose_exactly_the_pixels_of_objects(drawn):
    for scene_ in drawn:
        boxes = scene_.labels()['detection']
        assert boxes.corners.dtype == np.float32 and boxes.classes.dtype == np.uint8
        assert boxes.difficult.dtype == bool and not boxes.difficult.any()
        seen = np.unique(scene_.region[scene_.region >= 3])
        assert len(seen) == len(boxes) > 1
        corners = boxes.corners.astype(int)
        for (x1, y1, x2, y2), class_, region in zip(corners, boxes.classes, seen, strict=True):
            mask = scene_.region == region
            assert (scene_.labels()['segmentation'][mask] == class_).all()
            inside = mask[y1:y2, x1:x2]
            assert inside.sum() == mask.sum()
            for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
                assert edge.any()


@pytest.mark.parametrize('name', list(objects.BUILDERS))
def test_objects_stand_on_the_floor(name):
    rng = np.random.default_rng(0)
    for _ in range(5):
        built = objects.BUILDERS[name](rng, 0.5)
        lowest = min(solid.centre[1] - solid.reach()[1] for solid in built)
        np.testing.assert_allclose(lowest, 0, atol=0.02)
        assert all((solid.part > 0) == (name == 'person') for solid in built)


@pytest.mark.parametrize(('half_width', 'half_height'), [(1, 1), (500, 1), (1, 500)])
def test_room_fills_the_picture(half_width, half_height):
    x = np.linspace(-half_width, half_width, 20)
    y = np.linspace(-half_height, half_height, 20)[:, None]
    for seed in range(10):
        room = layout.arrange(np.random.default_rng(seed), half_width, half_height).room
        depth = np.max([solid.depth(x, y) for solid in room], axis=0)
        assert np.isfinite(depth).all()


@pytest.mark.parametrize(
    'pattern',
    [
        materials.plain,
        materials.stripes,
        materials.hoops,
        materials.panes,
        materials.checks,
        materials.dots,
        materials.mottle,
        materials.grain,
    ],
)
def test_patterns_mix_both_colours_within_range(pattern):
    share = pattern(np.random.default_rng(0).uniform(-5, 5, size=(3, 2000)))
    assert share.shape == (2000,)
    assert share.min() >= 0 and share.max() <= 1
    assert pattern is materials.plain or share.max() - share.min() > 0.8


def test_depth_agrees_with_normals():
    """On the floor, which is a plane, the normal determines the slope of the depth."""
    scene = scenes.make_scene(3, 97, 129)
    floor = scene.region == 0
    inside = floor[1:] & floor[:-1]
    pixel = 2 / 97  # scene units, which count as metres
    _, up, towards = np.moveaxis(scene.normals[1:][inside], -1, 0)
    steps = np.diff(scene.depth, axis=0)[inside]
    np.testing.assert_allclose(steps, -up / towards * pixel, atol=1e-5)
    assert scene.depth.min() > 1 and scene.depth.max() < 10


def test_regions_in_front_are_nearer():
    scene = scenes.make_scene(3, 97, 129)
    rows, columns = np.nonzero(scene.region[1:] < scene.region[:-1])  # a region ends above another
    in_front = scene.depth[:-1][rows, columns] < scene.depth[1:][rows, columns] + 0.1
    assert len(rows) > 20 and in_front.mean() > 0.9
