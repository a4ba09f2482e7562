"""Prepared folders for the tests of `ubernet configure`."""

import pathlib

import pytest

from helpers.half_labelled import prepare_sets
from helpers.shared import make_once


@pytest.fixture(scope='session')
def half_labelled(tmp_path_factory) -> pathlib.Path:
    """The folder of the prepared sets of `helpers.half_labelled`; tests must not change it."""
    return make_once(tmp_path_factory, 'half_labelled', prepare_sets) / 'prepared'
