"""What a run says while it trains, and what TensorBoard shows of it."""

import io
import pathlib
import shlex

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from helpers import tiny_config
from ubernet_jax.train import train

pytestmark = pytest.mark.slow


def test_a_run_without_a_terminal_says_what_happens(prepared, tmp_path, capsys):
    config, workdir = tiny_config.get_config(), tmp_path / 'a run'
    config.data.directory = str(prepared)
    train(config, workdir)
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    steps = [line for line in lines if line.startswith('step ')]
    starts = ['step 2/6, ', 'step 4/6, ', 'step 6/6: ']
    for line, start in zip(steps, starts, strict=True):
        assert line.startswith(start) and 'normals' in line and 'images per second' in line
    assert 'left: ' in steps[0]
    (scores,) = [line for line in lines if line.startswith('scores at step 4: segmentation')]
    assert 'folder/tiny:test' in scores and '1 images' in scores and 'mIoU' in scores
    assert 'step 0/6' in printed.err
    assert lines[-1].startswith('next: ')
    assert lines[-1].endswith(f'evaluate --checkpoint {shlex.quote(str(workdir))}')
    check_events(workdir)


def check_events(workdir: pathlib.Path) -> None:
    """Checks losses, learning rates, scores and pictures in the files for TensorBoard."""
    events = EventAccumulator(str(workdir))
    events.Reload()
    scalars = events.Tags()['scalars']
    assert {'loss/normals', 'learning_rate/shared', 'learning_rate/normals'} <= {*scalars}
    assert 'segmentation/folder/tiny_test/miou' in scalars  # without the colon
    rates = events.Scalars('learning_rate/segmentation')
    assert [event.step for event in rates] == [2, 4, 6]
    np.testing.assert_allclose([event.value for event in rates], 1e-3)
    pictures = events.Images('pictures')
    assert [event.step for event in pictures] == [4, 6]
    decoded = Image.open(io.BytesIO(pictures[0].encoded_image_string))
    with Image.open(workdir / 'pictures' / '00000004.png') as written:
        assert decoded.size == written.size
