"""The evaluators stand alone: usable by people who train other networks with other tools."""

import pathlib
import subprocess
import sys

import ubernet_jax.metrics

FOLDER = pathlib.Path(ubernet_jax.metrics.__file__).parent
# The command is no evaluator; plots need matplotlib, and are imported lazily.
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


def import_all(*modules: str) -> tuple[str, str]:
    """The modules of the package beside `metrics`, and the large packages, that come with them."""
    run = subprocess.run([sys.executable, '-c', PROGRAM, *modules], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    ours, large = run.stdout.splitlines()
    return ours, large


def test_importing_every_evaluator_needs_neither_jax_nor_the_rest_of_the_package():
    assert import_all(*MODULES) == ('', '')
    assert len(MODULES) > 3


def test_the_command_reads_labels_without_jax():
    ours, large = import_all('ubernet_jax.metrics.__main__')
    assert {'ubernet_jax.scoring.command', 'ubernet_jax.labels'} <= set(ours.split())
    assert large == ''
