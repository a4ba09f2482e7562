"""Fixtures of the tests of `scoring`."""

import pytest

from helpers.scorer import Scorer


@pytest.fixture
def scorer(tmp_path) -> Scorer:
    return Scorer(tmp_path)
