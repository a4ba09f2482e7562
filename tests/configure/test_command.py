"""`ubernet configure`: the file that it writes can be trained; what is refused writes nothing."""

import pathlib

import pytest

from helpers.commands import call_train
from helpers.half_labelled import CPU
from ubernet_jax.config.flags import load_config
from ubernet_jax.configure import command, inspect_machine, make_plan, settings
from ubernet_jax.errors import UserError


def configure(directory: pathlib.Path, out: pathlib.Path, *names: str) -> None:
    command.main([*names, '--out', str(out), '--directory', str(directory)])


@pytest.mark.slow
def test_the_written_file_trains_as_it_is(half_labelled, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(settings, 'has_imagenet', lambda: False)  # a narrow network
    out, run = tmp_path / 'my.py', tmp_path / 'run'
    configure(half_labelled, out, 'folder/garden', 'folder/street')
    following = capsys.readouterr().out.splitlines()[-1]
    assert following.startswith('next: ')
    assert following.endswith(f'train --config {out} --workdir runs/my')
    call_train('--config', out, '--workdir', run, '--config.steps=2')
    assert 'finished at step 2' in capsys.readouterr().out
    assert (run / 'checkpoints' / '2').is_dir()


def test_the_file_is_the_configuration_of_the_plan(half_labelled, tmp_path, capsys):
    out = tmp_path / 'my.py'
    names = ['folder/garden', 'folder/street', 'folder/meadow']
    configure(half_labelled, out, *names)
    printed = capsys.readouterr().out
    plan = make_plan(names, half_labelled, 'my', inspect_machine(measure=False))
    assert load_config(str(out)) == plan.config  # 30 epochs at any speed
    text = out.read_text()
    assert max(map(len, text.splitlines())) <= 100 + len(str(half_labelled))
    assert '# labelled: 3 of 3 images of folder/garden' in text
    assert f'ubernet train --config {out} --workdir runs/my' in text
    assert 'GFLOP/s' in printed and 'docs/results.md' in text  # what the time rests on
    assert 'plants_garden' in printed and 'plants_street' in printed and 'road, car' in printed


def test_a_configuration_without_a_file(half_labelled, tmp_path, monkeypatch):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'prepared').symlink_to(half_labelled)
    monkeypatch.chdir(tmp_path)
    config = load_config('folder:street,folder/garden')
    names = ['folder/street', 'folder/garden']
    assert [dataset.name for dataset in config.data.train] == names
    assert config.tasks == make_plan(names, half_labelled, '', CPU).config.tasks
    assert config == load_config('folder:street,folder/garden')  # nothing is measured
    with pytest.raises(UserError, match='folder:NAME,NAME'):
        load_config('folder')


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['garden'], "'garden'.*folder/NAME"),
        (['folder/garden', 'folder/absent'], r'ubernet prepare folder/absent --source DIR'),
        (['bsds500'], r'ubernet prepare bsds500'),
        (
            ['folder/untrained'],
            r"'train', but test.*train/images.*prepare folder/untrained",
        ),
        (['folder/bare'], r'folder/bare:train.*none.*class_map.*ubernet prepare folder/bare'),
    ],
)
def test_a_set_that_cannot_be_trained_on_is_refused(names, message, half_labelled, tmp_path):
    with pytest.raises(UserError, match=f'(?s){message}'):
        configure(half_labelled, tmp_path / 'my.py', *names)
    assert not list(tmp_path.iterdir())


def test_a_file_is_not_replaced(half_labelled, tmp_path):
    out = tmp_path / 'my.py'
    out.write_text('changed by hand')
    with pytest.raises(UserError, match=r'my\.py exists'):
        configure(half_labelled, out, 'folder/garden')
    assert out.read_text() == 'changed by hand'
