"""Reading MATLAB files: axes, versions, and what is wrong with a file."""

import pathlib

import numpy as np
import pytest
import scipy.sparse

from helpers.tiny_matlab_datasets import cells, save_matlab, save_matlab_73, structs
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab, read_matlab_slice
from ubernet_jax.errors import UserError

# In MATLAB: 2 rows, 3 columns, 2 channels, 4 frames; the value says which of each.
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
    """Expects a UserError that says all of these, in this order."""
    return pytest.raises(UserError, match='.*'.join([str(path), *parts]))


def test_a_slice_has_its_axes_as_in_matlab(new):
    third = read_matlab_slice(new, 'stack', 2)
    assert third.dtype == np.uint16
    assert third.shape == (2, 3, 2)
    assert third[1, 0, 0] == 1002
    assert third[0, 2, 1] == 212
    np.testing.assert_array_equal(third, STACK[..., 2])
    np.testing.assert_array_equal(
        read_matlab_slice(new, 'maps', 3), [[13, 113, 213], [1013, 1113, 1213]]
    )


def test_a_file_that_is_hdf5_without_matlabs_text_is_read_too(new):
    new.write_bytes(new.read_bytes()[512:])
    assert read_matlab_slice(new, 'stack', 0)[0, 1, 0] == 100


def test_a_variable_is_given_to_parse_as_scipy_reads_it(old):
    np.testing.assert_array_equal(read_matlab(old, 'map', np.asarray), [[0, 1, 2], [3, 4, 5]])
    assert read_matlab(old, 'map', lambda array: array[1, 0]) == 3


def test_structs_and_cells_come_back(tmp_path):
    sparse = scipy.sparse.csc_matrix(np.eye(3))
    things = structs({'name': 'a', 'edges': cells(sparse)}, {'name': 'bc', 'edges': cells()})
    save_matlab(tmp_path / 'a.mat', {'truth': {'things': things, 'none': structs()}})

    def parse(truth: np.ndarray) -> list:
        record = truth[0, 0]
        assert record['none'].ravel().tolist() == []
        return [(thing['name'].item(), thing['edges']) for thing in record['things'].ravel()]

    (first, edges), (second, none) = read_matlab(tmp_path / 'a.mat', 'truth', parse)
    assert (first, second) == ('a', 'bc')
    np.testing.assert_array_equal(edges[0, 0].toarray(), np.eye(3))
    assert none.size == 0


def test_a_missing_variable_names_those_that_are_there(old, new):
    with raises(old, 'has no variable GTcls', 'map, other'):
        read_matlab(old, 'GTcls', np.asarray)
    with raises(new, 'has no variable images', 'maps, stack'):
        read_matlab_slice(new, 'images', 0)


def test_the_wrong_version(old, new):
    with raises(new, 'map', 'version 7.3', 'expected is version 5 to 7'):
        read_matlab(new, 'map', np.asarray)
    with raises(old, 'stack', 'not of MATLAB version 7.3'):
        read_matlab_slice(old, 'stack', 0)


def test_a_truncated_file(old, new):
    truncate(old)
    truncate(new)
    with raises(old, 'map cannot be read', 'download it again'):
        read_matlab(old, 'map', np.asarray)
    with raises(new, 'stack cannot be read', 'download it again'):
        read_matlab_slice(new, 'stack', 0)


@pytest.mark.parametrize('content', [b'', b'<html>404</html>'])
def test_a_file_that_is_no_matlab_file(content, tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(content)
    with raises(path, 'map cannot be read'):
        read_matlab(path, 'map', np.asarray)
    with raises(path, 'stack', 'not of MATLAB version 7.3'):
        read_matlab_slice(path, 'stack', 0)


def test_a_file_that_is_missing(tmp_path):
    with raises(tmp_path / 'a.mat', 'cannot be read: No such file'):
        read_matlab(tmp_path / 'a.mat', 'map', np.asarray)


def test_another_structure_than_expected(old):
    with raises(old, 'map has another structure than expected', 'IndexError'):
        read_matlab(old, 'map', lambda array: array[0, 0]['Segmentation'])


def test_a_map_holds_whole_numbers():
    found = as_map(np.array([[0.0, 255.0]]))
    assert found.dtype == np.int32 and found.tolist() == [[0, 255]]
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
def test_what_is_no_map(value, tmp_path):
    save_matlab(tmp_path / 'a.mat', {'map': np.zeros((1, 1))})
    with raises(tmp_path / 'a.mat', 'map has another structure than expected'):
        read_matlab(tmp_path / 'a.mat', 'map', lambda array: as_map(value))


@pytest.mark.parametrize('index', [-1, 4])
def test_a_slice_that_is_not_there(index, new):
    with raises(new, f'stack has 4 frames; number {index + 1}'):
        read_matlab_slice(new, 'stack', index)


def test_a_group_in_place_of_an_array(new):
    with raises(new, '#refs# cannot be read'):
        read_matlab_slice(new, '#refs#', 0)
