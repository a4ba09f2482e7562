"""Reads the constants of a network in ONNX, without the package `onnx`.

Such a file is a protobuf message of the type `ModelProto` (onnx.proto). The constants below are
field numbers of onnx.proto.
"""

import math
import pathlib

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.weights.budget import Budget, check_file
from ubernet_jax.weights.protobuf import as_message, fields, integers

_GRAPH = 7  # of ModelProto
_NODE, _INITIALIZER = 1, 5  # of GraphProto
_INPUT, _NAME, _OPERATION = 1, 3, 4  # of NodeProto
_DIMENSIONS, _TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9  # of TensorProto
_FLOAT = 1  # of TensorProto.DataType
_FIELDS = 300_000  # at most, in all messages; a ViT-S has 20,000


def read_onnx(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the float32 constants by name; views of the file's bytes.

    PyTorch's exporter gives the kernel of a dense layer a number instead of its name. Such a kernel
    gets the name of the node `/a/layer.0/dense/MatMul` that uses it: `a.layer.0.dense.weight`, with
    the axes of PyTorch.

    Raises:
      UserError: the file is truncated or not of ONNX, or exceeds the limits of `budget`.
    """
    check_file(path)
    budget = Budget(_FIELDS)
    arrays, kernels = {}, {}
    try:
        for graph in _messages(memoryview(path.read_bytes()), _GRAPH, budget):
            for number, value in fields(graph, budget):
                if number == _NODE:
                    operation, name, inputs = _node(as_message(value), budget)
                    if operation == 'MatMul' and len(inputs) == 2:
                        kernels[inputs[1]] = name
                elif number == _INITIALIZER:
                    name, array = _tensor(as_message(value), budget)
                    if array is not None:
                        arrays[name] = array
    except ValueError as error:
        raise UserError(f'{path} cannot be read as an ONNX file: {error}') from error
    for anonymous in [name for name in arrays if name in kernels]:
        layer = kernels[anonymous].strip('/').removesuffix('/MatMul').replace('/', '.')
        arrays[f'{layer}.weight'] = arrays.pop(anonymous).T
    return arrays


def _messages(message: memoryview, number: int, budget: Budget) -> list[memoryview]:
    return [as_message(value) for n, value in fields(message, budget) if n == number]


def _node(message: memoryview, budget: Budget) -> tuple[str, str, list[str]]:
    """The operation, the name and the inputs of a node."""
    texts = {_OPERATION: [''], _NAME: [''], _INPUT: []}
    for number, value in fields(message, budget):
        if number in texts:
            texts[number].append(bytes(as_message(value)).decode())
    return texts[_OPERATION][-1], texts[_NAME][-1], texts[_INPUT]


def _tensor(message: memoryview, budget: Budget) -> tuple[str, np.ndarray | None]:
    """The name of a constant and its values, None if they are not float32 in one piece."""
    shape, kind, name, raw = [], 0, '', None
    for number, value in fields(message, budget):
        if number == _DIMENSIONS:
            shape += integers(value, budget)
        elif number == _TYPE:
            kind = value
        elif number == _TENSOR_NAME:
            name = bytes(as_message(value)).decode()
        elif number == _RAW:
            raw = as_message(value)
    if kind != _FLOAT or raw is None:
        return name, None
    budget.add_array(name, shape, 4)
    if min(shape, default=0) < 0 or math.prod(shape) * 4 != len(raw):
        raise ValueError(f'{name} of shape {tuple(shape)} has {len(raw):,} bytes')
    return name, np.frombuffer(raw, '<f4').reshape(shape)
