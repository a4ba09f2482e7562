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

from helpers.commands import call_ubernet
from helpers.pages import PAGES, code_blocks
from helpers.paths import ROOT
from helpers.training import free_port
from ubernet_jax.commands import COMMANDS
from ubernet_jax.config import Balancing
from ubernet_jax.config.field_paths import check_field
from ubernet_jax.config.flags import load_config
from ubernet_jax.datasets.builders.scenes import draw_scene


def run_script(script: str, folder: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, '-c', script], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.soak
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
        r'^ubernet (.*)$', (ROOT / 'docs/adding_a_task.md').read_text(), re.MULTILINE
    )
    assert {command.split()[0] for command in commands} == {
        'prepare', 'doctor', 'train', 'evaluate', 'predict', 'compare', 'export', 'demo',
    }  # fmt: skip
    outputs = {}
    for command in commands:
        run = start_demo if command.startswith('demo') else run_command
        outputs[command] = run(command, tmp_path)
    (comparison,) = [text for command, text in outputs.items() if command.startswith('compare')]
    assert '| paint | folder/rooms:test | 2 | mean error ↓ |' in comparison
    assert re.search(r'^\| paint \| [+-]\d', comparison, re.MULTILINE)  # its change
    results = tmp_path / 'runs/rooms/results/00000008/folder_rooms-test-paint.json'
    results = json.loads(results.read_text())
    assert 0 < results['error'] < 1
    arrays = np.load(tmp_path / 'predictions/photo/predictions.npz')
    assert arrays['paint'].shape == (40, 60, 3) and arrays['paint'].dtype == np.float32
    exported = json.loads((tmp_path / 'exported/export.json').read_text())
    assert exported['outputs']['paint']['meaning'] == 'red, green and blue, 0 to 1'
    unplugged = 'predict --checkpoint runs/rooms photo.jpg --out p'
    refused = run_command(unplugged, tmp_path, code=2)
    assert 'give --plugin albedo' in refused


@pytest.mark.soak
def test_the_guide_to_teaching_works(tmp_path, monkeypatch, capsys):
    """Three folders with a label each, three teachers, and a student."""
    monkeypatch.chdir(tmp_path)
    page = (ROOT / 'docs/teaching.md').read_text()
    (config,) = code_blocks('docs/teaching.md', 'python')
    (description,) = code_blocks('docs/teaching.md', 'json')
    (tmp_path / 'home.py').write_text(config)
    write_home(tmp_path)
    (tmp_path / 'garden' / 'labels.json').write_text(description)
    commands = re.findall(r'^ubernet (.*)$', page, re.MULTILINE)
    outputs = {}
    for command in commands:
        call_ubernet(command)
        outputs[command] = capsys.readouterr().out
    assert [command.split()[0] for command in commands].count('teach') == 3
    plan = outputs['doctor --config home.py:student']
    assert 'labelled: weeds 2, saliency (taught) 2, normals (taught) 2' in plan
    assert 'saliency' in outputs['compare runs/student --baseline runs/plain']
    assert '"loss/weeds (distilled)"' in (tmp_path / 'runs/distilled/log.jsonl').read_text()


