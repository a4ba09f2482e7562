"""Arrays that are larger than the limit when they are read are refused by what they declare."""

import zipfile

import numpy as np
import pytest

from helpers.hostile_files import npy, npz
from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import read_array

LARGE = npy('<f8', f'({2**26 + 1},)')


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.npy', LARGE, '67,108,864 values'),
        ('a.npy', npy('<f8', f'({2**63 - 1}, {2**63 - 1})'), '67,108,864 values'),
        ('a.npy', npy('|u1', '()')[:6] + b'\3\0' + npy('|u1', '()')[8:], 'version'),
        ('a.npy', npy('<U1', '()', bytes(4)), 'numbers'),
        ('a.npz', npz(LARGE), '67,108,864 values'),
        ('a.npz', npz(npy('|u1', '(1,)', b'\1'), compression=zipfile.ZIP_LZMA), 'compressed'),
        ('a.npz', npz(*[b''] * 30), 'a19 and 10 more'),
    ],
)
def test_a_hostile_array_is_refused(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf'{name}.*{message}'):
        read_array(path)


def test_a_member_of_an_archive_is_read(tmp_path):
    (tmp_path / 'a.npz').write_bytes(npz(npy('|u1', '(2,)', b'\1\2')))
    np.testing.assert_array_equal(read_array(tmp_path / 'a.npz'), [1, 2])
