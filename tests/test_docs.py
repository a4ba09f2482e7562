"""The guides in docs/ and the README do what they say."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from ubernet_jax.config import Balancing
from ubernet_jax.config.serialization import check_field

ROOT = pathlib.Path(__file__).parents[1]


def code_blocks(path: str, language: str) -> list[str]:
    text = (ROOT / path).read_text()
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.DOTALL | re.MULTILINE)


def run_script(script: str, folder: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, '-c', script], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_the_guide_to_adding_a_task(tmp_path):
    row, field, script = code_blocks('docs/adding_a_task.md', 'python')
    shutil.copytree(ROOT / 'ubernet_jax', tmp_path / 'ubernet_jax')
    for name, mark in (('tasks.py', '\n)\n\nTASKS'), ('structs.py', '\n\n    def arrays')):
        file = tmp_path / 'ubernet_jax' / name
        before, after = file.read_text().split(mark)
        file.write_text(f'{before}\n{(row if name == "tasks.py" else field).rstrip()}{mark}{after}')
    run_script(script, tmp_path)


@pytest.mark.parametrize('path', ['docs/adding_a_dataset.md', 'docs/detection.md'])
def test_a_page_with_one_script(path, tmp_path):
    (script,) = code_blocks(path, 'python')
    run_script(script, tmp_path)


def test_the_page_on_python(exported, tmp_path):
    shutil.copy(exported, tmp_path / 'network.safetensors')
    Image.new('RGB', (40, 30), 'red').save(tmp_path / 'photo.jpg')
    run_script('\n'.join(code_blocks('docs/python.md', 'python')), tmp_path)
    assert (tmp_path / 'results' / 'sheet.png').is_file()


@pytest.mark.parametrize(
    'path',
    [
        'README.md',
        'data/README.md',
        'docs/adding_a_dataset.md',
        'docs/weights.md',
        'docs/python.md',
        'docs/scaling.md',
    ],
)
def test_commands_name_modules_configs_and_options_that_exist(path):
    text = (ROOT / path).read_text().replace('\\\n', ' ')
    commands = re.findall(r'python -m ubernet_jax\.(\w+)([^`\n]*)', text)
    assert commands
    for module, arguments in commands:
        source = ROOT / 'ubernet_jax' / module
        file = source.with_suffix('.py') if not source.is_dir() else source / '__main__.py'
        assert file.is_file(), module
        for option in re.findall(r'--(\w[\w-]*)', arguments):
            assert option in file.read_text(), f'{module} --{option}'
        for config in re.findall(r'configs/\w+\.py', arguments):
            assert (ROOT / config).is_file(), config


def test_make_targets_of_the_readme_exist():
    targets = re.findall(r'^make (\w+)', (ROOT / 'README.md').read_text(), re.MULTILINE)
    makefile = (ROOT / 'Makefile').read_text()
    assert targets and all(f'\n{target}:' in makefile for target in targets)


def test_settings_of_the_page_on_interference_exist():
    text = (ROOT / 'docs/interference.md').read_text()
    settings = re.findall(r'--config\.([\w.]+)=(\w+)', text)
    for field, _ in settings:
        check_field(field)
    methods = {value for field, value in settings if field == 'optim.balancing.method'}
    assert methods == {method.value for method in Balancing} - {Balancing.NONE.value}
