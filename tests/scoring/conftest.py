"""Fixtures of the evaluators' tests."""

import pytest

from helpers.workplace import Workplace


@pytest.fixture
def place(tmp_path) -> Workplace:
    return Workplace(tmp_path)
