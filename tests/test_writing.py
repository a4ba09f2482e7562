"""Files are written beside their final name, then renamed; and nothing is written otherwise."""

import ast
import os
import pathlib
import re
import resource

import pytest

import ubernet_jax
from ubernet_jax.json_file import write_json
from ubernet_jax.writing import new_file, new_files, write_text

ROOT = pathlib.Path(ubernet_jax.__file__).parent
METHODS = {
    'write_text', 'write_bytes', 'save', 'savez', 'savez_compressed', 'savefig', 'imwrite',
    'save_file', 'tofile', 'get_writer',
}  # fmt: skip
FUNCTIONS = {'os.rename', 'os.replace', 'shutil.copy', 'shutil.copyfile', 'shutil.make_archive'}
# What such calls write, if it is not a new file.
OTHERS = {
    'datasets/storage/image_storage.py: Image.fromarray(image).save': 'memory',
    'datasets/storage/records.py: Image.fromarray(image).save': 'memory',
    'export.py: safetensors.numpy.save': 'memory',
    'inference/page/layout.py: Image.fromarray(key).save': 'memory',
    'inference/page/requests.py: path.open': 'an upload, in a new temporary folder',
    'inference/page/results.py: result.save': 'a temporary folder',
    'inference/page/results.py: shutil.make_archive': 'a temporary folder',
    'inference/page/samples.py: Image.fromarray(image).save': 'a temporary folder',
    'inference/predictions.py: sheet.save': 'memory',
    'inference/saved_files.py: archive.open': 'a part of an archive, which is a new file',
    'metrics/plots.py: figure.savefig': 'the new file that it is given',
    'monitoring/metric_logger.py: lines.open': 'the log, to which lines are appended',
    'predict.py: predictions.save': 'what `Predictions.save` writes',
    'train.py: checkpoints.save': 'what `Checkpoints.save` writes',
    'training/checkpoint.py: self._manager.save': 'a checkpoint, which Orbax renames',
    'visualize/index_mask.py: picture.save': 'memory, or the new file that it is given',
    'weights/exported.py: safetensors.numpy.save': 'memory',
    'writing.py: os.replace': 'the final names of new files',
}


def writing_calls(path: pathlib.Path) -> set[str]:
    """The functions that a module calls to write anything but a new file."""
    name = path.relative_to(ROOT)
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    functions = set()
    for call in calls:
        function, arguments = ast.unparse(call.func), [*map(ast.unparse, call.args)]
        method = function.rpartition('.')[2]
        writes = '.' in function and method in METHODS or function in FUNCTIONS
        if method == 'open':
            writes = any(re.fullmatch("'[rbt]*[wax+][bt+]*'", text) for text in arguments)
        if writes and not any(re.match(r'\(?new\b', text) for text in (function, *arguments)):
            functions.add(f'{name}: {function}')
    return functions


def test_every_file_is_written_as_a_new_file():
    """By name: the path of a new file or folder is `new`."""
    assert set().union(*map(writing_calls, ROOT.rglob('*.py'))) == set(OTHERS)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'scores.json'
    write_json(path, {'miou': 0.5})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as on a full disk
    try:
        with pytest.raises(OSError, match='scores.json') as error:
            write_json(path, list(range(10_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename == str(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_new_folders_of_a_write_that_fails_are_removed(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / 'a' / 'b' / 'c.txt') as new:
        new.write_text('half')
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_existing_folders_stay_when_a_write_fails(tmp_path):
    with pytest.raises(ValueError, match='fails'), new_files(tmp_path) as new:
        (new / 'a').write_text('half')
        raise ValueError('fails')
    assert list(tmp_path.iterdir()) == []


def test_files_appear_together(tmp_path):
    (tmp_path / 'kept').write_text('old')
    with new_files(tmp_path) as new:
        for name in ('a', 'b'):
            (new / name).write_text(name)
        assert not (tmp_path / 'a').exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        'a': 'a', 'b': 'b', 'kept': 'old',
    }  # fmt: skip


def test_new_files_have_the_usual_permissions(tmp_path):
    write_text(tmp_path / 'new', '')
    (tmp_path / 'usual').touch()
    assert (tmp_path / 'new').stat().st_mode == (tmp_path / 'usual').stat().st_mode


def test_a_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / 'target').write_text('old')
    (tmp_path / 'link').symlink_to('target')
    write_text(tmp_path / 'link', 'new')
    assert (tmp_path / 'link').is_symlink() and (tmp_path / 'target').read_text() == 'new'


def test_a_pipe_is_written_to(tmp_path):
    reader, writer = os.pipe()
    write_text(pathlib.Path(f'/proc/self/fd/{writer}'), 'text')
    assert os.read(reader, 10) == b'text'
    os.close(reader)
    os.close(writer)
