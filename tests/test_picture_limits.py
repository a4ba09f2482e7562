"""Pictures that would take far more time or memory than their pixels need are refused by name."""

import ast
import os
import pathlib
import re
import resource

import pytest
from PIL import Image

import ubernet_jax
from helpers import hostile_files
from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import read_array, read_grey
from ubernet_jax.photographs import open_stored, read_photograph

PACKAGE = pathlib.Path(ubernet_jax.__file__).parent
# Files that open pictures; the second opens only the PNG that it wrote earlier.
OPENING = {'photographs.py', 'inference/saved_files.py'}
READERS = {'cv2', 'skimage.io', 'matplotlib.image', 'tifffile', 'rawpy'}


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (hostile_files.jpeg(scans=33), 'scans'),
        (hostile_files.jpeg(comments=200_000), 'segments'),
        (hostile_files.png(chunks=100_000), 'chunks'),
        (hostile_files.gif(comment=2**23), 'GIF of'),
        (hostile_files.tiff((32_768, 65_520)), 'tiles'),
        (hostile_files.tiff((32_768, 65_520), compression=1), 'tiles'),
        (hostile_files.bmp_runs(60_000_000, 1, b'\0\2\0\xff' * 20), 'bmp_rle'),
        (hostile_files.ppm(largest=254), 'decoded by ppm'),
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n{} loop\n', 'unknown'),
    ],
)
@pytest.mark.parametrize('read', [read_photograph, read_grey])
def test_a_hostile_picture_is_refused(read, content, message, tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf'a\.png.*{message}'):
        read(path)


@pytest.mark.parametrize(
    'content',
    [
        hostile_files.jpeg(scans=32),
        hostile_files.jpeg(comments=1000),
        hostile_files.jpeg() + b'\xff\xda\0' * 100,  # such as a video after the picture
        hostile_files.png(chunks=1000),
        hostile_files.gif(comment=1000),
        hostile_files.tiff((16, 16)),
        hostile_files.tiff((256, 512)),
    ],
)
def test_an_unusual_picture_is_read(content, tmp_path):
    path = tmp_path / 'a.jpg'
    path.write_bytes(content)
    assert read_photograph(path).shape == (16, 16, 3)


def test_tags_that_share_a_long_value_are_refused(tmp_path):
    """Pillow 12 copies it for each of them: 2,000 tags of 1 MB would take 2 GB."""
    tags = hostile_files.exif(2000, 2**20)
    Image.new('L', (8, 8)).save(tmp_path / 'a.png', exif=tags)
    (tmp_path / 'a.tif').write_bytes(tags)
    for name in ('a.png', 'a.tif'):
        with pytest.raises(UserError, match=rf'{name}.*tags of 2,0'):
            read_photograph(tmp_path / name)


def test_a_photograph_with_many_short_tags_is_read(tmp_path):
    Image.new('L', (8, 8)).save(tmp_path / 'a.png', exif=hostile_files.exif(200, 2**16))
    assert read_photograph(tmp_path / 'a.png').shape == (8, 8, 3)


def test_images_of_prepared_datasets_are_limited_too():
    assert open_stored(hostile_files.jpeg()).size == (16, 16)
    with pytest.raises(ValueError, match='scans'):
        open_stored(hostile_files.jpeg(scans=33))
    for side in (8193, 20_000):  # Pillow refuses only the second
        with pytest.raises(ValueError, match='pixels'):
            open_stored(hostile_files.png_header(side, side))


@pytest.mark.parametrize(('read', 'name'), [(read_photograph, 'a.png'), (read_array, 'a.npy')])
def test_a_pipe_is_refused_instead_of_waited_for(read, name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match=rf'{name}.*not a regular file'):
        read(tmp_path / name)


@pytest.mark.parametrize(('read', 'name'), [(read_photograph, 'a.png'), (read_array, 'a.npy')])
def test_too_many_open_files_are_reported_with_the_name(read, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(hostile_files.png(chunks=0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(UserError, match=rf'{name}.*Too many open files'):
            read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _calls(path: pathlib.Path) -> set[str]:
    calls = (
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    )
    return {ast.unparse(function) for function in calls}


def test_pictures_are_opened_in_one_place():
    for path in PACKAGE.rglob('*.py'):
        name, source = str(path.relative_to(PACKAGE)), path.read_text()
        opening = {call for call in _calls(path) if call.split('.')[-1] in ('imread', 'mimread')}
        assert not opening, name
        assert 'Image.open' not in _calls(path) or name in OPENING, name
        assert source.count('Image.open(') == len(re.findall(r'\bformats=', source)), name
        assert not any(f'import {reader}' in source for reader in READERS), name
