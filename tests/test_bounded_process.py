"""A function in another process: its result, its errors and its limits."""

import os
import sys
import time

import numpy as np
import pytest

from ubernet_jax.bounded_process import run_bounded
from ubernet_jax.errors import UserError


def import_path_and_modules() -> tuple[list[str], list[str]]:
    return sys.path, list(sys.modules)


def count_forever() -> None:
    while True:
        pass


def test_the_result_is_returned():
    array = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(run_bounded('a.h5', np.transpose, array), array.T)


def test_what_the_function_prints_is_not_part_of_the_result():
    assert run_bounded('a.h5', print, 'text') is None


def test_the_process_imports_from_the_same_folders_and_not_jax():
    folders, modules = run_bounded('a.h5', import_path_and_modules)
    assert set(folders) >= {folder for folder in sys.path if os.path.isdir(folder)}
    assert 'jax' not in modules


def test_an_error_of_the_function_is_raised():
    with pytest.raises(FileNotFoundError, match='nowhere'):
        run_bounded('a.h5', os.stat, 'nowhere')


@pytest.mark.parametrize(
    ('function', 'arguments', 'message'),
    [
        (count_forever, (), ' 1 s of processor time'),
        (time.sleep, (60,), ' 4 s .* busy'),
        (bytes, (10**9,), r'0\.5 GB'),
        (os.abort, (), 'status -6'),
    ],
)
def test_a_function_beyond_a_limit_is_refused(function, arguments, message):
    with pytest.raises(UserError, match=rf'a\.h5.*{message}'):
        run_bounded('a.h5', function, *arguments, seconds=1, memory=500_000_000)
