"""Reading JSON from outside the package: keys, byte-order marks, errors."""

import pytest

from ubernet_jax.errors import UserError
from ubernet_jax.json_file import parse_json, read_json


def test_a_byte_order_mark_is_ignored(tmp_path):
    path = tmp_path / 'a.json'
    path.write_bytes(b'\xef\xbb\xbf{"a": [1, {"a": 2}]}')
    assert read_json(path) == {'a': [1, {'a': 2}]}


@pytest.mark.parametrize('text', ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "b": 2, "a": 3}}]'])
def test_a_repeated_key_is_refused(text):
    with pytest.raises(UserError, match="notes of x.*'a'"):
        parse_json(text, 'notes of x')


@pytest.mark.parametrize('text', ['{"a": ', b'\xff\xff\xff', '[' * 200_000])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(UserError, match='notes of x'):
        parse_json(text, 'notes of x')
