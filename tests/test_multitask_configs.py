"""The configurations of the multi-task benchmarks and of partial labels, from files to scores.

The benchmarks' networks take no step, as compiling it would take most of the time; in `make soak`,
that of PASCAL-MT takes two.
"""

import json
import pathlib

import numpy as np
import pytest

from helpers import tiny_config
from helpers.commands import call_main, call_train
from helpers.dataset_files import random_image, save_map
from helpers.paths import ROOT
from helpers.tiny_box_datasets import write_voc2012
from helpers.tiny_multitask_datasets import save_array, write_nyud_mt_pictures, write_pascal_mt
from ubernet_jax import config as c
from ubernet_jax import evaluate, prepare
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.doctor import command as doctor
from ubernet_jax.errors import UserError
from ubernet_jax.train import train

pytestmark = pytest.mark.slow

TRAIN, VAL = tuple(f'{number:04d}' for number in range(12)), ('1000', '1001')
SHAPE = (36, 48)


def shrunk(height: int, width: int) -> tuple[str, ...]:
    """Flags for a tiny network and images of a size."""
    return (
        '--config.model.width=0.03125', '--config.model.initialisation=random',
        f'--config.data.buckets=(({height},{width}),)', '--config.data.workers=0',
        f'--config.input_size.short_side={height}', f'--config.input_size.long_side={width}',
        f'--config.input_size.area={height * width}', '--config.evaluation.thresholds=2',
        '--config.pictures_every=1000', '--config.evaluate_every=1000',
    )  # fmt: skip


FLAGS = {trunk: shrunk(33, 65) for trunk in ('vgg16', 'resnet50')} | {'vit_base': shrunk(32, 64)}


def check(config: str, root: pathlib.Path, capsys: pytest.CaptureFixture, *flags: str) -> str:
    """Runs the doctor on a configuration; returns its report."""
    directory = str(root / 'prepared')
    file = f'{ROOT}/configs/{config}'
    assert doctor.main(['--data-root', directory, '--config', file, *flags]) == 0
    return capsys.readouterr().out


def run(config: str, root: pathlib.Path, steps: int) -> set[tuple[str, str]]:
    """Trains and evaluates; returns the dataset and the name of every result."""
    workdir = root / 'run'
    call_train(
        f'--config={ROOT}/configs/{config}', f'--workdir={workdir}',
        *FLAGS[config.partition(':')[2]],
        f'--config.data.directory={root / "prepared"}', f'--config.steps={steps}',
    )  # fmt: skip
    call_main(evaluate.main, '--checkpoint', workdir)
    files = (workdir / 'results' / f'{steps:08d}').glob('*.json')
    results = [json.loads(path.read_text()) for path in files]
    for result in results:
        assert all(np.isfinite(score['value']) for score in result['scores'] if score['main'])
        assert result['protocol']['preset'] == 'invpt'
        assert result['protocol']['benchmark'] == result['dataset']
    return {(result['dataset'], result['result']) for result in results}


def prepare_set(root: pathlib.Path, *names: str) -> None:
    prepare.main([*names, '--source', str(root), '--directory', str(root / 'prepared')])
    for name in names:
        (sheet,) = (root / 'prepared' / name).rglob('contact_sheet.png')
        assert sheet.stat().st_size


@pytest.mark.parametrize('steps', [0, pytest.param(2, marks=pytest.mark.soak)])
def test_pascal_mt(steps, tmp_path, capsys):
    write_pascal_mt(tmp_path, TRAIN, VAL, SHAPE)
    prepare_set(tmp_path, 'pascal_mt')
    output = capsys.readouterr().out
    assert 'train 12 of 4998' in output and 'parts 11' in output and 'right = -channel 0' in output
    assert 'parts 11' in check('pascal_mt.py:vgg16', tmp_path, capsys, *FLAGS['vgg16'])
    labels = {'segmentation', 'parts', 'saliency', 'normals', 'boundaries'}
    results = run('pascal_mt.py:vgg16', tmp_path, steps)
    assert results == {('pascal_mt', label) for label in labels}