def write_home(folder: pathlib.Path) -> None:
    """Writes scenes with one label in each of three folders."""
    kinds = {'garden': 'segmentation', 'street': 'saliency', 'room': 'normals'}
    for number, (home, kind) in enumerate(kinds.items()):
        for split, seeds in {'train': (0, 1), 'test': (2,)}.items():
            for seed in seeds:
                scene = draw_scene(10 * number + seed, 33, 65)
                label = scene.labels[kind]
                target = folder / home / split
                for name in ('images', 'weeds' if kind == 'segmentation' else kind):
                    (target / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(scene.image).save(target / f'images/{seed}.png')
                if kind == 'normals':
                    np.save(target / f'normals/{seed}.npy', label)
                elif kind == 'saliency':
                    Image.fromarray(label).save(target / f'saliency/{seed}.png')
                else:
                    Image.fromarray(np.minimum(label, 2)).save(target / f'weeds/{seed}.png')


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
    """Runs `ubernet COMMAND` in a folder; returns its output."""
    words = [sys.executable, '-m', 'ubernet_jax', *command.split()]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def start_demo(command: str, folder: pathlib.Path) -> str:
    """Runs the demo until it prints its address, or without Gradio until it asks for it."""
    if importlib.util.find_spec('gradio') is None:
        output = run_command(command, folder, code=2)
        assert 'Gradio' in output
        return output
    words = [sys.executable, '-m', 'ubernet_jax', *command.split(), '--port', str(free_port())]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        output = next(line for line in server.stdout if 'http' in line)
        server.terminate()
    return output


@pytest.mark.slow
@pytest.mark.parametrize('path', ['docs/adding_a_dataset.md', 'docs/detection.md'])
def test_the_script_of_a_page_runs(path, tmp_path):
    (script,) = code_blocks(path, 'python')
    run_script(script, tmp_path)


@pytest.mark.slow
def test_the_code_of_the_readme_runs(exported, tmp_path):
    """With an exported file in place of the run, and its description of a folder dataset."""
    (script,) = code_blocks('README.md', 'python')
    shutil.copy(exported, tmp_path / 'network.safetensors')
    Image.new('RGB', (40, 30), 'red').save(tmp_path / 'PHOTO.jpg')
    assert "'reference'" in script
    run_script(script.replace('reference', 'network.safetensors'), tmp_path)


@pytest.mark.slow
def test_the_folder_of_the_readme_is_prepared_and_configured(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / 'README.md').read_text()
    files = re.findall(r'^(garden/\S+)(?: +(\{.*\}))?$', text, re.MULTILINE)
    for name, content in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content:
            path.write_text(content)
        else:
            Image.new('RGB' if path.suffix == '.jpg' else 'L', (40, 30)).save(path)
    prepare, configure = re.findall(r'^ubernet ((?:prepare|configure) folder/.*)$', text, re.M)
    call_ubernet(prepare)
    assert 'train 1 images (weeds 1)' in capsys.readouterr().out
    call_ubernet(configure)
    assert 'weeds' in capsys.readouterr().out
    config = load_config(str(tmp_path / 'my.py'))
    assert config.tasks['weeds'].classes == ('soil', 'weed')


def test_the_code_of_the_page_on_python_runs(exported, tmp_path):
    shutil.copy(exported, tmp_path / 'network.safetensors')
    Image.new('RGB', (40, 30), 'red').save(tmp_path / 'photo.jpg')
    run_script('\n'.join(code_blocks('docs/python.md', 'python')), tmp_path)
    assert (tmp_path / 'results' / 'sheet.png').is_file()


def test_commands_name_modules_configs_and_options_that_exist():
    found = set()
    for page in PAGES:
        text = (ROOT / page).read_text().replace('\\\n', ' ')
        for name, arguments in re.findall(r'(?:^|`)ubernet (\w+)([^`|\n]*)', text, re.MULTILINE):
            assert name in COMMANDS, f'{page}: ubernet {name}'
            check_command(page, 'ubernet_jax', COMMANDS[name].module, arguments)
            found.add(name)
        for module, arguments in re.findall(r'python -m benchmarks\.(\w+)([^`|\n]*)', text):
            check_command(page, 'benchmarks', module, arguments)
            found.add(f'benchmarks.{module}')
    assert {'train', 'evaluate', 'weights', 'score', 'benchmarks.memory'} <= found


def check_command(page: str, package: str, module: str, arguments: str) -> None:
    """Checks the module, the options, the config files and the settings of a command of a page."""
    source = ROOT / package / module
    files = list(source.glob('*.py')) if source.is_dir() else [source.with_suffix('.py')]
    assert (source / '__main__.py' if source.is_dir() else files[0]).is_file(), f'{page}: {module}'
    files.append(ROOT / 'ubernet_jax/cli.py')  # has --plugin
    if module == 'metrics':
        files += (ROOT / 'ubernet_jax/scoring').glob('*.py')
    code = ''.join(file.read_text() for file in files)
    for option in re.findall(r'(?<!\S)--(\w[\w-]*)', arguments):
        assert option in code, f'{page}: {module} --{option}'
    for config in re.findall(r'--config (?:configs/)?(\w+)(?:\.py)?', arguments):
        installed = ROOT / f'configs/{config}.py'
        assert installed.is_file() or config in WRITTEN, f'{page}: {config}'


def test_settings_of_the_page_on_balancing_exist():
    text = (ROOT / 'docs/balancing.md').read_text()
    settings = re.findall(r'--config\.([\w.]+)=(\w+)', text)
    config = load_config(str(ROOT / 'configs/mini.py'))
    for field, _ in settings:
        check_field(field, config)
    methods = {value for field, value in settings if field == 'optim.balancing.method'}
    assert methods == {method.value for method in Balancing} - {Balancing.NONE.value}


WRITTEN = ('FILE', 'NAME', 'both', 'home', 'my', 'rooms')  # configurations that the user writes
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
