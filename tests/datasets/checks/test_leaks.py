"""Photographs in two places: how they are found, and what the training does with leaks."""

import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from ubernet_jax import config as c
from ubernet_jax import prepare
from ubernet_jax.datasets import Dataset, open_dataset, reading
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.datasets.checks.duplicates import Evidence, find_duplicates, find_repeats
from ubernet_jax.datasets.checks.leaks import find_leaks, open_datasets, resolve_leaks
from ubernet_jax.errors import UserError
from ubernet_jax.train import train
from ubernet_jax.training import checkpoint
from ubernet_jax.training.batching import MicroBatches
from ubernet_jax.training.epochs import Epochs

SEEDS = {'one/train': (0, 1, 2), 'one/test': (3,), 'other/test': (4, 1)}


@pytest.fixture(scope='module')
def prepared(tmp_path_factory) -> pathlib.Path:
    """`folder/one` and `folder/other`, whose image `b` is image `1` of the former, smaller."""
    root = tmp_path_factory.mktemp('raw')
    for folder, seeds in SEEDS.items():
        for seed, name in zip(seeds, 'ab' if 'other' in folder else '012', strict=False):
            scene = draw_scene(seed, 64, 96)
            for kind, array in (('images', scene.image), ('parts', scene.labels['parts'])):
                path = root / folder / kind / f'{name}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
    for task in ('images', 'parts'):
        path = root / 'other' / 'test' / task / 'b.png'
        Image.open(path).resize((72, 48), Image.Resampling.NEAREST).save(path)
    directory = tmp_path_factory.mktemp('prepared')
    arguments = ['--source', str(root), '--directory', str(directory)]
    prepare.main(['folder/one', 'folder/other', *arguments])
    return directory


def make_config(directory: pathlib.Path, *benchmarks: tuple[str, str], **data) -> c.Config:
    return c.Config(
        steps=1,
        tasks={'parts': c.PAPER['parts']()},
        model=c.ModelConfig(width=1 / 32, scales=1, initialisation=c.Initialisation.RANDOM),
        data=c.DataConfig(
            directory=str(directory),
            train=[c.DatasetConfig(name='folder/one', split='train')],
            buckets=((65, 97),),
            **data,
        ),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name=name, split=split) for name, split in benchmarks]
        ),
    )


def make_dataset(name: str, ids: tuple[str, ...], seeds: tuple[int, ...], **fields) -> Dataset:
    """Without records; images of one seed have one fingerprint."""
    dataset = Dataset(
        name=name,
        split='train',
        directory=pathlib.Path('none'),
        collection=fields.get('collection', name),
        labels={},
        ids=ids,
        sizes=np.full((len(ids), 2), 9, np.int32),
        labelled={},
        counts={},
        rows=np.arange(len(ids)),
    )
    dataset.fingerprints = np.array(
        [np.random.default_rng(seed).integers(0, 2**64, 4, np.uint64) for seed in seeds]
    )
    return dataset


def pairs(duplicates: list) -> list[tuple[str, str, Evidence]]:
    return [(pair.first.id, pair.second.id, pair.evidence) for pair in duplicates]


def test_a_photograph_is_found_by_its_id_only_where_sets_share_ids():
    ours = make_dataset('sbd', ('2008_1', '2008_2', '2008_3'), (1, 2, 3), collection='VOC')
    theirs = make_dataset('voc', ('2008_3', '2008_4', '2008_1'), (8, 2, 9), collection='VOC')
    assert pairs(find_duplicates(ours, theirs)) == [
        ('2008_1', '2008_1', Evidence.ID),
        ('2008_2', '2008_4', Evidence.FINGERPRINT),
        ('2008_3', '2008_3', Evidence.ID),
    ]
    stranger = make_dataset('mine', ('2008_1', 'x'), (7, 3))
    assert pairs(find_duplicates(ours, stranger)) == [('2008_3', 'x', Evidence.FINGERPRINT)]


def test_repeats_are_told_once_each():
    dataset = make_dataset('mine', tuple('abcde'), (1, 2, 1, 3, 2))
    found = pairs(find_repeats(dataset))
    assert [pair[:2] for pair in found] == [('a', 'c'), ('b', 'e')]


def test_a_set_is_in_itself_whole():
    dataset = make_dataset('mine', ('a', 'b'), (1, 2))
    leaks = find_leaks([dataset, dataset], [dataset, dataset])
    assert pairs(leaks) == [('a', 'a', Evidence.ID), ('b', 'b', Evidence.ID)]


@pytest.mark.parametrize(
    ('name', 'collection'),
    [
        ('voc2012', 'PASCAL VOC'), ('sbd', 'PASCAL VOC'), ('pascal_context', 'PASCAL VOC'),
        ('person_part', 'PASCAL VOC'), ('nyudv2', 'NYUv2'), ('nyudv2_gupta', 'NYUv2'),
        ('voc2007', ''), ('pascal_s', ''),
    ],
)  # fmt: skip
def test_which_sets_share_ids(name, collection, tmp_path):
    assert reading.make_builder(name, tmp_path).collection == collection