@pytest.fixture
def nyud_mt(tmp_path, capsys) -> pathlib.Path:
    write_nyud_mt_pictures(tmp_path, TRAIN, VAL, SHAPE)
    prepare_set(tmp_path, 'nyud_mt')
    assert 'train 12 of 795' in capsys.readouterr().out
    return tmp_path


@pytest.mark.parametrize('trunk', ['resnet50', 'vit_base'])
def test_nyud_mt_can_be_trained_on(trunk, nyud_mt, capsys):
    assert 'nyud_mt:train' in check(f'nyud_mt.py:{trunk}', nyud_mt, capsys, *FLAGS[trunk])


@pytest.mark.soak  # the same with PASCAL-MT is above; evaluation/test_plans.py scores depth
@pytest.mark.parametrize('trunk', ['resnet50', 'vit_base'])
def test_nyud_mt(trunk, nyud_mt):
    labels = {'segmentation', 'depth', 'normals', 'boundaries'}
    results = run(f'nyud_mt.py:{trunk}', nyud_mt, steps=0)
    assert results == {('nyud_mt', label) for label in labels}


def write_scenes(root: pathlib.Path) -> None:
    """Writes folders with two labels for each of ten scenes, 8 of them for training."""
    for split, seeds in {'train': range(8), 'test': range(8, 10)}.items():
        for seed in seeds:
            labels = draw_scene(seed, *SHAPE).labels
            for name in ('kitchen', 'fashion'):
                random_image(root / name / split / 'images' / f'{seed}.png', *SHAPE)
            for name in ('normals', 'depth'):
                save_array(root / 'kitchen' / split / name / f'{seed}.npy', labels[name])
            for name in ('parts', 'saliency'):
                save_map(root / 'fashion' / split / name / f'{seed}.png', labels[name])


@pytest.mark.parametrize('variant', ['one', 'random:synchronous'])
def test_the_plan_of_partial_labels(variant, tmp_path, capsys):
    """The photograph with boxes only is left out, as it has no label of a task."""
    write_voc2012(tmp_path)
    write_scenes(tmp_path)
    prepare_set(tmp_path, 'voc2012', 'folder/fashion', 'folder/kitchen')
    seeds = [f'--config.data.train[{number}].partial.seed=1' for number in range(3)]
    report = check(f'partial.py:{variant}', tmp_path, capsys, *seeds)
    for name, images in (('voc2012', 2), ('folder/fashion', 8), ('folder/kitchen', 8)):
        (line,) = (line for line in report.splitlines() if f'{name}:train' in line and '=' in line)
        assert 'seed 1' in line and f' {images} images' in line
        counts = [int(part.split()[-1]) for part in line.rpartition('labelled: ')[2].split(', ')]
        assert sum(counts) == images if variant == 'one' else sum(counts) > images


def test_a_network_is_trained_on_one_label_of_an_image(prepared, tmp_path):
    """A run continues only with the same labels, although its settings name the same file."""
    listed = {image: ['normals' if image in '01' else 'segmentation'] for image in '0123'}
    path = tmp_path / 'list.json'
    path.write_text(json.dumps(listed))
    config = tiny_config.get_config()
    config.data.directory, config.steps = str(prepared), 4
    config.data.train[0].partial = c.PartialConfig(keep=c.Keep.LISTED, file=str(path))
    assert int(train(config, tmp_path / 'run').step) == 4
    lines = (tmp_path / 'run' / 'log.jsonl').read_text().splitlines()
    losses = {name for line in lines for name in json.loads(line) if name.startswith('loss/')}
    assert losses == {'loss/normals', 'loss/segmentation'}
    path.write_text(json.dumps(listed | {'0': ['segmentation']}))
    with pytest.raises(UserError, match=r'other data(.|\n)*folder/tiny:train(.|\n)*normals'):
        train(config, tmp_path / 'run')
