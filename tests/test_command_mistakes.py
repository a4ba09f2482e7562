"""Mistakes in flags, arguments and configuration files are reported without a traceback."""

from collections.abc import Callable

import pytest

from helpers.commands import call_main, call_train, run_command
from helpers.paths import ROOT, TINY
from ubernet_jax import cli, evaluate, predict

slow = pytest.mark.slow


@pytest.fixture
def error_of(capsys) -> Callable[..., str]:
    """Calls a command that must end with exit code 2; returns what it writes to stderr."""

    def call(command: Callable[[], None]) -> str:
        with pytest.raises(SystemExit) as stop:
            cli.run(command)
        assert stop.value.code == 2
        return capsys.readouterr().err

    return call


@slow
def test_a_process_with_a_wrong_flag_ends_with_a_message_and_exit_code_2(tmp_path):
    done = run_command('train', '--config', TINY, '--workdir', tmp_path, '--config.model.widht=2')
    assert done.returncode == 2, done.stderr
    assert 'model.widht' in done.stderr and 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    ('flags', 'parts'),
    [
        (['--config.model.widht=2'], ['model', "'widht'", 'trunk, width']),
        (['--config.model.scales=7'], ['model.scales', '7', '1 to 3']),
        (['--config.tasks.depth.weight=1'], ["'depth'", 'normals, segmentation']),
        (['--plugin', 'no_such_module'], ['--plugin no_such_module']),
        (['--config.data.train[0].name=imagenet'], ['imagenet']),
        (['--config.data.directory=nowhere'], ['ubernet prepare folder/tiny', 'nowhere']),
        (['surplus'], ['surplus', '--config.FIELD=VALUE']),
    ],
)
def test_a_mistake_in_the_flags_of_train_is_reported(flags, parts, tmp_path, error_of):
    message = error_of(lambda: call_train('--config', TINY, '--workdir', tmp_path / 'run', *flags))
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ('main', 'arguments', 'parts'),
    [
        (predict.main, ['--checkpoint', 'nowhere', 'a.png', '--out', 'out'], ['nowhere']),
        (evaluate.main, ['--checkpoint', 'a.safetensors'], ['a.safetensors']),
        (evaluate.main, ['--checkpoint', 'a', '--limit', '0'], ['--limit', "'0'"]),
    ],
)
def test_a_mistake_in_the_arguments_of_a_command_is_reported(main, arguments, parts, error_of):
    message = error_of(lambda: call_main(main, *arguments))
    assert all(part in message for part in parts), message


def test_a_broken_config_file_is_reported_with_its_line(tmp_path, error_of):
    path, run = tmp_path / 'broken.py', tmp_path / 'run'
    path.write_text('def get_config():\n    return 1 / 0')
    assert 'broken.py:2' in error_of(lambda: call_train('--config', path, '--workdir', run))
    assert not run.exists()


@pytest.mark.parametrize(
    ('config', 'part'),
    [
        ('configs/none.py', 'configs/none.py'),
        ('configs/none.py:variant', 'configs/none.py'),
        (f'{ROOT}/configs/quickstart.py:big', 'takes no variant'),
    ],
)
def test_a_config_that_does_not_exist_is_reported(config, part, tmp_path, error_of):
    assert part in error_of(lambda: call_train('--config', config, '--workdir', tmp_path))


def test_a_missing_flag_is_reported(tmp_path, error_of):
    assert '--config' in error_of(lambda: call_train('--workdir', tmp_path))
    assert '--workdir' in error_of(lambda: call_train('--config', TINY))


@pytest.mark.parametrize(('name', 'part'), [('\udcff', r'\udcff'), ('file', 'file')])
def test_a_workdir_that_no_checkpoint_can_be_saved_in_is_refused_at_once(
    name, part, tmp_path, error_of
):
    (tmp_path / 'file').touch()
    workdir = tmp_path / name
    assert part in error_of(lambda: call_train('--config', TINY, '--workdir', workdir))
