"""The README and the pages in docs/: their code runs, their commands and links exist."""

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


@pytest.mark.slow
def test_the_guide_to_adding_a_task_works(tmp_path):
    """Defines a kind of label and of task outside the package, and runs all commands on them."""
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
    outputs = {}
    for command in commands:
        run = start_demo if 'ubernet_jax.demo' in command else run_command
        outputs[command] = run(command, tmp_path)
    (comparison,) = [text for command, text in outputs.items() if 'compare' in command]
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
    """Writes scenes with classes, and with their colours in place of the albedo."""
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
    """Runs `python -m COMMAND` in a folder; returns its output."""
    words = [sys.executable, '-m', *command.split()]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def start_demo(command: str, folder: pathlib.Path) -> str:
    """Runs the demo until it prints its address, or without Gradio until it asks for it."""
    if importlib.util.find_spec('gradio') is None:
        output = run_command(command, folder, code=2)
        assert 'Gradio' in output
        return output
    words = [sys.executable, '-m', *command.split(), '--port', str(free_port())]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        output = next(line for line in server.stdout if 'http' in line)
        server.terminate()
    return output


@pytest.mark.slow
@pytest.mark.parametrize('path', ['docs/adding_a_dataset.md', 'docs/detection.md'])
def test_the_script_of_a_page_runs(path, tmp_path):
    (script,) = code_blocks(path, 'python')
    run_script(script, tmp_path)


def test_the_code_of_the_page_on_python_runs(exported, tmp_path):
    shutil.copy(exported, tmp_path / 'network.safetensors')
    Image.new('RGB', (40, 30), 'red').save(tmp_path / 'photo.jpg')
    run_script('\n'.join(code_blocks('docs/python.md', 'python')), tmp_path)
    assert (tmp_path / 'results' / 'sheet.png').is_file()


@pytest.mark.parametrize(
    'path',
    [
        'README.md',
        'data/README.md',
        'docs/results/detection.md',
        'docs/results/mini.md',
        'docs/adding_a_dataset.md',
        'docs/weights.md',
        'docs/paper.md',
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
        files = list(source.glob('*.py')) if source.is_dir() else [source.with_suffix('.py')]
        assert (source / '__main__.py' if source.is_dir() else files[0]).is_file(), module
        code = ''.join(file.read_text() for file in files)
        for option in re.findall(r'--(\w[\w-]*)', arguments):
            assert option in code, f'{module} --{option}'
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


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')),
        *(ROOT / name for name in ('benchmarks/README.md', 'data/README.md')),
        *(ROOT / 'docs').rglob('*.md'),
    )
)
FOLDERS = ('ubernet_jax', 'tests', 'docs', 'configs', 'benchmarks', 'data')
GENERATED = ('data/prepared',)  # folders of the repository whose content is not part of it


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_to_files_and_headings(page):
    text = without_code_blocks((ROOT / page).read_text())
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        if re.match(r'\w+:', target):  # https: and others
            continue
        file, _, heading = target.partition('#')
        linked = (ROOT / page).parent / file if file else ROOT / page
        assert linked.exists(), f'{page}: the link {target} leads to no file'
        if heading:
            assert heading in headings(linked.read_text()), f'{page}: {target} is not a heading'


@pytest.mark.parametrize('page', PAGES)
def test_links_as_paths_in_backticks_exist(page):
    for path in re.findall(r'`([\w./-]+)`', without_code_blocks((ROOT / page).read_text())):
        folder, _, rest = path.partition('/')
        if rest and folder in FOLDERS and not path.startswith(GENERATED) and 'NAME' not in path:
            assert (ROOT / path).exists(), f'{page} names {path}, which does not exist'


@pytest.mark.parametrize('page', ['docs/architecture.md'])
def test_links_of_the_architecture_as_modules_exist(page):
    """Paths without the package's name: `training/step`, `ops/conv_as_matmuls.py`."""
    package = ROOT / 'ubernet_jax'
    modules = {path.relative_to(package).with_suffix('').as_posix() for path in package.rglob('*')}
    for path in re.findall(r'`([\w./]+)`', without_code_blocks((ROOT / page).read_text())):
        folder, _, rest = path.partition('/')
        if rest and folder in modules:
            module = path.rstrip('/').split('.')[0]
            assert module in modules, f'{page} names {path}, which does not exist'


@pytest.mark.parametrize('page', PAGES)
def test_links_and_paths_belong_to_no_single_machine(page):
    text = (ROOT / page).read_text()
    assert not re.search(r'(?<![\w.])/(home|root|tmp|work|Users|mnt)/', text)
    assert not re.search(r'localhost|\b(?:\d{1,3}\.){3}\d{1,3}\b|pypi\.', text)


def without_code_blocks(text: str) -> str:
    return re.sub(r'^```.*?^```', '', text, flags=re.DOTALL | re.MULTILINE)


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    lines = re.findall(r'^#+ (.*)$', without_code_blocks(text), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', line.lower()).replace(' ', '-') for line in lines}
