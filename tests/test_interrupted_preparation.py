"""Builds that are interrupted or fail: what remains, and how the next build goes on."""

import errno
import os
import pathlib
import resource
import subprocess
import sys
import time

import pytest
import tensorflow_datasets as tfds

from helpers.dataset_files import random_image
from helpers.paths import ROOT
from helpers.prepared_sets import assert_whole_shards, contents, files_in, prepare_set
from helpers.tiny_datasets import write_bsds500
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders.bsds500 import Bsds500
from ubernet_jax.datasets.storage import shards
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.records import VERSION
from ubernet_jax.datasets.storage.shard_writer import build_shards
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import STANDARD

pytestmark = pytest.mark.slow


@pytest.fixture
def interrupted(tmp_path, monkeypatch) -> pathlib.Path:
    """A folder in which a build was interrupted at the fourth of six images."""
    write_bsds500(tmp_path)
    read = Bsds500.read

    def read_until_ctrl_c(builder, item, exif):
        if item[0].stem == '102':
            raise KeyboardInterrupt
        return read(builder, item, exif)

    with monkeypatch.context() as patch:
        patch.setattr(Bsds500, 'read', read_until_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            prepare_set('bsds500', tmp_path, tmp_path / 'prepared')
    return tmp_path / 'prepared'


@pytest.fixture
def read_ids(monkeypatch) -> list[str]:
    """The ids of the BSDS500 images that are read during the test."""
    ids, read = [], Bsds500.read

    def record(builder, item, exif):
        ids.append(item[0].stem)
        return read(builder, item, exif)

    monkeypatch.setattr(Bsds500, 'read', record)
    return ids


def test_an_interrupted_build_keeps_finished_shards_and_resumes(
    interrupted, tmp_path, read_ids, capsys
):
    assert_whole_shards(interrupted / 'bsds500' / f'unfinished-{VERSION}')
    assert len(files_in(interrupted)) == 2
    prepare.main(['--list', '--directory', str(interrupted)])
    assert '  prepared  in part' in capsys.readouterr().out
    with pytest.raises(UserError, match='bsds500 is not prepared'):
        open_dataset('bsds500', 'train', interrupted)
    prepare_set('bsds500', tmp_path, interrupted)
    assert read_ids == ['101', '102', '201', '202']
    assert [path.name for path in (interrupted / 'bsds500').iterdir()] == [VERSION]
    prepare_set('bsds500', tmp_path, tmp_path / 'uninterrupted')
    assert contents(interrupted) == contents(tmp_path / 'uninterrupted')


def test_shards_of_changed_files_are_rebuilt(interrupted, tmp_path, read_ids):
    random_image(tmp_path / 'BSDS500/data/images/train/002.jpg', 20, 30)
    os.utime(tmp_path / 'BSDS500/data/images/train/002.jpg', (0, 0))
    prepare_set('bsds500', tmp_path, interrupted)
    assert read_ids == ['001', '002', '101', '102', '201', '202']


def test_shards_with_other_options_are_rebuilt(interrupted, tmp_path, read_ids):
    prepare.main(
        ['bsds500', '--source', str(tmp_path), '--directory', str(interrupted), '--max-side', '20']
    )
    assert read_ids == ['001', '002', '101', '102', '201', '202']
    assert open_dataset('bsds500', 'train', interrupted).sizes.max() == 20


def test_a_shard_without_a_report_is_rebuilt(interrupted, tmp_path, read_ids):
    (report,) = interrupted.rglob('*.json')
    report.write_text(report.read_text()[:-9])
    prepare_set('bsds500', tmp_path, interrupted)
    assert read_ids == ['001', '002', '101', '102', '201', '202']


def test_an_error_in_a_worker_process(tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(shards, 'SHARD_IMAGES', 1)
    monkeypatch.setattr(os, 'cpu_count', lambda: 2)
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/images/val/102.jpg'
    path.write_bytes(path.read_bytes()[:100])
    refuses('bsds500', path, 'picture')


class Dying:
    """A reader that ends its process."""

    def read(self, item, exif):
        os._exit(1)


def test_a_worker_process_that_dies_is_reported(tmp_path):
    items = list(range(2 * shards.SHARD_IMAGES))
    plan = shards.plan_shards('dying', {'train': items}, STANDARD, Storage(), tmp_path)
    with pytest.raises(UserError, match=r'dying.*--workers 1'):
        build_shards('dying', plan, Dying(), STANDARD, Storage(), workers=2)


def test_a_full_disk_leaves_nothing(tmp_path):
    write_bsds500(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # bytes a file
    try:
        with pytest.raises(UserError, match=r'bsds500.*prepared.*--directory'):
            prepare_set('bsds500', tmp_path, tmp_path / 'prepared')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / 'prepared').exists()


def test_a_full_disk_keeps_finished_shards(tmp_path, monkeypatch):
    write_bsds500(tmp_path)
    write = tfds.core.ExampleWriter.write

    def write_until_full(writer, path, examples):
        write(writer, path, examples)
        if 'test' in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(tfds.core.ExampleWriter, 'write', write_until_full)
    with pytest.raises(UserError, match=r'No space left on device.*--directory'):
        prepare_set('bsds500', tmp_path, tmp_path / 'prepared')
    folder = tmp_path / 'prepared' / 'bsds500' / f'unfinished-{VERSION}'
    assert_whole_shards(folder)
    assert len(files_in(tmp_path / 'prepared')) == len(files_in(folder)) == 4


def start(*arguments: object, shard_images: int = shards.SHARD_IMAGES) -> subprocess.Popen:
    script = f"""
import runpy
from ubernet_jax.datasets.storage import shards
shards.SHARD_IMAGES = {shard_images}
runpy.run_module('ubernet_jax.prepare', run_name='__main__', alter_sys=False)
"""
    command = [sys.executable, '-c', script, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_an_error_is_one_line_and_exit_code_2(tmp_path):
    process = start('bsds500', '--source', tmp_path / 'no', '--directory', tmp_path)
    output, errors = process.communicate()
    assert output == '' and errors.startswith(f'error: --source {tmp_path / "no"} ')
    assert errors.count('\n') == 1 and 'bsds500' in errors
    assert process.returncode == 2
    assert not any(tmp_path.iterdir())


def test_sigterm_keeps_finished_shards(tmp_path):
    process = start('synthetic', '--directory', tmp_path, '--workers', 2, shard_images=8)
    while not any(tmp_path.rglob('*.json')):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.endswith('interrupted\n')
    assert 'Traceback' not in errors
    assert len(files_in(tmp_path)) < 2 * 35  # not all shards and reports
    assert_whole_shards(tmp_path / 'synthetic' / f'unfinished-{VERSION}')
