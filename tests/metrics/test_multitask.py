"""The multi-task delta, from results files."""

import json

import pytest

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.multitask import delta_m


def write(path, **scores):
    path.write_text(json.dumps({'protocol': {'k': 1}, 'images': 5, **scores}))
    return path


def test_sign_is_positive_where_the_multitask_network_is_better(tmp_path):
    multi = {
        'segmentation': write(tmp_path / 'm_seg.json', miou=0.55),  # 10 % up
        'normals': write(tmp_path / 'm_nor.json', mean=27.0),  # 10 % less error
        'saliency': write(tmp_path / 'm_sal.json', max_f=0.6),  # 25 % down
    }
    single = {
        'segmentation': write(tmp_path / 's_seg.json', miou=0.5),
        'normals': write(tmp_path / 's_nor.json', mean=30.0),
        'saliency': write(tmp_path / 's_sal.json', max_f=0.8),
        'parts': write(tmp_path / 's_parts.json', miou=0.8),  # not compared
    }
    result = delta_m(multi, single)
    expected = {'segmentation': 10, 'normals': 10, 'saliency': -25}
    assert result.per_task == pytest.approx(expected)
    assert result.delta_m == pytest.approx(-5 / 3)
    assert result.to_json()['protocol']['scores']['normals'] == 'mean'


def test_absent_file_task_or_score_is_named(tmp_path):
    good, other = write(tmp_path / 'm.json', miou=0.5), write(tmp_path / 'o.json', mae=0.5)
    zero = write(tmp_path / 'zero.json', miou=0.0)
    changed = write(tmp_path / 'changed.json', miou=0.5, protocol={'k': 2})
    broken = tmp_path / 'broken.json'
    broken.write_text('{')
    for single, message in (
        ({'segmentation': tmp_path / 'none.json'}, r'none\.json does not exist'),
        ({}, 'no single-task results for segmentation'),
        ({'segmentation': other}, r"o\.json holds no 'miou'"),
        ({'segmentation': zero}, r'miou is 0 in .*zero\.json'),
        ({'segmentation': changed}, r'changed\.json differ in their protocol'),
        ({'segmentation': broken}, r'broken\.json is not a JSON file'),
    ):
        with pytest.raises(MetricError, match=message):
            delta_m({'segmentation': good}, single)
    with pytest.raises(MetricError, match="unknown task 'depth': known are boundaries"):
        delta_m({'depth': good}, {'depth': good})
    with pytest.raises(MetricError, match='no task to compare'):
        delta_m({}, {})
