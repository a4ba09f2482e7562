"""How entry points end."""

import pytest

from ubernet_jax import cli
from ubernet_jax.errors import UserError


def ending(error: BaseException | type[BaseException]) -> int:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        cli.run(main)
    return stop.value.code


def test_a_user_error_is_a_message_and_exit_code_2(capsys):
    assert ending(UserError('no such flag')) == 2
    assert capsys.readouterr().err == 'error: no such flag\n'


def test_a_fault_of_the_disk_names_its_file(capsys):
    assert ending(OSError(28, 'No space left on device', 'log.jsonl')) == 2
    assert "No space left on device: 'log.jsonl'" in capsys.readouterr().err


def test_ctrl_c_is_a_message_and_exit_code_130(capsys):
    assert ending(KeyboardInterrupt) == 130
    assert capsys.readouterr().err == 'interrupted\n'


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 // 0)


def test_a_main_that_ends_well_just_returns():
    assert cli.run(lambda: None) is None
