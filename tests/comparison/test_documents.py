"""Tables of documents say what the kept results say."""

import json
import pathlib
import re

import pytest

from helpers.paths import ROOT
from helpers.run_folders import MAX_F, write_run
from ubernet_jax.compare import main, make_table
from ubernet_jax.comparison.documents import END, regenerate_tables
from ubernet_jax.errors import UserError

COMMAND = '<!-- python -m ubernet_jax.compare {} -->\n'


def test_the_tables_of_the_results_are_those_of_the_kept_files(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = pathlib.Path('docs/results.md').read_text()
    assert regenerate_tables(text, make_table) == text, (
        'docs/results.md and docs/results/*.json disagree: run '
        'python -m ubernet_jax.compare --document docs/results.md'
    )


def test_every_kept_file_is_cited():
    cited = re.findall(r'docs/results/[\w./-]+\.json', (ROOT / 'docs/results.md').read_text())
    kept = {file.relative_to(ROOT).as_posix() for file in (ROOT / 'docs/results').rglob('*.json')}
    assert set(cited) == kept


def test_a_document_follows_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path / 'one', {'saliency': {MAX_F: 0.6}})
    main([str(run), '--keep', 'kept'])
    document = pathlib.Path('results.md')
    command = COMMAND.format('kept/one.json\n    --names first')
    document.write_text(f'Before.\n\n{command}stale\n{END}\n\nAfter.\n')
    main(['--document', 'results.md'])
    text = document.read_text()
    assert text.startswith(f'Before.\n\n{command}| task |') and text.endswith(f'{END}\n\nAfter.\n')
    assert '| max F | .600 |' in text and '| first |' in text and 'stale' not in text
    assert regenerate_tables(text, make_table) == text
    kept = json.loads(pathlib.Path('kept/one.json').read_text())
    kept['results'][0]['scores'][0]['value'] = 0.601
    pathlib.Path('kept/one.json').write_text(json.dumps(kept))
    assert regenerate_tables(text, make_table) != text


def test_marks_that_do_not_pair_are_refused():
    def table(arguments):
        return f'{arguments}\n'

    command = COMMAND.format('a')
    assert regenerate_tables('nothing', table) == 'nothing'
    pair = f'{command}{END}\n'
    assert regenerate_tables(pair * 2, table) == f"{command}['a']\n{END}\n" * 2
    for text in (command, command + pair, pair + END):
        with pytest.raises(UserError, match='needs one'):
            regenerate_tables(text, table)
    with pytest.raises(UserError, match='before the first command'):
        regenerate_tables(END + pair, table)
