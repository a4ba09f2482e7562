"""Opens `.safetensors` files whose declared arrays NumPy can hold."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import safetensors

from ubernet_jax.errors import UserError
from ubernet_jax.weights.budget import Budget, check_file

_MAX_HEADER = 2**22  # bytes; 10,000 arrays take 1 MB, the configuration and scores less
_ITEMSIZES = {
    'BOOL': 1, 'U8': 1, 'I8': 1, 'U16': 2, 'I16': 2, 'U32': 4, 'I32': 4, 'U64': 8, 'I64': 8,
    'F16': 2, 'F32': 4, 'F64': 8,
}  # fmt: skip


@contextlib.contextmanager
def open_safetensors(path: pathlib.Path) -> Iterator[Any]:
    """Opens a file as `safetensors.safe_open` does, for `keys`, `get_tensor` and `metadata`.

    Raises:
      UserError: the file is damaged, exceeds the limits of `budget`, or has numbers of a type that
        NumPy does not have.
      FileNotFoundError: there is no such file.
    """
    check_file(path)
    try:
        _check_header(path)
        with safetensors.safe_open(path, framework='numpy') as file:
            budget = Budget()
            for name in file.keys():
                array = file.get_slice(name)
                dtype = array.get_dtype()
                if dtype not in _ITEMSIZES:
                    raise ValueError(
                        f'{name} has numbers of type {dtype}; allowed are {", ".join(_ITEMSIZES)}'
                    )
                budget.add_array(name, array.get_shape(), _ITEMSIZES[dtype])
            yield file
    except FileNotFoundError:
        raise
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise UserError(f'{path} cannot be read as a .safetensors file: {error}') from error


def _check_header(path: pathlib.Path) -> None:
    """Raises a ValueError for a header that is too long to be decoded quickly."""
    with path.open('rb') as file:
        length = int.from_bytes(file.read(8), 'little')
    if length > _MAX_HEADER:
        raise ValueError(f'its header claims {length:,} bytes, but may have {_MAX_HEADER:,}')
