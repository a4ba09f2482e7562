"""`python -m ubernet_jax.prepare`: builds each set once, wholly or not at all."""

import pathlib
import re
import resource
import subprocess
import sys
import time

import pytest
from tiny_datasets import (
    write_bsds500,
    write_folder,
    write_pascal_s,
    write_voc2007,
    write_voc2012,
)

from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.bsds500 import Bsds500
from ubernet_jax.datasets.catalogue import BUILDERS
from ubernet_jax.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]


def run(name: str, source: pathlib.Path, directory: pathlib.Path) -> None:
    prepare.main([name, '--source', str(source), '--directory', str(directory)])


def files_in(directory: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in directory.rglob('*') if path.is_file()]


def test_the_last_line_counts_images_and_labels(tmp_path, capsys):
    write_folder(tmp_path)
    run('folder/tiny', tmp_path, tmp_path / 'prepared')
    output = capsys.readouterr()
    assert output.out == (
        'folder/tiny: test 1 images (no labels), train 3 images (boundaries 1, detection 2, '
        'normals 2, parts 1, saliency 1, segmentation 1, semantic_boundaries 1)\n'
    )
    assert '3/3' in output.err  # the progress bar


def test_a_prepared_set_is_left_alone_and_needs_no_source(tmp_path, capsys):
    write_pascal_s(tmp_path)
    run('pascal_s', tmp_path, tmp_path / 'prepared')
    before = {path: path.stat().st_mtime_ns for path in files_in(tmp_path / 'prepared')}
    capsys.readouterr()
    prepare.main(['pascal_s', '--directory', str(tmp_path / 'prepared')])
    assert capsys.readouterr().out.splitlines() == [
        f'pascal_s is already prepared in {tmp_path / "prepared"}',
        'pascal_s: train 2 images (saliency 2), test 1 images (saliency 1)',
        'pascal_s: not the official set, which has test 850: '
        'scores on it cannot be compared with published ones',
    ]
    assert {path: path.stat().st_mtime_ns for path in files_in(tmp_path / 'prepared')} == before


@pytest.mark.parametrize(
    ('name', 'write', 'sources'),
    [
        ('bsds500', write_bsds500, ['', 'BSDS500']),
        ('voc2007', write_voc2007, ['', 'VOCdevkit', 'VOCdevkit/VOC2007']),
        ('voc2012', write_voc2012, ['', 'VOCdevkit', 'VOCdevkit/VOC2012']),
        ('pascal_s', write_pascal_s, ['', 'PASCAL-S']),
        ('folder/tiny', write_folder, ['', 'folder', 'folder/tiny']),
    ],
)
def test_the_source_is_the_set_or_a_folder_that_holds_it(name, write, sources, tmp_path):
    write(tmp_path / 'raw')
    for number, source in enumerate(sources):
        directory = tmp_path / str(number)
        run(name, tmp_path / 'raw' / source, directory)
        assert len(open_dataset(name, 'train', directory)) > 1


def test_an_interrupted_build_leaves_nothing_and_can_be_run_again(tmp_path, monkeypatch):
    write_bsds500(tmp_path)
    directory = tmp_path / 'prepared'
    read = Bsds500.read

    def read_until_ctrl_c(builder, item):
        if item[0].parent.name == 'val':
            raise KeyboardInterrupt
        return read(builder, item)

    with monkeypatch.context() as patch:
        patch.setattr(Bsds500, 'read', read_until_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            run('bsds500', tmp_path, directory)
    assert not directory.exists()
    run('bsds500', tmp_path, directory)
    assert len(open_dataset('bsds500', 'test', directory)) == 2


def test_a_full_disk_leaves_nothing(tmp_path):
    write_bsds500(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # bytes a file
    try:
        with pytest.raises(UserError, match=r'bsds500 cannot be prepared in .*--directory'):
            run('bsds500', tmp_path, tmp_path / 'prepared')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / 'prepared').exists()


def test_a_directory_that_cannot_be_made(tmp_path):
    write_bsds500(tmp_path)
    (tmp_path / 'taken').write_text('')
    with pytest.raises(UserError, match=r'cannot be prepared in .*taken.*--directory'):
        run('bsds500', tmp_path, tmp_path / 'taken')


def test_nothing_is_built_if_one_name_is_unknown(tmp_path):
    write_bsds500(tmp_path)
    with pytest.raises(UserError, match=r"unknown dataset 'coco'; known: bsds500, voc2007, "):
        prepare.main(['bsds500', 'coco', '--source', str(tmp_path), '--directory', str(tmp_path)])
    assert not (tmp_path / 'bsds500').exists()


def start(*arguments: object) -> subprocess.Popen:
    command = [sys.executable, '-m', 'ubernet_jax.prepare', *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_from_the_shell_an_error_is_one_line_and_exit_code_2(tmp_path):
    process = start('bsds500', '--source', tmp_path / 'no', '--directory', tmp_path)
    assert process.communicate() == (
        '',
        f'error: --source {tmp_path / "no"} is not a folder; it must be one that holds bsds500\n',
    )
    assert process.returncode == 2
    assert not any(tmp_path.iterdir())


def test_sigterm_leaves_nothing(tmp_path):
    process = start('synthetic', '--directory', tmp_path)
    while not any((tmp_path / 'synthetic').glob('incomplete*')):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.endswith('interrupted\n')
    assert 'Traceback' not in errors
    assert not any(tmp_path.iterdir())


def test_the_list_shows_every_set_and_what_is_ready(tmp_path, capsys):
    write_pascal_s(tmp_path)
    run('pascal_s', tmp_path, tmp_path / 'prepared')
    capsys.readouterr()
    prepare.main(['--list', '--directory', str(tmp_path / 'prepared')])
    output = capsys.readouterr().out
    assert [line for line in output.splitlines() if not line.startswith(' ')] == list(BUILDERS)
    paragraphs = dict(zip(BUILDERS, re.split(r'\n(?=\w)', output), strict=True))
    assert paragraphs['pascal_s'].splitlines() == [
        'pascal_s',
        '  tasks     saliency',
        '  images    test 850',
        '  prepared  train 2, test 1',
        '  home      https://cbs.ic.gatech.edu/salobj/',
        "  licence   research; photographs under Flickr's terms",
        '  archives  salObj.zip',
        '  cite      Li et al., The Secrets of Salient Object Segmentation, CVPR 2014',
    ]
    assert '  prepared  no' in paragraphs['sbd']


def test_naming_no_set_says_how_to_list_them(capsys):
    with pytest.raises(SystemExit) as stop:
        prepare.main([])
    assert stop.value.code == 2
    assert 'name a dataset, or give --list' in capsys.readouterr().err
