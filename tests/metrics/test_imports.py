"""The evaluators stand alone: usable by people who train other networks with other tools."""

import pathlib
import subprocess
import sys

import ubernet_jax.metrics

FOLDER = pathlib.Path(ubernet_jax.metrics.__file__).parent
MODULES = sorted(
    f'ubernet_jax.metrics.{path.stem}'
    for path in FOLDER.glob('*.py')
    if path.stem not in ('__init__', 'plots')  # plots need matplotlib, and are imported lazily
)

PROGRAM = f"""
import importlib, sys
for name in {MODULES}:
    importlib.import_module(name)
ours = [name for name in sys.modules if name.startswith('ubernet_jax.')]
print(*(name for name in ours if not name.startswith('ubernet_jax.metrics')))
print(*({{'jax', 'flax', 'tensorflow_datasets', 'skimage', 'matplotlib'}} & set(sys.modules)))
"""


def test_importing_every_evaluator_needs_neither_jax_nor_the_rest_of_the_package():
    run = subprocess.run([sys.executable, '-c', PROGRAM], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == '\n\n'
    assert len(MODULES) > 3
