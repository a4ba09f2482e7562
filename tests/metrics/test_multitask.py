"""delta_m, computed from results files."""

import dataclasses
import json

import pytest

from ubernet_jax.metrics.metric import MetricError, Score
from ubernet_jax.metrics.multitask import delta_m, relative_change

MIOU = Score(name='miou', label='mIoU', main=True)
MEAN = Score(name='mean', label='mean angle', unit='°', lower_is_better=True, main=True)
RMSE = Score(name='rmse', label='RMSE', unit='m', lower_is_better=True)
WITHIN = Score(name='within', label='within 25 %', unit='%')
MAIN_RMSE = dataclasses.replace(RMSE, main=True)


def write(path, scores, /, **fields):
    scores = [{**dataclasses.asdict(score), 'value': value} for score, value in scores.items()]
    path.write_text(json.dumps({'protocol': {'k': 1}, 'images': 5, 'scores': scores, **fields}))
    return path


def test_sign_is_positive_where_the_multitask_network_is_better(tmp_path):
    multi = {
        'segmentation': write(tmp_path / 'm_seg.json', {MIOU: 0.55}),  # 10 % up
        'normals': write(tmp_path / 'm_nor.json', {MEAN: 27.0}),  # 10 % less error
        'how_far': write(tmp_path / 'm_far.json', {WITHIN: 9.0, MAIN_RMSE: 1.0}),
    }
    single = {
        'segmentation': write(tmp_path / 's_seg.json', {MIOU: 0.5}),
        'normals': write(tmp_path / 's_nor.json', {MEAN: 30.0}),
        'how_far': write(tmp_path / 's_far.json', {WITHIN: 9.0, MAIN_RMSE: 0.8}),  # 25 % less
        'parts': write(tmp_path / 's_parts.json', {MIOU: 0.8}),  # is not compared
    }
    result = delta_m(multi, single)
    expected = {'segmentation': 10, 'normals': 10, 'how_far': -25}
    assert result.per_task == pytest.approx(expected)
    assert result.delta_m == pytest.approx(-5 / 3)
    scores = {'segmentation': 'miou', 'normals': 'mean', 'how_far': 'rmse'}
    assert result.to_json()['protocol']['scores'] == scores


def test_a_change_of_a_negative_score_has_the_sign_of_the_difference():
    assert relative_change(-1.0, -2.0, lower_is_better=False) == 50
    assert relative_change(-1.0, -2.0, lower_is_better=True) == -50


@pytest.mark.parametrize(
    ('scores', 'fields', 'message'),
    [
        ({MIOU: 0.5}, {'scores': {'miou': 0.5}}, r"bad\.json.*'scores'"),
        ({RMSE: 0.5}, {}, r'bad\.json.*main score'),
        ({MAIN_RMSE: 0.5}, {}, r"good\.json.*bad\.json.*name of miou: 'miou', not 'rmse'"),
        ({MIOU: None}, {}, r'bad\.json.*value.*miou'),
        ({MIOU: 0.0}, {}, r'miou is 0.*bad\.json'),
        ({MIOU: 0.5}, {'protocol': {'k': 2}}, r'good\.json.*bad\.json.*protocol'),
        ({MIOU: 0.5}, {'images': 6}, r'good\.json.*bad\.json.*images'),
        ({MIOU: 0.5}, {'images': None}, r"bad\.json.*'images'"),
    ],
)
def test_results_that_cannot_be_compared_are_reported(tmp_path, scores, fields, message):
    good = write(tmp_path / 'good.json', {MIOU: 0.5})
    bad = write(tmp_path / 'bad.json', scores, **fields)
    with pytest.raises(MetricError, match=message):
        delta_m({'segmentation': good}, {'segmentation': bad})


def test_a_missing_file_or_task_is_reported(tmp_path):
    good = write(tmp_path / 'good.json', {MIOU: 0.5})
    damaged = tmp_path / 'damaged.json'
    damaged.write_text('{')
    for single, message in (
        ({'segmentation': tmp_path / 'none.json'}, r'none\.json.*exist'),
        ({}, 'single-task.*segmentation'),
        ({'segmentation': damaged}, r'damaged\.json.*JSON'),
    ):
        with pytest.raises(MetricError, match=message):
            delta_m({'segmentation': good}, single)
    with pytest.raises(MetricError, match='no task'):
        delta_m({}, {})