def test_fingerprints_are_computed_once(prepared, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    first = open_dataset('folder/one', 'train', tmp_path).fingerprints
    assert (first.dtype, first.shape) == (np.uint64, (3, 4))
    monkeypatch.setattr(reading, 'fingerprint', None)  # a call of it would fail
    again = open_dataset('folder/one', 'train', tmp_path)
    np.testing.assert_array_equal(again.fingerprints, first)
    np.testing.assert_array_equal(again.take(np.array([2, 0])).fingerprints, first[[2, 0]])


@pytest.mark.parametrize(
    'damage', [b'', b'\x93NUMPY\x01\x00\x76\x00{', None], ids=['empty', 'header', 'of fewer']
)
def test_damaged_fingerprints_are_computed_anew(prepared, tmp_path, damage):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    first = open_dataset('folder/one', 'train', tmp_path).fingerprints
    (path,) = tmp_path.rglob('fingerprints-train.npy')
    if damage is None:
        np.save(path, first[:2])
    else:
        path.write_bytes(damage)
    again = open_dataset('folder/one', 'train', tmp_path).fingerprints
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(np.load(path), first)


def test_where_nothing_may_be_written_fingerprints_are_computed_anew(
    prepared, tmp_path, monkeypatch
):
    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob('fingerprints*'):
        path.unlink()
    monkeypatch.setattr(reading.tempfile, 'TemporaryDirectory', refuse)
    assert open_dataset('folder/one', 'test', tmp_path).fingerprints.shape == (1, 4)
    assert not list(tmp_path.rglob('fingerprints*'))


def test_part_of_a_dataset_reads_its_own_images(prepared):
    whole = open_dataset('folder/one', 'train', prepared)
    part = whole.take(np.array([False, True, True]))
    assert (part.ids, len(part), part.sizes.shape) == (('1', '2'), 2, (2, 2))
    assert [part[0].id, part[1].id] == ['1', '2']
    assert part.take(np.array([1]))[0].id == '2'


def test_the_training_refuses_leaks_and_says_what_to_do(prepared, tmp_path):
    config = make_config(prepared, ('folder/one', 'test'), ('folder/other', 'test'))
    with pytest.raises(UserError) as error:
        train(config, tmp_path)
    assert str(error.value) == (
        'the configuration trains on images that it tests on:\n'
        '  1 of folder/one:train are in folder/other:test: 1 is b (they look the same)\n'
        'Leave these images out of the training with --config.data.leaks=leave_out; or name other '
        'splits in the config file (folder/one has test, train); or train on them nevertheless, '
        'with --config.data.leaks=allow'
    )
    assert not list(tmp_path.iterdir())


def test_a_refusal_names_the_first_images_only(prepared):
    config = make_config(prepared, ('folder/one', 'train'))
    config.data.train.append(c.DatasetConfig(name='folder/other', split='test'))
    config.evaluation.benchmarks.append(c.DatasetConfig(name='folder/other', split='test'))
    with pytest.raises(UserError) as error:
        resolve_leaks(open_datasets(config.data.train, config), config)
    lines = str(error.value).splitlines()[1:-1]
    assert lines[0].endswith(': 0 is 0 (the same id), 1 is 1 (the same id), 2 is 2 (the same id)')
    assert lines[2] == (
        '  1 of folder/other:test are in folder/one:train: b is 1 (they look the same)'
    )
    assert len(lines) == 4


def test_leaking_images_are_left_out_of_every_batch(prepared):
    config = make_config(prepared, ('folder/other', 'test'), leaks=c.Leaks.LEAVE_OUT)
    datasets = resolve_leaks(open_datasets(config.data.train, config), config)
    epochs = Epochs(datasets, config.data.train, config.data, seed=0)
    labels = [{'parts': 'parts'}]
    batches = MicroBatches(epochs, datasets, labels, config.data, config.tasks, seed=0, steps=6)
    seen = [name for step in range(6) for name in batches.names(step)]
    assert sorted(seen) == ['folder/one:0'] * 3 + ['folder/one:2'] * 3
    assert [batch.image.shape for batch in batches[0]] == [(1, 65, 97, 3)]


def test_allowed_leaks_are_not_even_looked_for(prepared):
    config = make_config(prepared, ('folder/nowhere', 'test'), leaks=c.Leaks.ALLOW)
    datasets = resolve_leaks(open_datasets(config.data.train, config), config)
    assert [dataset.ids for dataset in datasets] == [('0', '1', '2')]


def test_without_a_benchmark_nothing_leaks(prepared):
    config = make_config(prepared)
    assert len(resolve_leaks(open_datasets(config.data.train, config), config)[0]) == 3


class Restoring(Exception):
    """The configurations agree."""


def test_what_is_left_out_cannot_change_while_a_run_is_stopped(tmp_path, monkeypatch):
    def restore(*_) -> None:
        raise Restoring

    monkeypatch.setattr(checkpoint, 'abstract_state', restore)
    checkpoints = checkpoint.Checkpoints(tmp_path)
    for policy, refusal in (
        (
            c.Leaks.LEAVE_OUT,
            pytest.raises(UserError, match=r'evaluation\.benchmarks: .*folder/other'),
        ),
        (c.Leaks.REFUSE, pytest.raises(Restoring)),
    ):
        saved = make_config(tmp_path, ('folder/one', 'test'), leaks=policy)
        now = make_config(tmp_path, ('folder/other', 'test'), leaks=policy)
        monkeypatch.setattr(checkpoint, 'restore_config', lambda *_, saved=saved: saved)
        with pytest.raises(Restoring):
            checkpoints.restore(saved, 1, None)
        with refusal:
            checkpoints.restore(now, 1, None)
