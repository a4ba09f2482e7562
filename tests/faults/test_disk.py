"""Full disks, folders that cannot be written to, and data that is lost or truncated."""

import os
import pathlib
import resource
import shutil

import pytest

from helpers.training import finish
from ubernet_jax.comparison.workdir import read_log
from ubernet_jax.errors import UserError
from ubernet_jax.monitoring.metric_logger import MetricLogger
from ubernet_jax.train import train
from ubernet_jax.training.checkpoint import Checkpoints


@pytest.mark.soak
def test_a_disk_that_is_full_for_the_log_loses_no_training(
    config, stopped, undisturbed, assert_same_end
):
    log = stopped / 'log.jsonl'
    log.rename(stopped / 'log.kept')
    log.symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left on device'):
        train(config, stopped)
    (stopped / 'log.kept').replace(log)
    log.write_text(log.read_text() + '{"step": 4, "lo')  # the part that fitted
    train(config, stopped)
    assert list(read_log(stopped)) == list(range(1, config.steps + 1))
    assert_same_end(stopped, undisturbed)


def test_a_disk_that_is_full_for_tensorboard_does_not_hang(tmp_path):
    (tmp_path / 'log.jsonl').symlink_to('/dev/null')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    logger = MetricLogger(tmp_path)
    try:
        with pytest.raises(OSError, match='File too large'):
            for step in range(100):
                logger.log(step, {'loss/normals': 0.5})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_a_workdir_that_cannot_be_written_to_is_refused(start, tmp_path):
    before = ()
    if os.geteuid() == 0:  # permissions bind root only without this capability
        if shutil.which('setpriv') is None:
            pytest.skip('runs as root, and there is no setpriv')
        before = ('setpriv', '--bounding-set=-dac_override')
    workdir = tmp_path / 'run'
    workdir.mkdir(mode=0o555)
    (output,) = finish(start(workdir, before=before), code=2)
    assert 'Permission denied' in output and str(workdir) in output
    assert 'Traceback' not in output


def truncate(path: pathlib.Path) -> None:
    os.truncate(path, 100)


def overwrite(path: pathlib.Path) -> None:
    """Changes bytes of the records, after the header."""
    content = bytearray(path.read_bytes())
    content[100:40_000:50] = bytes(b ^ 255 for b in content[100:40_000:50])
    path.write_bytes(content)


@pytest.mark.soak
def test_data_that_is_damaged_during_training_is_reported(
    config, prepared, stopped, undisturbed, tmp_path, assert_same_end
):
    config.data.directory = str(shutil.copytree(prepared, tmp_path / 'prepared'))
    config.checkpoint_every = config.steps
    (path,) = (tmp_path / 'prepared').rglob('*train.array_record*')
    kept = path.read_bytes()
    for damage in (truncate, overwrite, pathlib.Path.unlink):
        damage(path)
        with pytest.raises(UserError, match=r'folder/tiny:train.*record \d') as error:
            train(config, stopped)
        assert str(tmp_path / 'prepared' / 'folder' / 'tiny') in str(error.value)
        assert Checkpoints(stopped).latest_step == 3
        path.write_bytes(kept)
    train(config, stopped)
    assert_same_end(stopped, undisturbed)


@pytest.mark.parametrize('name', ['dataset_info.json', 'metadata.json'])
@pytest.mark.parametrize('damage', [truncate, pathlib.Path.unlink])
def test_a_prepared_dataset_with_a_damaged_description_is_refused(
    name, damage, config, prepared, tmp_path
):
    config.data.directory = str(shutil.copytree(prepared, tmp_path / 'prepared'))
    (path,) = (tmp_path / 'prepared').rglob(name)
    damage(path)
    with pytest.raises(UserError, match='folder/tiny.*prepare'):
        train(config, tmp_path / 'run')


@pytest.mark.soak
def test_lost_data_in_a_reader_process_is_reported(start, prepared, tmp_path):
    directory = shutil.copytree(prepared, tmp_path / 'prepared')
    (path,) = directory.rglob('*train.array_record*')
    path.unlink()
    process = start(tmp_path / 'run', '--config.data.workers=1', directory=directory)
    (output,) = finish(process, code=2)
    assert 'folder/tiny:train' in output and str(path) in output
    assert 'Traceback' not in output
