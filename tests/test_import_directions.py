"""Imports run downwards only: entry points, inference and training, data and network, then ops.

That `metrics` imports nothing of the package is tested with the metrics.
"""

import ast
import pathlib

import pytest

import ubernet_jax

ROOT = pathlib.Path(ubernet_jax.__file__).parent
PREFIX = 'ubernet_jax.'
ENTRY_POINTS = (
    'train', 'predict', 'prepare', 'doctor', 'compare', 'demo', 'export', 'weights.__main__',
)  # fmt: skip


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob('*.py'))}


def imported_modules(path: pathlib.Path) -> set[str]:
    """What a file imports, anywhere in it; a module of ours goes without the package's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} has a relative import'
            for alias in node.names:
                submodule = f'{node.module}.{alias.name}'.removeprefix(PREFIX)
                found.add(submodule if submodule in FILES else node.module)
    return {name.removeprefix(PREFIX) for name in found}


IMPORTS = {module: imported_modules(path) for module, path in FILES.items()}


def reach(module: str) -> set[str]:
    """Everything of the package that comes with importing a module."""
    found, waiting = set(), [module]
    while waiting:
        new = (IMPORTS[waiting.pop()] & set(FILES)) - found
        found |= new
        waiting += new
    return found


def package(module: str) -> str:
    return module.split('.')[0]


def test_the_graph_is_read():
    assert {'cli', 'training.batching', 'training.step', 'jax', 'absl'} <= IMPORTS['train']
    assert {'models.vgg', 'losses', 'datasets.records'} <= reach('train')


def test_no_module_imports_itself_in_a_circle():
    assert [module for module in FILES if module in reach(module)] == []


@pytest.mark.parametrize('module', ENTRY_POINTS)
def test_nothing_imports_an_entry_point(module):
    assert module in FILES
    assert [other for other in FILES if module in IMPORTS[other]] == []


SETTINGS = {'config', 'tasks', 'errors'}
NETWORK = {'models', 'ops', 'structs'} | SETTINGS
DATA = {
    'datasets',
    'transforms',
    'photographs',
    'json_file',
    'file_names',
    'metrics',
    'structs',
} | SETTINGS
TRAINING = {'training', 'losses', 'weights'} | NETWORK | DATA


@pytest.mark.parametrize(
    ('above', 'below'),
    [
        ('tasks', set()),
        ('structs', set()),
        ('errors', set()),
        ('config', SETTINGS),
        ('ops', {'ops'}),
        ('models', NETWORK),
        ('losses', {'losses'} | NETWORK - {'models'}),
        ('transforms', {'transforms', 'structs', 'tasks'}),
        ('visualize', {'visualize', 'metrics', 'structs', 'tasks', 'errors'}),
        ('metrics', {'metrics'}),
        ('datasets', DATA | {'visualize'}),
        ('training', TRAINING),
        ('inference', TRAINING - {'datasets'} | {'inference', 'visualize'}),
        ('examination', DATA | {'examination'}),
    ],
)
def test_a_layer_reaches_only_what_lies_below(above, below):
    modules = [module for module in FILES if package(module) == above]
    assert modules
    for module in modules:
        assert {package(name) for name in reach(module)} <= below


@pytest.mark.parametrize('module', ['config.serialization', 'config.validation', 'tasks'])
def test_settings_load_without_jax(module):
    for name in {module} | reach(module):
        assert not {'jax', 'flax', 'optax'} & {package(other) for other in IMPORTS[name]}
