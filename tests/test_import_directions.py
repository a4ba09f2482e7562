"""Imports run downwards only: entry points, then the step and the data, then the network, then ops.

That `metrics` imports nothing of the package is tested with the metrics.
"""

import ast
import pathlib

import pytest

import ubernet_jax

ROOT = pathlib.Path(ubernet_jax.__file__).parent
ENTRY_POINTS = ('train', 'predict', 'prepare', 'weights.__main__')


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob('*.py'))}


def imported_names(path: pathlib.Path) -> set[str]:
    """Every module that a file may import, anywhere in it: `import a.b`, `from a.b import c`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} has a relative import'
            names |= {node.module} | {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def own_imports(module: str) -> set[str]:
    """The modules of the package that a module imports."""
    names = {name.removeprefix('ubernet_jax.') for name in imported_names(FILES[module])}
    return names & set(FILES)


IMPORTS = {module: own_imports(module) for module in FILES}


def reach(module: str) -> set[str]:
    """Everything of the package that comes with importing a module."""
    found, waiting = set(), [module]
    while waiting:
        new = IMPORTS[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def package(module: str) -> str:
    return module.split('.')[0]


def test_the_graph_is_read():
    assert {'models.vgg', 'losses', 'optim', 'batching', 'cli'} <= IMPORTS['train'] | reach('train')
    assert 'config' in IMPORTS['models.vgg']
    assert len(FILES) > 30


@pytest.mark.parametrize('module', FILES)
def test_no_module_imports_itself_in_a_circle(module):
    assert module not in reach(module)


@pytest.mark.parametrize('module', ENTRY_POINTS)
def test_nothing_imports_an_entry_point(module):
    assert module in FILES
    assert [other for other in FILES if module in IMPORTS[other]] == []


@pytest.mark.parametrize(
    ('above', 'below'),
    [
        ('models', {'models', 'ops', 'config', 'tasks', 'errors'}),
        ('ops', {'ops'}),
        ('losses', {'ops', 'config', 'tasks', 'errors'}),
        ('transforms', {'structs', 'tasks'}),
        ('config', {'tasks', 'errors'}),
        ('tasks', set()),
        ('structs', set()),
        ('errors', set()),
        ('metrics', {'metrics'}),
    ],
)
def test_a_layer_reaches_only_what_lies_below(above, below):
    modules = [module for module in FILES if package(module) == above]
    assert modules
    for module in modules:
        assert {package(name) for name in reach(module)} <= below


@pytest.mark.parametrize('module', ['config', 'config_file', 'tasks', 'errors', 'transforms'])
def test_settings_and_transforms_need_no_jax(module):
    if module == 'transforms':
        modules = [module]
    else:
        modules = [module, *reach(module)]
    for name in modules:
        assert not {'jax', 'flax', 'optax'} & {package(n) for n in imported_names(FILES[name])}
