"""Reading MATLAB files: axes, versions, and errors in a file."""

import pathlib

import numpy as np
import pytest
import scipy.sparse

from helpers.tiny_matlab_datasets import cells, save_matlab, save_matlab_73, structs
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab, read_matlab_slice
from ubernet_jax.errors import UserError

# In MATLAB: 2 rows, 3 columns, 2 channels, 4 frames; the digits of a value are its indices.
STACK = np.array(
    [[[[1000 * r + 100 * c + 10 * k + n for n in range(4)] for k in range(2)] for c in range(3)]
     for r in range(2)],
    np.uint16,
)  # fmt: skip


@pytest.fixture
def old(tmp_path) -> pathlib.Path:
    path = tmp_path / 'old.mat'
    save_matlab(path, {'map': np.arange(6).reshape(2, 3), 'other': np.ones(1)})
    return path


@pytest.fixture
def new(tmp_path) -> pathlib.Path:
    path = tmp_path / 'new.mat'
    save_matlab_73(path, {'stack': STACK, 'maps': STACK[:, :, 1]})
    return path


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def raises(path: pathlib.Path, *parts: str):
    """Expects a UserError that contains these parts, in this order."""
    return pytest.raises(UserError, match='.*'.join([str(path), *parts]))


def test_a_slice_has_the_axes_of_matlab(new):
    third = read_matlab_slice(new, 'stack', 2)
    assert third.dtype == np.uint16
    assert third.shape == (2, 3, 2)
    assert third[1, 0, 0] == 1002
    assert third[0, 2, 1] == 212
    np.testing.assert_array_equal(third, STACK[..., 2])
    np.testing.assert_array_equal(
        read_matlab_slice(new, 'maps', 3), [[13, 113, 213], [1013, 1113, 1213]]
    )


def test_hdf5_without_the_header_of_matlab_is_read(new):
    new.write_bytes(new.read_bytes()[512:])
    assert read_matlab_slice(new, 'stack', 0)[0, 1, 0] == 100


def test_parse_receives_the_variable_as_scipy_reads_it(old):
    np.testing.assert_array_equal(read_matlab(old, 'map', np.asarray), [[0, 1, 2], [3, 4, 5]])
    assert read_matlab(old, 'map', lambda array: array[1, 0]) == 3


def test_structs_and_cells_are_read(tmp_path):
    sparse = scipy.sparse.csc_matrix(np.eye(3))
    objects = structs({'name': 'a', 'edges': cells(sparse)}, {'name': 'bc', 'edges': cells()})
    save_matlab(tmp_path / 'a.mat', {'truth': {'objects': objects, 'none': structs()}})

    def parse(truth: np.ndarray) -> list:
        record = truth[0, 0]
        assert record['none'].ravel().tolist() == []
        return [(entry['name'].item(), entry['edges']) for entry in record['objects'].ravel()]

    (first, edges), (second, none) = read_matlab(tmp_path / 'a.mat', 'truth', parse)
    assert (first, second) == ('a', 'bc')
    np.testing.assert_array_equal(edges[0, 0].toarray(), np.eye(3))
    assert none.size == 0


def test_a_missing_variable(old, new):
    with raises(old, 'GTcls', 'map, other'):
        read_matlab(old, 'GTcls', np.asarray)
    with raises(new, 'images', 'maps, stack'):
        read_matlab_slice(new, 'images', 0)


def test_the_wrong_version(old, new):
    with raises(new, 'map', 'version 7.3', 'version 5 to 7'):
        read_matlab(new, 'map', np.asarray)
    with raises(old, 'stack', 'version 7.3'):
        read_matlab_slice(old, 'stack', 0)


def test_a_truncated_file(old, new):
    truncate(old)
    truncate(new)
    with raises(old, 'map'):
        read_matlab(old, 'map', np.asarray)
    with raises(new, 'stack'):
        read_matlab_slice(new, 'stack', 0)


@pytest.mark.parametrize('content', [b'', b'<html>404</html>'])
def test_a_file_of_another_format(content, tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(content)
    with raises(path, 'map'):
        read_matlab(path, 'map', np.asarray)
    with raises(path, 'stack', 'version 7.3'):
        read_matlab_slice(path, 'stack', 0)


def test_a_missing_file(tmp_path):
    with raises(tmp_path / 'a.mat', 'No such file'):
        read_matlab(tmp_path / 'a.mat', 'map', np.asarray)


def test_an_unexpected_structure(old):
    with raises(old, 'map', 'structure', 'IndexError'):
        read_matlab(old, 'map', lambda array: array[0, 0]['Segmentation'])


def test_as_map_converts_whole_numbers():
    converted = as_map(np.array([[0.0, 255.0]]))
    assert converted.dtype == np.int32 and converted.tolist() == [[0, 255]]
    assert as_map(np.array([[300]]), largest=300).tolist() == [[300]]


@pytest.mark.parametrize(
    'value',
    [
        np.array([[256]]),
        np.array([[-1]]),
        np.array([[0.5]]),
        np.array([[np.nan]]),
        np.array([[1j]]),
        np.zeros(3),
        np.array([['a']]),
        scipy.sparse.csc_matrix(np.eye(2)),
    ],
)
def test_as_map_refuses_other_values(value, tmp_path):
    save_matlab(tmp_path / 'a.mat', {'map': np.zeros((1, 1))})
    with raises(tmp_path / 'a.mat', 'map', 'structure'):
        read_matlab(tmp_path / 'a.mat', 'map', lambda array: as_map(value))


@pytest.mark.parametrize('index', [-1, 4])
def test_a_slice_that_does_not_exist(index, new):
    with raises(new, 'stack', '4 frames', f'frame {index + 1}'):
        read_matlab_slice(new, 'stack', index)


def test_a_group_in_place_of_an_array(new):
    with raises(new, '#refs#'):
        read_matlab_slice(new, '#refs#', 0)
