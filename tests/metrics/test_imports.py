"""The evaluators have no dependency on the rest of the package, so that others can use them."""

import ast
import pathlib
import subprocess
import sys

import ubernet_jax.metrics

FOLDER = pathlib.Path(ubernet_jax.metrics.__file__).parent
# The command is not an evaluator; plots need matplotlib and are imported only when needed.
MODULES = sorted(
    f'ubernet_jax.metrics.{path.stem}'
    for path in FOLDER.glob('*.py')
    if path.stem not in ('__init__', '__main__', 'plots')
)

PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
ours = [name for name in sys.modules if name.startswith('ubernet_jax.')]
print(*(name for name in ours if not name.startswith('ubernet_jax.metrics')))
print(*({'jax', 'flax', 'tensorflow_datasets', 'skimage', 'matplotlib'} & set(sys.modules)))
"""


LIBRARIES = {'plots': {'matplotlib'}}  # besides numpy and scipy


def test_libraries_that_the_evaluators_import_anywhere():
    """In functions too; the docstring of the package names these libraries."""
    for path in FOLDER.glob('*.py'):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [node.module or '' for node in nodes if isinstance(node, ast.ImportFrom)]
        names += [
            alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
        ]
        others = {name.split('.')[0] for name in names} - sys.stdlib_module_names
        allowed = {'numpy', 'scipy', 'ubernet_jax'} | LIBRARIES.get(path.stem, set())
        assert others <= allowed, path
    assert 'matplotlib' in str(ubernet_jax.metrics.__doc__)


def import_all(*modules: str) -> tuple[str, str]:
    """Imports modules; returns which other modules of the package and large packages follow."""
    run = subprocess.run([sys.executable, '-c', PROGRAM, *modules], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    package_modules, large_packages = run.stdout.splitlines()
    return package_modules, large_packages


def test_evaluators_import_neither_jax_nor_the_rest_of_the_package():
    assert import_all(*MODULES) == ('', '')
    assert len(MODULES) > 3


def test_the_command_does_not_import_jax():
    package_modules, large_packages = import_all('ubernet_jax.metrics.__main__')
    assert {'ubernet_jax.scoring.command', 'ubernet_jax.labels'} <= set(package_modules.split())
    assert large_packages == ''
