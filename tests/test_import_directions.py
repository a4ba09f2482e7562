"""Every module imports only modules of the same layer or of lower layers."""

import ast
import pathlib

import pytest

import ubernet_jax

ROOT = pathlib.Path(ubernet_jax.__file__).parent
PREFIX = 'ubernet_jax.'

# From the bottom to the top: each layer imports only itself and the layers before it.
LAYERS = (
    'metrics', 'errors', 'bounded_process', 'hdf5_arrays', 'file_names', 'writing', 'locks',
    'process_limits', 'worker_pool', 'json_file', 'picture_limits', 'picture_arrays',
    'photographs', 'plugins', 'commands', 'cli', 'compilation', 'progress', 'compilation_notice',
    'visualize', 'labels', 'scoring', 'example', 'batch',
    'ops', 'ops.custom_vjp', 'models', 'losses', 'tasks', 'config', 'network', 'transforms',
    'datasets.storage', 'datasets.builders.scenes', 'datasets.builders', 'datasets',
    'datasets.checks', 'weights', 'inference', 'inference.page', 'evaluation', 'training',
    'monitoring', 'comparison', 'doctor', 'configure',
)  # fmt: skip
ENTRY_POINTS = (
    'train', 'teach', 'evaluate', 'predict', 'prepare', 'compare', 'demo', 'export', 'voc_server',
    'settings', 'weights.__main__', 'metrics.__main__', 'doctor.__main__',
    'configure.__main__', '__main__',
)  # fmt: skip


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob('*.py'))}


def imported_modules(path: pathlib.Path) -> set[str]:
    """All imports of a file; modules of the package are named without `ubernet_jax.`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} has a relative import'
            for alias in node.names:
                submodule = f'{node.module}.{alias.name}'.removeprefix(PREFIX)
                names.add(submodule if submodule in FILES else node.module)
    return {name.removeprefix(PREFIX) for name in names}


IMPORTS = {module: imported_modules(path) for module, path in FILES.items()}


def reach(module: str) -> set[str]:
    """All modules of the package that importing a module imports."""
    reached, waiting = set(), [module]
    while waiting:
        new = (IMPORTS[waiting.pop()] & set(FILES)) - reached
        reached |= new
        waiting += new
    return reached


def package(module: str) -> str:
    return module.split('.')[0]


def folders() -> set[str]:
    """Every folder with modules, as a dotted name without `ubernet_jax.`."""
    return {module_name(path.parent / '__init__.py') for path in FILES.values()} - {''}


def test_imports_are_found():
    assert {'cli', 'training.micro_batches', 'training.step', 'jax', 'absl'} <= IMPORTS['train']
    assert {'models.vgg', 'losses.dense', 'datasets.storage.records'} <= reach('train')


def test_there_is_no_import_cycle():
    assert [module for module in FILES if module in reach(module)] == []


@pytest.mark.parametrize('module', ENTRY_POINTS)
def test_nothing_imports_an_entry_point(module):
    assert module in FILES
    assert [importer for importer in FILES if module in IMPORTS[importer]] == []


def layer(module: str) -> str:
    """The innermost folder of a module that is a layer, or the module itself."""
    if module in ENTRY_POINTS:
        return module
    parts = module.split('.')
    outer = ('.'.join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in outer if name in LAYERS), package(module))


def test_every_package_and_module_has_a_layer():
    assert {layer(module) for module in FILES} == {'', *LAYERS, *ENTRY_POINTS}
    assert folders() <= set(LAYERS)


@pytest.mark.parametrize('above', LAYERS)
def test_a_layer_imports_no_higher_layer(above):
    allowed = {*LAYERS[: LAYERS.index(above) + 1]}
    modules = [module for module in FILES if layer(module) == above]
    assert modules
    for module in modules:
        assert {layer(name) for name in IMPORTS[module] & set(FILES)} <= allowed, module


def test_metrics_import_nothing_else_of_the_package():
    modules = [module for module in FILES if layer(module) == 'metrics']
    assert modules
    for module in modules:
        assert {package(name) for name in reach(module)} <= {'metrics'}, module


@pytest.mark.parametrize('above', ['inference', 'evaluation', 'weights'])
def test_opening_and_using_a_network_imports_no_training(above):
    for module in FILES:
        if layer(module) == above:
            assert not [name for name in reach(module) if package(name) == 'training'], module


def test_labels_import_no_jax():
    for module in FILES:
        if layer(module) == 'labels':
            for name in {module} | reach(module):
                assert not {'jax', 'flax', 'optax'} & {
                    package(imported) for imported in IMPORTS[name]
                }
