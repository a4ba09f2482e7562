"""The page on importing: five commands from boxes in COCO's format and masks to one network."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from helpers.annotated_images import HEIGHT, WIDTH, annotation, document
from helpers.commands import call_ubernet
from helpers.dataset_files import random_image, save_list, save_map, write_json
from helpers.pages import code_blocks
from helpers.paths import ROOT

PAGE = 'docs/import.md'
# The network of the page, but tiny.
SMALLER = (
    '--config.steps=2 --config.model.width=0.03125 --config.model.scales=1 '
    '--config.model.initialisation=random --config.model.frozen_blocks=0 --config.data.workers=0 '
    '--config.data.buckets=((33,65),) --config.tasks.detection.detector.width=8 '
    '--config.input_size.short_side=33 --config.input_size.long_side=65 '
    '--config.input_size.area=2145'
)


@pytest.mark.slow
def test_boxes_and_masks_become_one_network_in_five_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_pets_and_garden(tmp_path)
    (config,) = code_blocks(PAGE, 'python')
    (tmp_path / 'both.py').write_text(config)
    commands = re.findall(r'^ubernet (.*)$', (ROOT / PAGE).read_text(), re.MULTILINE)
    assert len(commands) == 5
    outputs = []
    for line in commands:
        call_ubernet(f'{line} {SMALLER}' if line.startswith('train ') else line)
        outputs.append(capsys.readouterr().out)
    assert 'train 4 images (detection 4), test 1 images (detection 1)' in outputs[0]
    assert 'train 4 images (masks 4), test 1 images (masks 1)' in outputs[1]
    results = tmp_path / 'runs/both/results/00000002'
    for name in ('coco_pets-test-detection_voc10', 'folder_garden-test-masks'):
        assert json.loads((results / f'{name}.json').read_text())['images'] == 1
    classes = Image.open(tmp_path / 'predictions/photo/masks.index.png')
    assert classes.size == (60, 50) and np.asarray(classes).max() < 3
    assert json.loads((tmp_path / 'predictions/photo/detection.json').read_text()) is not None


def write_pets_and_garden(folder) -> None:
    names = [f'{number}.jpg' for number in range(5)]
    for name in names:
        random_image(folder / 'pets/images' / name, HEIGHT, WIDTH)
    objects = [annotation(number, 1 + number % 2, (4, 5, 20, 15)) for number in range(5)]
    write_json(folder / 'pets/result.json', document(names, objects, first=0))
    classes = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 3
    for number in range(5):
        random_image(folder / f'garden/images/plot{number}.jpg', HEIGHT, WIDTH)
        save_map(folder / f'garden/masks/plot{number}.png', classes.astype(np.uint8))
    save_list(folder / 'garden/classes.txt', ('soil', 'crop', 'weed'))
    random_image(folder / 'photo.jpg', 50, 60)
