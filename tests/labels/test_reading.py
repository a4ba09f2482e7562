"""`prepare` and the metrics command read a label file in the same way, or both refuse it."""

import io
import pathlib
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.errors import UserError
from ubernet_jax.labels.unit_vectors import to_unit_length
from ubernet_jax.scoring.paired_files import Pair, PairedMaps
from ubernet_jax.scoring.readers import map_reader
from ubernet_jax.visualize.drawing import to_bytes

MARKED = np.zeros((4, 6), np.uint8)
MARKED[1:3, 1:5] = 1
CLASSES = ('background', 'weed')
UP, LEFT = (0, 0, 1), (-1, 0, 0)
VECTORS = np.where(MARKED[..., np.newaxis] == 1, np.float32(LEFT), np.float32(UP))
RGB = np.rint((VECTORS + 1) * 127.5).astype(np.uint8)

GREY, COLOURED, PALETTE, GREY_ALPHA, COLOURED_ALPHA = 0, 2, 3, 4, 6  # colour types of PNG


def png(
    samples: np.ndarray, depth: int, colours: int = GREY, palette: bytes = b'', clear: bytes = b''
) -> bytes:
    """Encodes samples (H, W) or (H, W, K) of `depth` bits as PNG, without any conversion."""
    rows = np.reshape(samples, (len(samples), -1))
    bits = (rows[..., np.newaxis] >> np.arange(depth)[::-1]) & 1
    packed = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    size = struct.pack('>IIBBBBB', samples.shape[1], len(rows), depth, colours, 0, 0, 0)
    chunks = [
        (b'IHDR', size),
        (b'PLTE', palette),
        (b'tRNS', clear),
        (b'IDAT', zlib.compress(b''.join(b'\0' + row.tobytes() for row in packed))),
        (b'IEND', b''),
    ]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
        for kind, body in chunks
        if body or kind == b'IEND'
    )


def picture(pixels: np.ndarray | Image.Image, file_format: str = 'PNG') -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, file_format)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


BLACK_WHITE = b'\0\0\0\xff\xff\xff'
WHITE_BLACK, RED_GREEN = BLACK_WHITE[::-1], b'\xff\0\0\0\xff\0'
INDICES = {
    f'palette of {depth} bits': png(MARKED, depth, PALETTE, RED_GREEN) for depth in (1, 2, 4, 8)
} | {'clear palette': png(MARKED, 8, PALETTE, BLACK_WHITE, clear=b'\0\xff')}
CLASS_MAPS = INDICES | {f'{depth} bits': png(MARKED, depth) for depth in (1, 2, 4, 8, 16)}
STRENGTHS = {
    f'{depth} bits': png(MARKED.astype(int) * (2**depth - 1), depth) for depth in (1, 2, 4, 8, 16)
} | {
    **{f'palette, {bits} bits': png(MARKED, bits, PALETTE, BLACK_WHITE) for bits in (1, 2, 4, 8)},
    'palette, light first': png(1 - MARKED, 8, PALETTE, WHITE_BLACK),
    'RGB': picture(np.stack([MARKED * 255] * 3, axis=-1)),
    'RGB of 16 bits': png(np.stack([MARKED.astype(int) * 65535] * 3, axis=-1), 16, COLOURED),
}
DIRECTIONS = {
    'RGB': picture(RGB),
    'RGB of 16 bits': png(RGB.astype(int) * 257, 16, COLOURED),
    'floats': npy(VECTORS),
    'doubles of any length': npy(VECTORS.astype(np.float64) * 0.7),
}

# Label and task of the command -> equivalent files.
SAME = {
    ('weeds', 'segmentation'): CLASS_MAPS,
    ('saliency', 'saliency'): STRENGTHS,
    ('boundaries', 'boundaries'): STRENGTHS,
    ('normals', 'normals'): DIRECTIONS,
}
FULL = 255 * MARKED
EXPECTED = {'weeds': MARKED, 'saliency': FULL, 'boundaries': FULL, 'normals': VECTORS}

CLEAR = np.dstack([RGB, np.full_like(MARKED, 255)])
TRANSPARENT = {
    'RGBA': picture(CLEAR),
    'grey with alpha': picture(np.dstack([MARKED, MARKED])),
    'RGBA of 16 bits': png(CLEAR.astype(int) * 257, 16, COLOURED_ALPHA),
    'grey with alpha, 16 bits': png(np.dstack([MARKED.astype(int)] * 2), 16, GREY_ALPHA),
    'floats': picture(MARKED.astype(np.float32), 'TIFF'),
}
TOO_LARGE = picture(MARKED.astype(np.int32) * 70_000, 'TIFF')
NO_CLASS_MAP = TRANSPARENT | {
    'RGB': picture(RGB),
    'JPEG': picture(MARKED, 'JPEG'),
    'WebP': picture(RGB, 'WEBP'),
    'JPEG 2000': picture(MARKED, 'JPEG2000'),
}
NO_STRENGTHS = TRANSPARENT | {
    'coloured': picture(RGB),
    'coloured palette': png(MARKED, 8, PALETTE, RED_GREEN),
    'clear palette': png(MARKED, 8, PALETTE, BLACK_WHITE, clear=b'\0\xff'),
    'clear grey': png(MARKED, 8, clear=b'\0\1'),
    '32 bits': TOO_LARGE,
    'CMYK': picture(Image.fromarray(RGB).convert('CMYK'), 'TIFF'),
}
NO_DIRECTIONS = TRANSPARENT | {
    'grey': picture(MARKED),
    'palette': png(MARKED, 8, PALETTE, RED_GREEN),
    '16 bits': png(MARKED.astype(int), 16),
    'bytes': npy(RGB),
    'no vectors': npy(MARKED.astype(np.float32)),
}
REFUSED = {
    ('weeds', 'segmentation'): (NO_CLASS_MAP, 'PNG'),
    ('saliency', 'saliency'): (NO_STRENGTHS, '8-bit grey PNG|8 or 16 bits'),
    ('boundaries', 'boundaries'): (NO_STRENGTHS, '8-bit grey PNG|8 or 16 bits'),
    ('normals', 'normals'): (NO_DIRECTIONS, '8-bit RGB'),
}


