"""python -m ubernet_jax.metrics: its options, its processes, what it writes."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from helpers.workplace import write_boundaries
from ubernet_jax.scoring.command import main


def test_processes_give_the_same_scores_as_one(place):
    write_boundaries(place)
    expected = place.scores('boundaries', '--thresholds', '5')
    arguments = [str(place.predictions), str(place.truths), '--json', str(place.json)]
    command = [sys.executable, '-m', 'ubernet_jax.metrics', 'boundaries', *arguments]
    run = subprocess.run(
        [*command, '--thresholds', '5', '--processes', '2'], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(place.json.read_text()) == expected
    assert 'ods 1.0000' in run.stdout
    assert '2/2' in run.stderr
    (place.predictions / 'a.png').write_bytes(b'broken')
    run = subprocess.run([*command, '--processes', '2'], capture_output=True, text=True)
    assert run.returncode == 2
    assert 'Traceback' not in run.stderr
    assert 'error: a: ' in run.stderr


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--plot', 'x.txt'), '--plot x.txt: the name must end in .png, .pdf, .svg'),
        (('--processes', '0'), '--processes 0: at least 1 is needed'),
        (('--max-distance', '3'), 'max_distance is 3.0: a share of the diagonal is needed'),
        (('--max-distance', '0'), 'max_distance is 0.0'),
        (('--thresholds', '1'), 'thresholds is 1: at least 2 are needed'),
    ],
)
def test_bad_options_are_named(place, capsys, options, message):
    write_boundaries(place)
    assert place.run('boundaries', *options) == 2
    assert message in capsys.readouterr().err


def test_output_that_cannot_be_written_is_named(place, capsys):
    write_boundaries(place)
    place.json.parent.write_text('a file where a folder should be')
    assert place.run('boundaries', '--thresholds', '3') == 2
    assert str(place.json.parent) in capsys.readouterr().err


def test_plot_is_written(place):
    write_boundaries(place)
    picture = place.json.with_suffix('.png')
    place.scores('boundaries', '--thresholds', '3', '--plot', str(picture))
    assert Image.open(picture).size == (720, 720)


def test_help_lists_what_is_allowed(capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['boundaries', 'x', 'y', '--json', 'z', '--nms', 'other'])
    assert "'none', 'smoothed', 'unsmoothed'" in capsys.readouterr().err
