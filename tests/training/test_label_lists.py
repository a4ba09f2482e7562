"""Published lists of the labels that images keep; damaged lists are refused with their name."""

import json
import os
import pickle

import numpy as np
import pytest

from helpers.weight_files import contiguous, write_pickles, write_state
from ubernet_jax.errors import UserError
from ubernet_jax.training.label_lists import read_label_list

COLUMNS = ('segmentation', 'depth', 'normals')


def write_rows(path, rows):
    """Writes MTPSL's list of NYUv2 or Cityscapes, as PyTorch wrote it before 1.6."""
    weights = np.array(rows, np.float32)
    write_pickles(path, {'labels_weights': contiguous('9', weights, old=True)}, {'9': weights})


def write_tasks(path, images):
    """Writes MTPSL's list of PASCAL: an array without dimensions, of a dictionary."""
    np.save(path, np.array({task: [*map(np.str_, ids)] for task, ids in images.items()}, object))


def test_a_row_for_each_number_of_an_image(tmp_path):
    path = tmp_path / 'randomlabels.pth'
    write_rows(path, [[1, 0, 0], [0, 1, 1]])
    wanted = {'0': {'segmentation'}, '1': {'depth', 'normals'}}
    assert read_label_list(path) == wanted
    write_state(path, {'labels_weights': np.array([[0, 1], [1, 0]], np.float32)})
    assert read_label_list(path) == {'0': {'inverse_depth'}, '1': {'segmentation'}}


def test_the_images_of_each_task(tmp_path):
    path = tmp_path / 'onelabel.npy'
    write_tasks(
        path, {'semseg': ['2008_000002'], 'sal': ['2008_000002', '2008_000003'], 'edge': []}
    )
    wanted = {'2008_000002': {'segmentation', 'saliency'}, '2008_000003': {'saliency'}}
    assert read_label_list(path) == wanted


def test_labels_as_json(tmp_path):
    path = tmp_path / 'list.json'
    path.write_text(json.dumps({'a': ['depth'], 'b': []}))
    assert read_label_list(path) == {'a': {'depth'}, 'b': set()}


class Command:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ('exit 1',)


@pytest.mark.parametrize(
    ('name', 'content', 'part'),
    [
        ('list.txt', b'', r'\.json, \.npy, \.pth'),
        ('list.json', b'["a"]', 'image id'),
        ('list.json', b'{"a": "depth"}', 'image id'),
        ('list.npy', b'\x93NUMPY', 'again'),
        ('list.pth', b'', 'cannot be read'),
    ],
)
def test_a_file_that_is_no_list(name, content, part, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf'{name}(.|\n)*{part}'):
        read_label_list(path)


def test_a_missing_list(tmp_path):
    with pytest.raises(UserError, match=r'list\.json'):
        read_label_list(tmp_path / 'list.json')


@pytest.mark.parametrize(
    ('content', 'part'),
    [
        ({'albedo': ['a']}, 'albedo'),
        ({'semseg': 'a'}, 'image ids'),
        ([1], 'image ids'),
        (Command(), 'system'),
    ],
)
def test_another_array_is_refused_and_runs_no_code(content, part, tmp_path):
    path = tmp_path / 'list.npy'
    array = np.empty((), object)
    array[()] = content
    np.save(path, array)
    with pytest.raises(UserError, match=rf'list\.npy(.|\n)*{part}'):
        read_label_list(path)


@pytest.mark.parametrize('rows', [[[0, 2, 0]], [[0, 1, 0, 1]]])
def test_weights_other_than_0_and_1_or_of_other_tasks(rows, tmp_path):
    write_rows(tmp_path / 'list.pth', rows)
    with pytest.raises(UserError, match=r'list\.pth(.|\n)*labels_weights'):
        read_label_list(tmp_path / 'list.pth')


def test_a_pickle_that_is_not_an_array(tmp_path):
    path = tmp_path / 'list.npy'
    np.save(path, np.array({'semseg': ['a']}, object))
    header = path.read_bytes()[:128]
    path.write_bytes(header + pickle.dumps({'semseg': ['a']}))
    with pytest.raises(UserError, match=r'list\.npy'):
        read_label_list(path)
