"""Packs what a GPU machine without a network connection lacks: wheels, datasets, first weights.

    python -m benchmarks.bundle --config mini_gpu --source DOWNLOADS --out bundle

The machine must have Python 3.12 and jax with its GPU plugin, flax, optax, orbax-checkpoint, scipy,
scikit-image, matplotlib, h5py and safetensors. DIR gets the wheels of the other requirements, the
training images of the configuration (scaled down, as JPEG, with their labels), a configuration that
uses them, and a README with three commands; with `--weights` also the weights that training starts
from, in float16, and with `--tests` the test images.
"""

import argparse
import contextlib
import importlib.metadata
import pathlib
import subprocess
import sys
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ubernet_jax import cli, prepare
from ubernet_jax.config import Config, Initialisation
from ubernet_jax.config.flags import load_config
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.errors import UserError
from ubernet_jax.weights import __main__ as weights

# What a machine for deep learning has, with what these packages require.
PRESENT = (
    'jax jaxlib flax optax orbax-checkpoint scipy scikit-image matplotlib h5py safetensors'
).split()
UNUSED = {'pyarrow'}  # tensorflow-datasets needs it for formats that are not used here
SOURCE_ONLY = ('promise',)
PLATFORMS = ('manylinux_2_28_x86_64', 'manylinux_2_24_x86_64', 'manylinux2014_x86_64')
WEIGHTS = 'start.safetensors'
CONFIG = """{doc}The configuration `{name}` on the datasets of this folder.{doc}

import pathlib

from ubernet_jax import config as c
from ubernet_jax.config.flags import load_config

HERE = pathlib.Path(__file__).parent


def get_config() -> c.Config:
    config = load_config({name!r})
    config.data.directory = str(HERE / 'prepared')
"""
README = """# A GPU benchmark and a training without a network connection

In the folder of the project, with this folder as `bundle`:

```
python3 -m pip install --no-index --no-deps --target bundle/site bundle/wheels/*.whl
PYTHONPATH=bundle/site:. python3 -m benchmarks.gpu --out OUT --minutes 7
PYTHONPATH=bundle/site:. python3 -m benchmarks.timed_training --config bundle/config.py \\
    --out OUT --minutes 6
```
"""


def list_missing() -> list[str]:
    """Returns the packages that this one requires and a machine with PRESENT lacks."""
    return sorted(_required_by(['ubernet_jax']) - _required_by(PRESENT) - UNUSED - {'ubernet-jax'})


def _required_by(names: Iterable[str]) -> set[str]:
    """Returns these packages and all that they require without extras."""
    found, waiting = set(), [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            requirements = map(Requirement, importlib.metadata.requires(name) or [])
            waiting += [
                canonicalize_name(requirement.name)
                for requirement in requirements
                if requirement.marker is None or requirement.marker.evaluate({'extra': ''})
            ]
    return found


def download_wheels(folder: pathlib.Path, python: str = '3.12') -> None:
    """Downloads a wheel of each missing package, in the version of this environment.

    Raises:
      UserError: pip found no such wheel.
    """
    pip = [sys.executable, '-m', 'pip']
    options = ['--quiet', '--no-deps', '--dest', str(folder)]
    target = ['--only-binary=:all:', '--python-version', python]
    target += [word for platform in PLATFORMS for word in ('--platform', platform)]
    for name in list_missing():
        version = f'{name}=={importlib.metadata.version(name)}'
        download = [*pip, 'download', *options, *target, version]
        # A package that is published as source only, and has no compiled parts.
        build = [*pip, 'wheel', '--quiet', '--no-deps', '--wheel-dir', str(folder), version]
        if subprocess.run(build if name in SOURCE_ONLY else download).returncode:
            raise UserError(f'pip has no wheel of {version} for Python {python} on x86-64 Linux')


def prepare_datasets(
    config: Config, folder: pathlib.Path, options: list[str], with_tests: bool
) -> None:
    """Prepares the datasets, and removes the records of splits that are not used."""
    datasets = [*config.data.train, *(config.evaluation.benchmarks if with_tests else ())]
    names = list(dict.fromkeys(dataset.name for dataset in datasets))
    prepare.main([*names, '--directory', str(folder), *options])
    for name in names:
        used = {dataset.split for dataset in datasets if dataset.name == name}
        prepared = pathlib.Path(make_builder(name, folder).data_path)
        (prepared / 'contact_sheet.png').unlink(missing_ok=True)
        for path in prepared.glob('*.array_record*'):
            if path.name.split('.')[0].rpartition('-')[2] not in used:
                path.unlink()


def write_first_weights(config: Config, path: pathlib.Path) -> bool:
    """Writes the weights that training starts from, if it does not start from random ones."""
    imagenet = config.model.initialisation is Initialisation.IMAGENET
    source = config.model.weights or ('imagenet' if imagenet else '')
    if source:
        with contextlib.redirect_stdout(sys.stderr):
            weights.import_files([source], [], path, 'float16')
    return bool(source)


def main() -> None:
    parser = argparse.ArgumentParser(description='Packs a bundle for a GPU machine.')
    parser.add_argument('--config', default='mini_gpu', help='a configuration, or its file')
    parser.add_argument('--source', type=pathlib.Path, help='folder of the downloaded datasets')
    parser.add_argument(
        '--out', type=pathlib.Path, required=True, help='folder of the bundle, which must be new'
    )
    parser.add_argument('--max-side', type=int, default=300, help='of the images, in pixels')
    parser.add_argument('--jpeg-quality', type=int, default=80)
    parser.add_argument('--tests', action='store_true', help='pack the test images, too')
    parser.add_argument('--weights', action='store_true', help='pack the first weights, too')
    parser.add_argument('--megabytes', type=float, default=60, help='largest size of the bundle')
    arguments = parser.parse_args()
    out, config = arguments.out, load_config(arguments.config)
    if out.exists() and any(out.iterdir()):
        raise UserError(f'--out {out} is not empty: delete it, or give another folder')

    download_wheels(out / 'wheels')
    options = ['--max-side', str(arguments.max_side)]
    options += ['--jpeg-quality', str(arguments.jpeg_quality)]
    if arguments.source:
        options += ['--source', str(arguments.source)]
    prepare_datasets(config, out / 'prepared', options, arguments.tests)
    text = CONFIG.format(doc='"""', name=arguments.config)
    if not arguments.tests:
        text += '    config.evaluation.benchmarks = []\n'
    if arguments.weights and write_first_weights(config, out / WEIGHTS):
        text += f"    config.model.weights = str(HERE / '{WEIGHTS}')\n"
        text += '    config.model.initialisation = c.Initialisation.RANDOM\n'
    (out / 'config.py').write_text(text + '    return config\n')
    (out / 'README.md').write_text(README)

    sizes = {
        part.name: sum(file.stat().st_size for file in [part, *part.rglob('*')] if file.is_file())
        for part in sorted(out.iterdir())
    }
    for name, size in sizes.items():
        print(f'{size / 1e6:6.1f} MB  {name}')
    if sum(sizes.values()) > 1e6 * arguments.megabytes:
        raise UserError(
            f'{out} has {sum(sizes.values()) / 1e6:.0f} MB, more than --megabytes '
            f'{arguments.megabytes:g}: lower --max-side or --jpeg-quality'
        )


if __name__ == '__main__':
    cli.run(main)
