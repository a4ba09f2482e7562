"""Strategies for files that declare more than they contain: nested, shared and repeated parts."""

import io

from hypothesis import strategies as st
from PIL import Image

from helpers import hostile_files as files
from helpers.fuzz.damage import any_file

# Numbers of parts, and sides in pixels, around limits and overflows.
_COUNTS = st.sampled_from((0, 1, 2, 31, 32, 33, 300, 5000, 110_000))
_SIDES = st.sampled_from((0, 1, 8, 16, 17, 4096, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1))
_RUNS = st.lists(st.sampled_from((b'\0\0', b'\0\1', b'\0\2\0\xff', b'\xff\1', b'\0\3abc\0')))
_SHAPES = st.lists(st.sampled_from((0, 1, 2, 3, 6, 8, 2**13, 2**26 + 1, 2**40, -1)), max_size=5)
_TYPES = st.sampled_from(('<f8', '|u1', '<c16', '|b1', '<U1', '|V9', '|O', '<M8[s]', '<f2'))


def pictures() -> st.SearchStrategy[bytes]:
    seeds = [
        files.jpeg(scans=33),
        files.tiff((32, 48)),
        files.tiff((4096, 16)),
        files.png(chunks=3),
    ]
    return st.one_of(
        st.builds(files.jpeg, scans=_COUNTS, comments=_COUNTS),
        st.builds(files.png, chunks=_COUNTS),
        st.builds(files.gif, comment=_COUNTS),
        st.builds(files.tiff, st.tuples(_SIDES, _SIDES), compression=st.sampled_from((1, 8))),
        st.builds(_with_exif, st.sampled_from((1, 500, 2000)), st.sampled_from((2, 2**16, 2**20))),
        st.builds(files.bmp_runs, _SIDES.map(_signed), _SIDES.map(_signed), _RUNS.map(b''.join)),
        st.builds(files.ppm, largest=st.sampled_from((1, 254, 255, 256, 65_535, 65_536))),
        any_file(seeds),
    )


def arrays() -> st.SearchStrategy[bytes]:
    """NumPy files with any type and shape in their headers."""
    arrays = st.builds(
        files.npy, _TYPES, _SHAPES.map(lambda shape: str(tuple(shape))), st.binary(max_size=64)
    )
    archives = st.lists(arrays, max_size=3) | st.just([files.npy('|u1', '(2, 3)')] * 2000)
    return arrays | archives.map(lambda members: files.npz(*members))


def matlab() -> st.SearchStrategy[bytes]:
    """MATLAB files of version 5 with nested cells, many elements, or compressed zeros."""
    variables = st.one_of(
        st.builds(files.mat_bytes, st.sampled_from((0, 4, 2**16))),
        st.builds(files.mat_nested, st.sampled_from((0, 1, 63, 64, 65, 300))),
        st.builds(files.mat_cells, st.sampled_from((0, 1, 1000))),
        st.builds(files.mat_elements, st.sampled_from((0, 1, 2, 1000))),
    )
    variables |= st.lists(variables, max_size=3).map(lambda parts: files.mat_compressed(*parts))
    valid = st.lists(variables, max_size=3).map(lambda parts: files.mat(*parts))
    # One of each large part: hypothesis keeps the cases that it has tried.
    large = st.sampled_from(
        [files.mat(files.mat_bytes(2**20)), files.mat(files.mat_cells(600_000))]
    )
    return valid | large | any_file([files.mat(files.mat_nested(3), files.mat_cells(3))])


def hdf5() -> st.SearchStrategy[bytes]:
    shapes = st.sampled_from(
        ((), (0,), (2, 8), (4, 30_000, 24_000), (2**40, 2, 2), (100_000, 9, 9))
    )
    chunks = st.sampled_from((None, True))
    return st.builds(files.hdf5, shapes.filter(bool), chunks) | st.just(files.hdf5_text())


def annotations() -> st.SearchStrategy[bytes]:
    tags = st.sampled_from(('annotation', 'object', 'bndbox', 'a'))
    deep = st.builds(
        lambda tag, depth: files.nested(f'<{tag}>'.encode(), f'</{tag}>'.encode(), depth),
        tags,
        _COUNTS,
    )
    return deep | st.builds(files.laughing_xml, st.integers(0, 9))


def json() -> st.SearchStrategy[bytes]:
    """Deeply nested lists and objects, and long numbers."""
    lists = st.builds(files.nested, st.just(b'['), st.just(b']'), _COUNTS)
    objects = st.builds(files.nested, st.just(b'{"a":'), st.just(b'}'), _COUNTS, st.just(b'1'))
    return lists | objects | _COUNTS.map(lambda digits: b'[%s]' % (b'9' * digits))


def _with_exif(tags: int, size: int) -> bytes:
    buffer = io.BytesIO()
    Image.new('L', (8, 8)).save(buffer, 'PNG', exif=files.exif(tags, size))
    return buffer.getvalue()


def _signed(side: int) -> int:
    return side - 2**32 if side >= 2**31 else side
