"""A dataset that cannot be opened for lack of open files is not called damaged."""

import resource

import pytest

from ubernet_jax.datasets import open_dataset
from ubernet_jax.errors import UserError


def test_too_many_open_files_are_named(prepared):
    dataset = open_dataset('folder/tiny', 'train', prepared)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert len(dataset._source) == 4  # opens the description, but no shard
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(UserError, match=r'folder/tiny:train: record 0.*ulimit -n') as error:
            dataset[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert 'Delete' not in str(error.value)
