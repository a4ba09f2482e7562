"""Predicted speed-ups: the parameters in the document, and what the command prints."""

import json
import pathlib
import sys

import pytest

from benchmarks import scaling
from benchmarks.workload import SEVEN, make_config
from helpers.paths import ROOT
from ubernet_jax.config import Initialisation, ModelConfig

pytestmark = pytest.mark.slow

DOCUMENT = ROOT / 'docs/scaling.md'


def test_the_document_has_the_parameters_of_the_network():
    model = ModelConfig(initialisation=Initialisation.RANDOM)
    groups = scaling.count_groups(make_config(SEVEN, model=model))
    assert scaling.group_table(groups, 4096) in DOCUMENT.read_text()


@pytest.mark.parametrize(
    ('words', 'seconds', 'source'),
    [
        # 3 x 100 GFLOP at 50 % of 6 TFLOP/s.
        (['--share', '0.5', '--peak-tflops', '6'], 0.1, 'assumed, not measured: 300 GFLOP at 50 %'),
        (['--step-ms', '200'], 0.2, '--step-ms'),
        (['--speed', 'speed.json'], 0.05, 'measured on A card'),
    ],
)
def test_the_source_of_the_time_of_an_image_is_printed(
    tmp_path, monkeypatch, capsys, words, seconds, source
):
    monkeypatch.chdir(tmp_path)
    rows = [{'name': 'training 641x865 float32', 'milliseconds': 50}]
    pathlib.Path('speed.json').write_text(json.dumps({'device': 'A card', 'rows': rows}))
    parts = dict.fromkeys([scaling.SHARED, *SEVEN], (10, 40))
    monkeypatch.setattr(scaling, 'count_groups', lambda config: parts)
    monkeypatch.setattr(
        scaling, 'forward_flops', lambda config, size: 1e11 * (1 + ('detection' in config.tasks))
    )
    words = [*words, '--devices', '1', '8', '--json', 'scaling.json']
    monkeypatch.setattr(sys, 'argv', ['scaling', *words])
    scaling.main()
    printed = capsys.readouterr().out
    assert source in printed.splitlines()[0]
    assert ('assumed, not measured' in printed) == ('--share' in words)
    steps = json.loads(pathlib.Path('scaling.json').read_text())['steps']
    compute = {(row['tasks'], row['images a device']): row['compute ms'] for row in steps}
    assert compute == {
        ('seven tasks', 1): pytest.approx(2e3 * seconds),
        ('seven tasks', 4): pytest.approx(8e3 * seconds),
        ('six dense tasks', 1): pytest.approx(1e3 * seconds),
        ('six dense tasks', 4): pytest.approx(4e3 * seconds),
    }
