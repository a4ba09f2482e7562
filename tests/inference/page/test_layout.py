"""The parts of the page: controls only for what the tasks use, and texts beside pictures."""

import types

import numpy as np
import pytest
from PIL import Image

from helpers.page_server import needs_gradio
from ubernet_jax import config as c
from ubernet_jax.inference.page.samples import Sample
from ubernet_jax.labels.standard import VOC_CLASSES

pytestmark = [needs_gradio, pytest.mark.slow]


@pytest.fixture
def build(tmp_path):
    """Builds the page for a network that has these tasks; returns its components by id."""

    def build(**tasks: c.Task) -> dict:
        from ubernet_jax.inference.page.layout import build_page

        Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / 'a.png')
        net = types.SimpleNamespace(tasks=tasks)
        page = build_page(net, [Sample(tmp_path / 'a.png', 'black', 'nobody, CC0')])
        blocks = page.blocks.values()
        assert any('nobody, CC0' in str(getattr(block, 'value', '')) for block in blocks)
        return {block.elem_id: block for block in blocks if getattr(block, 'elem_id', None)}

    return build


@pytest.mark.parametrize(
    ('task', 'expected'),
    [
        (c.SoftMask(), set()),
        (c.Normals(), set()),
        (c.Boundaries(), {'thickness'}),
        (c.Segmentation(classes=('soil', 'weed')), {'opacity'}),
        (c.Segmentation(classes=VOC_CLASSES), {'opacity', 'safe_colours'}),
        (c.Detection(classes=('background', 'car')), {'score'}),
    ],
)
def test_only_controls_that_change_a_picture_are_shown(build, task, expected):
    shown = build(it=task)
    assert {'opacity', 'score', 'thickness', 'safe_colours'} & shown.keys() == expected


def test_pictures_have_texts_for_those_who_do_not_see_them(build):
    shown = build(bright_spots=c.SoftMask())
    assert shown['picture-bright_spots'].alt_text == 'predicted bright spots'
    assert shown['photograph'].alt_text
