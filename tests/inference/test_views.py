"""Predictions that are averages over scaled and mirrored views of a photograph."""

import numpy as np
import pytest
import scipy.special

from helpers import tiny_network
from helpers.interpolation import resize
from ubernet_jax.config import EvaluationConfig
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictor import Predictor, apply
from ubernet_jax.inference.views import choose_views, list_views, name_views
from ubernet_jax.models.grid import Grid
from ubernet_jax.network import make_network
from ubernet_jax.tasks import PAPER
from ubernet_jax.tasks.views import View
from ubernet_jax.transforms.grids import resize_image

IMAGE = np.random.default_rng(0).integers(0, 256, (47, 31, 3), np.uint8)
TRAINED = tiny_network.make_trained()
NETWORK = make_network(TRAINED.config)
TASKS = ('saliency', 'normals', 'segmentation', 'detection')


def normalise_scores(task: str) -> None:
    """Brings the scores of a task to mean 0 and deviation 1; else all probabilities are 0 or 1."""
    _, _, params, stats = TRAINED
    scores = apply(NETWORK, params, stats, resize_image(IMAGE, (33, 33))[None], [task])[task]
    fusion, deviation = params[task]['fuse_skips'], scores.std()
    centred = fusion['bias'] - scores.mean((0, 1, 2))
    layer = {'kernel': fusion['kernel'] / deviation, 'bias': centred / deviation}
    params[task] = {**params[task], 'fuse_skips': layer}


for _task in ('saliency', 'segmentation'):
    normalise_scores(_task)


def predict(image: np.ndarray, **evaluation: object):
    config, _, params, stats = TRAINED
    views = EvaluationConfig(**evaluation)
    return Predictor(NETWORK, config.input_size, params, stats, evaluation=views)(image, TASKS)


def test_the_first_view_is_the_photograph_and_sides_are_rounded_to_the_grid():
    evaluation = EvaluationConfig(flip=True, scales=(0.5, 1.0, 1.25))
    views = list_views((65, 129), evaluation, Grid(32))
    assert views[0] == View((65, 129)) and len(set(views)) == len(views) == 6
    assert {view.size for view in views} == {(33, 65), (65, 129), (97, 161)}
    assert list_views((56, 28), EvaluationConfig(scales=(1.0, 1.6)), Grid(14, patches=True)) == (
        View((56, 28)), View((84, 42)),
    )  # fmt: skip
    assert list_views((65, 65), EvaluationConfig(), Grid(32)) == (View((65, 65)),)


def test_the_prediction_of_a_mirrored_photograph_is_the_mirrored_prediction():
    """With `flip`; without it, it is another one. Boxes are those of the photograph itself."""
    out, mirrored = (predict(image, flip=True) for image in (IMAGE, IMAGE[:, ::-1]))
    close = {'atol': 2e-3}  # floats leave the device as float16
    np.testing.assert_allclose(mirrored.saliency, out.saliency[:, ::-1], **close)
    np.testing.assert_allclose(mirrored.normals, out.normals[:, ::-1] * [-1, 1, 1], **close)
    same = mirrored.segmentation == out.segmentation[:, ::-1]
    assert same.mean() > 0.99
    plain, other = (predict(image) for image in (IMAGE, IMAGE[:, ::-1]))
    assert np.abs(other.saliency - plain.saliency[:, ::-1]).max() > 0.02
    np.testing.assert_array_equal(out.detection.corners, plain.detection.corners)
    np.testing.assert_array_equal(out.detection.scores, plain.detection.scores)


def test_probabilities_of_several_scales_are_averaged_at_the_largest():
    out = predict(IMAGE, scales=(1.0, 2.0))
    _, _, params, stats = TRAINED
    probabilities = []  # their logarithms
    for side in (33, 65):
        resized = resize_image(IMAGE, (side, side))[None]
        (scores,) = apply(NETWORK, params, stats, resized, ['saliency'])['saliency']
        probabilities.append(scipy.special.log_softmax(resize(scores, (65, 65)), -1))
    averaged = scipy.special.logsumexp(probabilities, 0)
    wanted = scipy.special.softmax(resize(averaged, IMAGE.shape[:2]), -1)[..., 1]
    np.testing.assert_allclose(out.saliency, wanted, atol=1e-3)
    assert np.abs(out.saliency - predict(IMAGE).saliency).max() > 0.02


def test_commands_choose_other_views_and_name_their_folder():
    usual = EvaluationConfig(limit=7)
    assert choose_views(usual, None, None) == usual
    assert name_views(usual, usual) == ''
    chosen = choose_views(usual, True, [0.75, 1.0])
    assert (chosen.flip, chosen.scales, chosen.limit) == (True, (0.75, 1.0), 7)
    assert name_views(chosen, usual) == '-flip-scales0.75,1'
    with pytest.raises(UserError, match=r'0\.75 2.*among them 1.*--scales'):
        choose_views(usual, None, [0.75, 2.0])


def test_all_kinds_but_detection_are_averaged():
    assert [name for name in PAPER if not NETWORK.tasks[name].averages_views] == ['detection']
