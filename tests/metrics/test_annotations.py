"""Files of detections: VOC's text files, JSON files, and files that do not fit together."""

import json
import pathlib
import re

import pytest

from ubernet_jax.metrics.annotations import ImageDetections, read_detections
from ubernet_jax.metrics.metric import MetricError

CLASSES = ('sign', 'stop_sign', 'traffic light')
LINE = 'a 0.9 11 11 40 30\n'
BOX = {'box': [10, 10, 40, 30], 'label': 'sign', 'score': 0.9}


def read(folder: pathlib.Path, **files: str | bytes) -> ImageDetections:
    """Writes text files `comp4_det_KEY.txt` and reads the folder."""
    for name, text in files.items():
        content = text if isinstance(text, bytes) else text.encode()
        (folder / f'comp4_det_{name}.txt').write_bytes(content)
    return read_detections(folder, CLASSES)


def test_a_byte_order_mark_is_not_part_of_the_first_line(tmp_path):
    detections = read(tmp_path, test_sign=b'\xef\xbb\xbf' + LINE.encode())
    assert list(detections) == ['a']
    path = tmp_path / 'a.json'
    path.write_bytes(b'\xef\xbb\xbf' + json.dumps({'a': [BOX]}).encode())
    assert list(read_detections(path, CLASSES)) == ['a']


def test_the_class_is_the_longest_name_at_the_end_of_the_file_name(tmp_path):
    detections = read(tmp_path, test_stop_sign=LINE, test_sign='b 1 1 1 9 9\n')
    assert detections['a'].classes.tolist() == [1]
    assert detections['b'].classes.tolist() == [0]
    assert detections.classes_without_file == ('traffic light',)


def test_a_file_without_a_known_class_is_refused(tmp_path):
    with pytest.raises(MetricError, match=r'comp4_det_test_signs\.txt.*traffic light'):
        read(tmp_path, test_signs=LINE)


@pytest.mark.parametrize(
    ('first', 'second'),
    [
        ('test_sign', 'val_sign'),
        ('test_sign', 'val_stop_sign'),
    ],
)
def test_files_of_two_splits_are_refused(first, second, tmp_path):
    with pytest.raises(MetricError) as error:
        read(tmp_path, **{first: LINE, second: LINE})
    assert f'comp4_det_{first}.txt' in str(error.value)
    assert f'comp4_det_{second}.txt' in str(error.value)


def test_files_of_two_runs_are_refused(tmp_path):
    for run in (1111, 2222):
        (tmp_path / f'comp4_{run}_det_test_sign.txt').write_text(LINE)
    with pytest.raises(MetricError, match='comp4_1111_det_test_sign.*comp4_2222_det_test_sign'):
        read(tmp_path)


def test_different_forms_of_detections_in_a_folder_are_refused(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps([BOX]))
    with pytest.raises(MetricError, match=r'a\.json.*comp4_det_test_sign\.txt'):
        read(tmp_path, test_sign=LINE)


def test_two_json_files_of_an_image_are_refused(tmp_path):
    (tmp_path / 'a').mkdir()
    for path in (tmp_path / 'a.json', tmp_path / 'a' / 'detection.json'):
        path.write_text(json.dumps([BOX]))
    with pytest.raises(MetricError, match=r'a\.json.*a/detection\.json'):
        read(tmp_path)


def test_every_image_knows_the_files_that_mention_it(tmp_path):
    detections = read(tmp_path, test_sign=LINE + LINE, test_stop_sign=LINE + 'b 1 1 1 9 9\n')
    names = {image: [path.name for path in paths] for image, paths in detections.sources.items()}
    sign, stop_sign = 'comp4_det_test_sign.txt', 'comp4_det_test_stop_sign.txt'
    assert names == {'a': [sign, stop_sign], 'b': [stop_sign]}
    assert sorted(path.name for path in detections.files) == [sign, stop_sign]


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        (json.dumps({'a': [BOX | {'box': [10, 10, 40, '1299']}]}), "'1299'"),
        (json.dumps({'a': [BOX | {'box': '1299'}]}), "'1299'"),
        (json.dumps({'a': [BOX | {'score': '0.9'}]}), "'0.9'"),
        (json.dumps({'a': [BOX | {'box': [True, 0, 40, 30]}]}), 'True'),
        (json.dumps({'a': [BOX | {'box': [0.1, 0.1, 0.5, 1]}]}), 'pixels'),
        (f'{{"a": [{json.dumps(BOX)}], "a": []}}', "'a'"),
        ('{"a": [{"box": [1, 2, 3, 4], "score": 1, "score": 2}]}', "'score'"),
    ],
)
def test_values_that_can_only_be_wrong_are_refused(text, named, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(MetricError, match=rf'a\.json.*{re.escape(named)}'):
        read_detections(path, CLASSES)


def test_coordinates_in_pixels_need_only_one_box_beyond_the_first_pixel(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps({'a': [BOX | {'box': [0, 0, 1, 1]}], 'b': [BOX]}))
    assert len(read_detections(path, CLASSES)) == 2
