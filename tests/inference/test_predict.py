"""python -m ubernet_jax.predict: where files are written, and what is refused."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from ubernet_jax import predict
from ubernet_jax.errors import UserError
from ubernet_jax.locks import lock_folder


@pytest.fixture
def run(exported, monkeypatch):
    """Runs the command for the given files."""

    def run(*words: object) -> None:
        command = ['predict', '--checkpoint', exported, *words]
        monkeypatch.setattr('sys.argv', list(map(str, command)))
        predict.main()

    return run


def write_photograph(path: pathlib.Path) -> pathlib.Path:
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(path, 'png')
    return path


@pytest.mark.parametrize('name', ['...png', '..png', '....jpg'])
def test_a_name_of_dots_is_written_within_the_output_folder(run, name, tmp_path):
    photograph = write_photograph(tmp_path / name)
    out = tmp_path / 'a' / 'out'
    run(photograph, '--tasks', 'saliency', '--out', out)
    assert (out / name / 'saliency.png').is_file()
    assert [path.name for path in out.iterdir()] == [name]
    assert {path.name for path in tmp_path.iterdir()} == {'a', name}
    assert [path.name for path in out.parent.iterdir()] == ['out']


def test_a_path_without_a_name_is_refused(run, tmp_path):
    path = tmp_path / 'none' / '..'
    with pytest.raises(UserError, match=f'{path} '):
        run(path, '--out', tmp_path / 'out')


def test_files_of_an_earlier_prediction_are_removed_and_named(run, tmp_path, capsys):
    photograph = write_photograph(tmp_path / 'a.png')
    out = tmp_path / 'out'
    run(photograph, '--tasks', 'saliency', 'normals', '--out', out)
    text = capsys.readouterr().out
    assert 'removed' not in text
    assert f'{out / "a"}: normals.png, saliency.png, sheet.png' in text
    run(photograph, '--tasks', 'saliency', '--out', out)
    _, removed = capsys.readouterr().out.split('removed')
    assert 'normals.png' in removed and 'saliency' not in removed
    assert {path.name for path in (out / 'a').iterdir()} == {'saliency.png', 'sheet.png'}


def test_arrays_and_safe_colours_are_options(run, tmp_path):
    photograph, out = write_photograph(tmp_path / 'a.png'), tmp_path / 'out'
    run(photograph, '--tasks', 'segmentation', '--out', out / 'voc')
    run(photograph, '--tasks', 'segmentation', '--arrays', '--safe-colours', '--out', out / 'safe')
    names = [{path.name for path in (out / name / 'a').iterdir()} for name in ('voc', 'safe')]
    assert names[1] - names[0] == {'predictions.npz'}
    pictures = [(out / name / 'a' / 'segmentation.png').read_bytes() for name in ('voc', 'safe')]
    assert pictures[0] != pictures[1]


def test_a_folder_that_another_command_writes_to_is_left_out(run, tmp_path):
    out = tmp_path / 'out'
    photographs = [write_photograph(tmp_path / name) for name in ('a.png', 'b.png')]
    with (
        lock_folder(out / 'a', ''),
        pytest.raises(UserError, match=rf'1 files were left out:\s+{out / "a"} is in use .*--out'),
    ):
        run(*photographs, '--tasks', 'saliency', '--out', out)
    assert not list((out / 'a').glob('*'))
    assert (out / 'b' / 'saliency.png').is_file()


def test_a_folder_that_is_a_file_is_left_out(run, tmp_path):
    photographs = [write_photograph(tmp_path / name) for name in ('a.png', 'b.png')]
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'a').touch()
    with pytest.raises(UserError, match=f'{tmp_path}/out/a is a file'):
        run(*photographs, '--tasks', 'saliency', '--out', tmp_path / 'out')
    assert (tmp_path / 'out' / 'b' / 'saliency.png').is_file()


def test_progress_is_shown_from_the_first_photograph_and_then_the_next_command(
    run, exported, tmp_path, capsys
):
    run(write_photograph(tmp_path / 'a.png'), '--tasks', 'saliency', '--out', tmp_path / 'out')
    printed = capsys.readouterr()
    assert printed.err.splitlines()[0] == 'file 0/1'
    assert printed.out.splitlines()[-1].endswith(f'demo --checkpoint {exported}')


def test_photographs_of_a_batch_are_written_as_without_batches(run, tmp_path):
    """The last photograph has another shape; one cannot be read, one cannot be written."""
    files = []
    for name, width in (('a', 30), ('b', 30), ('c', 30), ('d', 90)):
        files.append(tmp_path / f'{name}.png')
        pixels = np.full((20, width, 3), 30 * len(files), np.uint8)
        Image.fromarray(pixels).save(files[-1])
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no picture')
    (tmp_path / 'two').mkdir()
    (tmp_path / 'two' / 'b').write_text('in the way')
    run(*files, '--tasks', 'saliency', '--out', tmp_path / 'one')
    with pytest.raises(UserError, match=r'^2 files') as error:
        run(*files, broken, '--tasks', 'saliency', '--batch', '2', '--out', tmp_path / 'two')
    assert str(broken) in str(error.value) and str(tmp_path / 'two' / 'b') in str(error.value)
    for name in 'acd':
        pictures = [tmp_path / out / name / 'saliency.png' for out in ('one', 'two')]
        one, two = (np.asarray(Image.open(path), np.int32) for path in pictures)
        assert one.shape == two.shape and abs(one - two).max() <= 1


def test_a_url_is_refused_by_its_address(run, tmp_path):
    with pytest.raises(UserError, match=r'^https://example\.org/a\.jpg .*download'):
        run('https://example.org/a.jpg', '--out', tmp_path)


def test_the_views_are_those_of_the_options(run, tmp_path):
    """A gradient from left to right: mirrored predictions differ, and their mean from both."""
    pixels = np.tile(np.linspace(0, 255, 30, dtype=np.uint8), (20, 1))
    arrays = []
    for number, options in enumerate(([], ['--flip'], ['--flip', '--scales', '1', '1.5'])):
        photograph, out = tmp_path / f'{number}.png', tmp_path / 'out'
        Image.fromarray(pixels).convert('RGB').save(photograph)
        run(photograph, '--tasks', 'normals', '--arrays', '--out', out, *options)
        arrays.append(np.load(out / str(number) / 'predictions.npz')['normals'])
    assert all(np.abs(a - b).max() > 0.01 for a, b in ((arrays[0], arrays[1]), arrays[1:]))
    with pytest.raises(UserError, match=r'scales are 2, .*among them 1'):
        run(photograph, '--out', out, '--scales', '2')
