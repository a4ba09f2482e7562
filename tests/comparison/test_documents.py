"""Tables of documents agree with the kept results."""

import json
import pathlib
import re

import pytest

from helpers.paths import ROOT
from helpers.run_folders import MAX_F, write_run
from ubernet_jax.compare import main, make_table
from ubernet_jax.comparison.documents import END, regenerate_tables
from ubernet_jax.errors import UserError

COMMAND = '<!-- ubernet compare {} -->\n'
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted(ROOT.glob('docs/**/*.md'))
    if '<!-- ubernet compare ' in path.read_text()
]


@pytest.mark.parametrize('page', PAGES)
def test_the_tables_of_a_page_are_those_of_the_kept_files(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = pathlib.Path(page).read_text()
    assert regenerate_tables(text, make_table) == text, (
        f'{page} and its JSON files disagree: run ubernet compare --document {page}'
    )


def test_every_kept_file_is_cited():
    text = ''.join((ROOT / page).read_text() for page in PAGES)
    cited = set()
    for pattern in set(re.findall(r'docs/results/[\w./*?-]+\.json', text)):
        files = set(ROOT.glob(pattern))
        assert files, pattern
        cited |= files
    assert cited == set((ROOT / 'docs/results').rglob('*.json'))


def test_tables_are_regenerated_from_their_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path / 'tiny', {'saliency': {MAX_F: 0.6}})
    main([str(run), '--keep', 'kept'])
    document = pathlib.Path('results.md')
    command = COMMAND.format('kept/tiny.json\n    --names first')
    document.write_text(f'Before.\n\n{command}stale\n{END}\n\nAfter.\n')
    main(['--document', 'results.md'])
    text = document.read_text()
    assert text.startswith(f'Before.\n\n{command}| task |') and text.endswith(f'{END}\n\nAfter.\n')
    assert '| max F | .600 |' in text and '| first |' in text and 'stale' not in text
    assert regenerate_tables(text, make_table) == text
    kept = json.loads(pathlib.Path('kept/tiny.json').read_text())
    kept['results'][0]['scores'][0]['value'] = 0.601
    pathlib.Path('kept/tiny.json').write_text(json.dumps(kept))
    assert regenerate_tables(text, make_table) != text


def test_patterns_are_expanded_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('run-1.json', 'run-0.json', 'other.json'):
        pathlib.Path(name).touch()
    received = []
    command = COMMAND.format('run-*.json other.json none-*.json')
    regenerate_tables(f'{command}{END}\n', lambda arguments: received.extend(arguments) or '')
    assert received == ['run-0.json', 'run-1.json', 'other.json', 'none-*.json']


def test_commands_and_end_marks_that_do_not_match_are_an_error():
    def table(arguments):
        return f'{arguments}\n'

    command = COMMAND.format('a')
    assert regenerate_tables('nothing', table) == 'nothing'
    pair = f'{command}{END}\n'
    assert regenerate_tables(pair * 2, table) == f"{command}['a']\n{END}\n" * 2
    for text, marks in ((command, 0), (command + pair, 0), (pair + END, 2)):
        with pytest.raises(UserError, match=rf'compare a.*has {marks} end marks'):
            regenerate_tables(text, table)
    with pytest.raises(UserError, match=f'{END}.*before'):
        regenerate_tables(END + pair, table)
