"""python -m ubernet_jax.metrics: options, worker processes, outputs."""

import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from helpers.scorer import write_boundaries
from ubernet_jax.scoring.command import main

pytestmark = pytest.mark.slow


def test_worker_processes_give_the_same_scores(scorer):
    write_boundaries(scorer)
    expected = scorer.scores('boundaries', '--thresholds', '5')
    arguments = [str(scorer.predictions), str(scorer.truths), '--json', str(scorer.json)]
    command = [sys.executable, '-m', 'ubernet_jax.metrics', 'boundaries', *arguments]
    run = subprocess.run(
        [*command, '--thresholds', '5', '--processes', '2'], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(scorer.json.read_text()) == expected
    assert 'ods 1.0000' in run.stdout
    assert 'image 0/2' in run.stderr
    (scorer.predictions / 'a.png').write_bytes(b'broken')
    run = subprocess.run([*command, '--processes', '2'], capture_output=True, text=True)
    assert run.returncode == 2
    assert 'Traceback' not in run.stderr
    assert 'error: a: ' in run.stderr


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--plot', 'x.txt'), r'--plot.*x\.txt.*\.png, \.pdf, \.svg'),
        (('--processes', '0'), '--processes.*0'),
        (('--max-distance', '3'), r'max_distance.*3\.0'),
        (('--max-distance', '0'), r'max_distance.*0\.0'),
        (('--thresholds', '1'), r'thresholds.*\b1\b'),
    ],
)
def test_invalid_options_are_reported(scorer, options, message):
    write_boundaries(scorer)
    assert re.search(message, scorer.error('boundaries', *options))


def test_output_that_cannot_be_written_is_reported(scorer):
    write_boundaries(scorer)
    scorer.json.parent.write_text('a file with the name of the output folder')
    assert str(scorer.json.parent) in scorer.error('boundaries', '--thresholds', '3')


def test_plot_is_written(scorer):
    write_boundaries(scorer)
    picture = scorer.json.with_suffix('.png')
    scorer.scores('boundaries', '--thresholds', '3', '--plot', str(picture))
    assert Image.open(picture).size == (720, 720)


def test_a_choice_that_is_not_allowed_lists_the_allowed_values(capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['boundaries', 'x', 'y', '--json', 'z', '--nms', 'unknown'])
    assert "'none', 'smoothed', 'unsmoothed'" in capsys.readouterr().err