def cases(table: dict, forms: Callable = lambda entry: entry) -> list:
    return [
        pytest.param(label, task, content, id=f'{label}: {form}')
        for (label, task), entry in table.items()
        for form, content in forms(entry).items()
    ]


def write(folder: pathlib.Path, label: str, content: bytes) -> pathlib.Path:
    """Writes a dataset in the folder layout with one image, `a`, and one label."""
    path = folder / 'set' / 'train' / label / ('a.npy' if content[1:6] == b'NUMPY' else 'a.png')
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    images = path.parent.parent / 'images'
    images.mkdir()
    Image.new('RGB', MARKED.shape[::-1]).save(images / 'a.png')
    if label == 'weeds':
        description = '{"weeds": {"kind": "class_map", "classes": ["background", "weed"]}}'
        (folder / 'set' / 'labels.json').write_text(description)
    return path


def read_by_prepare(folder: pathlib.Path, label: str):
    builder = make_builder('folder/set', folder / 'prepared')
    (item,) = builder.list_splits(folder / 'set')['train']
    example, _ = builder.read(item)
    return example.labels[label]


def read_by_the_command(path: pathlib.Path, task: str) -> Pair:
    """Reads the file both as prediction and as ground truth."""
    benchmark = PairedMaps(map_reader(task, CLASSES), path.parent, path.parent)
    assert benchmark.missing() == []
    return benchmark.load('a')


@pytest.mark.parametrize(('label', 'task', 'content'), cases(SAME))
def test_equivalent_files_are_read_alike(label, task, content, tmp_path):
    path = write(tmp_path, label, content)
    prepared, pair = read_by_prepare(tmp_path, label), read_by_the_command(path, task)
    truth, prediction = pair.truth, pair.prediction
    match label:
        case 'saliency':
            truth, prediction = truth * np.uint8(255), to_bytes(prediction)
        case 'boundaries':
            prepared, truth, prediction = (
                prepared.share, truth * np.uint8(255), to_bytes(prediction)
            )  # fmt: skip
        case 'normals':
            prediction = to_unit_length(prediction)
    for read in (prepared, truth, prediction):
        np.testing.assert_allclose(read, EXPECTED[label], atol=0.006 if label == 'normals' else 0)
        np.testing.assert_array_equal(read, prepared)


@pytest.mark.parametrize(('label', 'task', 'content'), cases(REFUSED, lambda entry: entry[0]))
def test_both_refuse_a_file_and_name_the_right_format(label, task, content, tmp_path):
    path = write(tmp_path, label, content)
    _, message = REFUSED[label, task]
    reader = map_reader(task, CLASSES)
    for read in (
        lambda: read_by_prepare(tmp_path, label),
        lambda: reader.label(path),
        lambda: reader.prediction(path),
    ):
        with pytest.raises(UserError, match=message) as error:
            read()
        assert str(path) in str(error.value)


@pytest.mark.parametrize('bits', [8, 16])
def test_a_class_index_out_of_range_is_refused_at_any_bit_depth(bits, tmp_path):
    path = write(tmp_path, 'weeds', png(MARKED.astype(int) * (2**bits - 2), bits))
    for read in (
        lambda: read_by_prepare(tmp_path, 'weeds'),
        lambda: map_reader('segmentation', CLASSES).label(path),
    ):
        with pytest.raises(UserError, match=rf'a\.png.*class index {2**bits - 2} '):
            read()


def test_unknown_vectors_are_recognised_alike(tmp_path):
    rgb, vectors = RGB.copy(), VECTORS.copy()
    rgb[0, :4] = (0, 0, 0), (128, 128, 128), (127, 127, 127), (127, 128, 127)
    vectors[0, :4] = (0, 0, 0), (np.nan, 0, 0), (0, np.inf, 1), (-np.inf, np.nan, 0)
    for name, content in (('picture', picture(rgb)), ('array', npy(vectors))):
        path = write(tmp_path / name, 'normals', content)
        prepared = read_by_prepare(tmp_path / name, 'normals')
        pair = read_by_the_command(path, 'normals')
        for read in (prepared, pair.truth, pair.prediction):
            known = read.any(axis=-1)
            assert not known[0, :4].any() and known[0, 4:].all() and known[1:].all()


def test_predictions_keep_more_precision_than_labels(tmp_path):
    strengths = (np.arange(24).reshape(4, 6) / 23).astype(np.float32)
    for task in ('saliency', 'boundaries'):
        path = tmp_path / task / 'a.npy'
        path.parent.mkdir()
        np.save(path, strengths)
        reader = map_reader(task, ())
        np.testing.assert_array_equal(reader.prediction(path), strengths)
        assert reader.prediction(path).dtype == np.float32
    path, samples = tmp_path / 'a.png', np.arange(24).reshape(4, 6) * 2849
    path.write_bytes(png(samples, 16))
    np.testing.assert_array_equal(reader.prediction(path), samples / 65535)
