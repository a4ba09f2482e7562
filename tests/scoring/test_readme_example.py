"""The command and the scores of the README for the example of BSDS500, on the real files."""

import os
import re

from helpers.paths import ROOT
from ubernet_jax.json_file import read_json
from ubernet_jax.scoring.command import main


def test_the_command_of_the_readme_gives_the_scores_of_the_readme(data_root, tmp_path, monkeypatch):
    text = (ROOT / 'README.md').read_text()
    (row,) = [line for line in text.splitlines() if 'BSDS500/bench' in line]
    _, measured, result, _ = row.split('|')
    command = re.search(r'`ubernet score (.*)`', measured)
    assert command and '--thresholds 5' in command[1]
    monkeypatch.chdir(tmp_path)
    os.symlink(data_root / 'BSDS500', 'BSDS500')
    assert main(command[1].split()) == 0
    scores = read_json(tmp_path / 'example.json')
    ours, official = result.split('(')
    values = re.findall(r'(\w+) (\.\d+)', ours)
    assert [name for name, _ in values] == ['ODS', 'OIS', 'AP']
    for name, value in values:
        assert f'{scores[name.lower()]:.4f}' == f'0{value}'
    output = (data_root / 'BSDS500/bench/data/test_2/eval_bdry.txt').read_text().split()
    expected = [f'{float(output[column]):.4f}'.removeprefix('0') for column in (3, 6, 7)]
    assert re.findall(r'\.\d{4}', official) == expected
