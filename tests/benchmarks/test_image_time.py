"""The time of an image is read from a report of the speed benchmark."""

import sys
import time

import jax
import pytest

from benchmarks import speed
from benchmarks.image_time import read_image_seconds
from ubernet_jax.errors import UserError

pytestmark = pytest.mark.slow


def test_the_report_of_the_speed_benchmark_is_read(tmp_path, monkeypatch):
    file = tmp_path / 'speed.json'
    case = speed.Case(name='training 33x65 float32', step=lambda: time.sleep(0.02))
    monkeypatch.setattr(speed, '_cases', lambda arguments, stack: [case])
    monkeypatch.setattr(sys, 'argv', ['speed', '--rounds', '1', '--json', str(file)])
    speed.main()
    seconds, device = read_image_seconds(file, (33, 65), 'float32')
    assert seconds == pytest.approx(case.seconds[0])
    assert device == jax.devices()[0].device_kind
    message = (
        "'training 33x65 bfloat16'.*'training 33x65 float32'.*"
        'python -m benchmarks.speed --sizes 33x65 --precisions bfloat16'
    )
    with pytest.raises(UserError, match=message):
        read_image_seconds(file, (33, 65), 'bfloat16')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'python -m benchmarks.speed --sizes 33x65'),
        ('milliseconds', 'JSON'),
        ('[1]', 'python -m benchmarks.speed --sizes 33x65'),
        ('{"device": "cpu", "rows": [{"name": "x"}]}', 'python -m benchmarks.speed'),
        ('{"device": "cpu", "rows": []}', "'training 33x65 float32'.*nothing"),
    ],
)
def test_a_wrong_report_of_the_speed_benchmark_is_refused(tmp_path, text, message):
    file = tmp_path / 'speed.json'
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=rf'speed\.json.*{message}'):
        read_image_seconds(file, (33, 65), 'float32')
