"""The guides in docs/ and the README do what they say."""

import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers.paths import ROOT
from helpers.training import free_port
from ubernet_jax.config import Balancing
from ubernet_jax.config.flags import load_config
from ubernet_jax.config.serialization import check_field
from ubernet_jax.datasets.builders.scenes import draw_scene


def code_blocks(path: str, language: str) -> list[str]:
    text = (ROOT / path).read_text()
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.DOTALL | re.MULTILINE)


def run_script(script: str, folder: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, '-c', script], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_the_guide_to_adding_a_task(tmp_path):
    """A kind of label and a kind of task from outside the package, through all commands."""
    module, config = code_blocks('docs/adding_a_task.md', 'python')
    (description,) = code_blocks('docs/adding_a_task.md', 'json')
    assert len(module.splitlines()) <= 120
    (tmp_path / 'albedo.py').write_text(module)
    (tmp_path / 'rooms.py').write_text(config)
    write_rooms(tmp_path)
    (tmp_path / 'rooms' / 'labels.json').write_text(description)
    commands = re.findall(
        r'^python -m (ubernet_jax\..*)$', (ROOT / 'docs/adding_a_task.md').read_text(), re.MULTILINE
    )
    names = [command.split()[0].removeprefix('ubernet_jax.') for command in commands]
    assert {*names} == {
        'prepare', 'doctor', 'train', 'evaluate', 'predict', 'compare', 'export', 'demo',
    }  # fmt: skip
    said = {}
    for command in commands:
        run = start_demo if 'ubernet_jax.demo' in command else run_command
        said[command] = run(command, tmp_path)
    (comparison,) = [text for command, text in said.items() if 'compare' in command]
    assert '| paint | folder/rooms:test | 2 | mean error ↓ |' in comparison
    assert re.search(r'^\| paint \| [+-]\d', comparison, re.MULTILINE)  # its change
    results = tmp_path / 'runs/rooms/results/00000008/folder_rooms-test-paint.json'
    results = json.loads(results.read_text())
    assert 0 < results['error'] < 1
    arrays = np.load(tmp_path / 'predictions/photo/predictions.npz')
    assert arrays['paint'].shape == (40, 60, 3) and arrays['paint'].dtype == np.float32
    exported = json.loads((tmp_path / 'exported/export.json').read_text())
    assert exported['outputs']['paint']['meaning'] == 'red, green and blue, 0 to 1'
    unplugged = 'ubernet_jax.predict --checkpoint runs/rooms photo.jpg --out p'
    refused = run_command(unplugged, tmp_path, code=2)
    assert 'give --plugin albedo' in refused


def write_rooms(folder: pathlib.Path) -> None:
    """Scenes labelled with their colours, which stand in for those without light, and classes."""
    for split, seeds in {'train': range(4), 'test': range(4, 6)}.items():
        for seed in seeds:
            scene = draw_scene(seed, 33, 65)
            classes = np.minimum(scene.labels['segmentation'], 2)
            files = {'images': scene.image, 'paint': scene.image // 2 + 1, 'segmentation': classes}
            for name, array in files.items():
                path = folder / 'rooms' / split / name / f'{seed}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
    Image.fromarray(draw_scene(9, 40, 60).image).save(folder / 'photo.jpg')


def run_command(command: str, folder: pathlib.Path, code: int = 0) -> str:
    """Runs `python -m COMMAND` in a folder; returns what it printed."""
    words = [sys.executable, '-m', *command.split()]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def start_demo(command: str, folder: pathlib.Path) -> str:
    """The page's command: where Gradio is not installed, it gets as far as saying so."""
    if importlib.util.find_spec('gradio') is None:
        said = run_command(command, folder, code=2)
        assert 'the page needs Gradio' in said
        return said
    words = [sys.executable, '-m', *command.split(), '--port', str(free_port())]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        said = next(line for line in server.stdout if 'http' in line)
        server.terminate()
    return said


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
    config = load_config(str(ROOT / 'configs/mini.py'))
    for field, _ in settings:
        check_field(field, config)
    methods = {value for field, value in settings if field == 'optim.balancing.method'}
    assert methods == {method.value for method in Balancing} - {Balancing.NONE.value}
