"""Kinds of labels defined by a plugin: their settings, their module, datasets that use them."""

import dataclasses
import json
import pathlib
from typing import ClassVar

import numpy as np
import pytest

from helpers.dataset_files import random_image, save_map, write_json
from ubernet_jax import labels, prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.doctor.dataset_report import inspect_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.labels import KINDS, from_json

HINTS = ("kind 'heights'", f'--plugin {__name__}')  # in messages about an unknown kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heights(labels.SoftMask):
    """A kind that is not registered; tests register it where needed."""

    name: ClassVar[str] = 'heights'
    levels: tuple[float, ...] = ()
    unit: str | None = 'cm'
    inverted: bool = False


@pytest.mark.parametrize(
    'kind',
    [
        Heights(),
        Heights(levels=(1.5, 2.0), unit='mm', inverted=True),
        Heights(unit=None),
        Heights(unit=''),
    ],
)
def test_a_registered_kind_is_restored_from_json(kind, monkeypatch):
    monkeypatch.setitem(KINDS, 'heights', Heights)
    plain = json.loads(json.dumps(kind.to_json()))
    assert (plain['kind'], plain['module']) == ('heights', __name__)
    assert from_json(plain, 'it') == kind


@pytest.fixture
def source(tmp_path) -> pathlib.Path:
    """`field`: a folder dataset of one image with a label of the kind."""
    random_image(tmp_path / 'field' / 'train' / 'images' / 'a.png', 6, 8)
    save_map(tmp_path / 'field' / 'train' / 'tall' / 'a.png', np.full((6, 8), 200, np.uint8))
    write_json(tmp_path / 'field' / 'labels.json', {'tall': {'kind': 'heights', 'unit': 'mm'}})
    return tmp_path / 'field'


@pytest.fixture
def prepared(source, monkeypatch) -> Dataset:
    """The prepared dataset, with the kind registered."""
    monkeypatch.setitem(KINDS, 'heights', Heights)
    directory = source.parent / 'prepared'
    prepare.main(['folder/field', '--source', str(source), '--directory', str(directory)])
    return open_dataset('folder/field', 'train', directory)


def test_a_dataset_with_a_plugin_kind(prepared):
    assert prepared.labels == {'tall': Heights(unit='mm')}
    assert (prepared[0].labels['tall'] == 200).all()
    metadata = json.loads(next(prepared.directory.rglob('metadata.json')).read_text())
    assert metadata['train']['labels'] == {
        'tall': {'kind': 'heights', 'unit': 'mm', 'module': __name__}
    }


def test_a_dataset_with_an_unknown_kind_names_the_module(prepared, monkeypatch, capsys):
    directory = prepared.directory
    monkeypatch.delitem(KINDS, 'heights')
    with pytest.raises(UserError) as open_error:
        open_dataset('folder/field', 'train', directory)
    with pytest.raises(UserError) as prepare_error:
        prepare.main(['folder/field', '--directory', str(directory)])
    (error,) = inspect_dataset('folder/field', directory).errors
    for message in (str(open_error.value), str(prepare_error.value), error):
        assert all(part in message for part in ("'tall' of folder/field", *HINTS))
    assert 'delete' not in error
    capsys.readouterr()
    prepare.main(['--list', '--directory', str(directory)])  # which does not read the labels
    assert 'folder/field\n' in capsys.readouterr().out


def test_a_description_with_an_unknown_kind_names_the_module(source, refuses):
    refuses('folder/field', f"{source / 'labels.json'}: 'tall'", "kind 'heights'; known kinds: ")
    plain = {'tall': {'kind': 'heights', 'module': __name__}}
    write_json(source / 'labels.json', plain)
    refuses('folder/field', f"{source / 'labels.json'}: 'tall'", *HINTS)
