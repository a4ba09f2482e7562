"""A URL in place of a file is refused by its complete address."""

import pathlib

import pytest

from ubernet_jax import UberNet
from ubernet_jax.errors import UserError
from ubernet_jax.weights.opening import open_source
from ubernet_jax.weights.urls import refuse_url

URL = 'https://example.org/a/b.pth'


@pytest.mark.parametrize('path', [URL, pathlib.Path(URL), 'https:/example.org/a/b.pth'])
def test_a_url_is_refused_also_without_one_of_its_slashes(path):
    with pytest.raises(UserError, match=f'^{URL} '):
        refuse_url(path)


def test_paths_are_not_urls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path('ftp:').mkdir()
    pathlib.Path('ftp:/a.jpg').touch()
    for path in ('a/b.jpg', '/a.jpg', 'C:/a.jpg', 'ab:c/d.jpg', 'ftp:/a.jpg', '../x', ''):
        refuse_url(path)


def test_networks_and_weights_are_not_read_from_urls():
    for read in (open_source, UberNet.load):
        with pytest.raises(UserError, match=f'^{URL} '):
            read(URL)
