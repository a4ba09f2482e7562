"""Running the doctor, and what its JSON says of a dataset."""

import json
import pathlib

from ubernet_jax.datasets.storage import records
from ubernet_jax.doctor import command as doctor

SHARD = f'synthetic/{records.VERSION}/synthetic-train.array_record-00000-of-00001'


CLASS_LABELS = ('segmentation', 'semantic_boundaries')


CONFIG = """
from ubernet_jax import config as c

def get_config():
    return c.Config(
        name='tiny',
        steps=1,
        tasks={{'segmentation': c.Segmentation(classes={classes})}},
        data=c.DataConfig(
            train=[c.DatasetConfig(name='{train[0]}', split='{train[1]}')],
            leaks=c.Leaks.{leaks},
        ),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='{test[0]}', split='{test[1]}')]
        ),
    )
"""


def write_config(
    folder: pathlib.Path,
    train: tuple[str, str] = ('synthetic', 'train'),
    test: tuple[str, str] = ('synthetic', 'test'),
    leaks: str = 'REFUSE',
    classes: tuple[str, ...] = (),
) -> str:
    path = folder / 'tiny.py'
    path.write_text(CONFIG.format(train=train, test=test, leaks=leaks, classes=classes))
    return str(path)


def diagnose(capsys, directory: pathlib.Path, *arguments: str) -> tuple[int, dict]:
    """Returns the exit code, and the JSON that `--json` prints."""
    capsys.readouterr()
    code = doctor.main(['--data-root', str(directory), '--json', *arguments])
    return code, json.loads(capsys.readouterr().out)


def about(report: dict, name: str) -> dict:
    """Returns the report on a dataset."""
    return next(dataset for dataset in report['datasets'] if dataset['name'] == name)


def broken(report: dict, name: str = 'synthetic') -> list[str]:
    """Returns the errors of a dataset, which must be broken."""
    dataset = about(report, name)
    assert not report['healthy'] and dataset['status'] == 'broken'
    return dataset['errors']


def corrupt(path: pathlib.Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 255
    path.write_bytes(content)
