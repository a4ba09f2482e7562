"""Duplicate photographs: how they are found, and how the training handles leaks."""

import pathlib
import shutil
import tempfile

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
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.training_sets import open_training_sets

SEEDS = {'first/train': (0, 1, 2), 'first/test': (3,), 'second/test': (4, 1)}


@pytest.fixture(scope='module')
def prepared(tmp_path_factory) -> pathlib.Path:
    """`folder/first` and `folder/second`, whose image `b` is a smaller image `1`."""
    root = tmp_path_factory.mktemp('raw')
    for folder, seeds in SEEDS.items():
        for seed, name in zip(seeds, 'ab' if 'second' in folder else '012', strict=False):
            scene = draw_scene(seed, 64, 96)
            for kind, array in (('images', scene.image), ('parts', scene.labels['parts'])):
                path = root / folder / kind / f'{name}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
    for task in ('images', 'parts'):
        path = root / 'second' / 'test' / task / 'b.png'
        Image.open(path).resize((72, 48), Image.Resampling.NEAREST).save(path)
    directory = tmp_path_factory.mktemp('prepared')
    arguments = ['--source', str(root), '--directory', str(directory)]
    prepare.main(['folder/first', 'folder/second', *arguments])
    return directory


def make_config(directory: pathlib.Path, *benchmarks: tuple[str, str], **data) -> c.Config:
    return c.Config(
        steps=1,
        tasks={'parts': c.PAPER['parts']()},
        model=c.ModelConfig(width=1 / 32, scales=1, initialisation=c.Initialisation.RANDOM),
        data=c.DataConfig(
            directory=str(directory),
            train=[c.DatasetConfig(name='folder/first', split='train')],
            buckets=((65, 97),),
            **data,
        ),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name=name, split=split) for name, split in benchmarks]
        ),
    )


def make_dataset(name: str, ids: tuple[str, ...], seeds: tuple[int, ...], **fields) -> Dataset:
    """Makes a dataset without records; images with the same seed have the same fingerprint."""
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


def test_ids_are_compared_only_if_datasets_share_a_collection():
    ours = make_dataset('sbd', ('2008_1', '2008_2', '2008_3'), (1, 2, 3), collection='VOC')
    theirs = make_dataset('voc', ('2008_3', '2008_4', '2008_1'), (8, 2, 9), collection='VOC')
    assert pairs(find_duplicates(ours, theirs)) == [
        ('2008_1', '2008_1', Evidence.ID),
        ('2008_2', '2008_4', Evidence.FINGERPRINT),
        ('2008_3', '2008_3', Evidence.ID),
    ]
    unrelated = make_dataset('mine', ('2008_1', 'x'), (7, 3))
    assert pairs(find_duplicates(ours, unrelated)) == [('2008_3', 'x', Evidence.FINGERPRINT)]


def test_each_repeat_is_found_once():
    dataset = make_dataset('mine', tuple('abcde'), (1, 2, 1, 3, 2))
    repeats = pairs(find_repeats(dataset))
    assert [pair[:2] for pair in repeats] == [('a', 'c'), ('b', 'e')]


def test_all_images_of_a_dataset_leak_into_itself():
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
def test_collections(name, collection, tmp_path):
    assert reading.make_builder(name, tmp_path).collection == collection


def test_fingerprints_are_computed_once(prepared, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    first = open_dataset('folder/first', 'train', tmp_path).fingerprints
    assert (first.dtype, first.shape) == (np.uint64, (3, 4))
    monkeypatch.setattr(reading, 'fingerprint', None)  # so that a call fails
    again = open_dataset('folder/first', 'train', tmp_path)
    np.testing.assert_array_equal(again.fingerprints, first)
    np.testing.assert_array_equal(again.take(np.array([2, 0])).fingerprints, first[[2, 0]])


@pytest.mark.parametrize(
    'damage', [b'', b'\x93NUMPY\x01\x00\x76\x00{', None], ids=['empty', 'header', 'too few']
)
def test_damaged_fingerprints_are_recomputed(prepared, tmp_path, damage):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    first = open_dataset('folder/first', 'train', tmp_path).fingerprints
    (path,) = tmp_path.rglob('fingerprints-train.npy')
    if damage is None:
        np.save(path, first[:2])
    else:
        path.write_bytes(damage)
    again = open_dataset('folder/first', 'train', tmp_path).fingerprints
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(np.load(path), first)


def test_fingerprints_are_computed_in_a_read_only_folder(prepared, tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob('fingerprints*'):
        path.unlink()
    monkeypatch.setattr(tempfile, 'TemporaryDirectory', refuse)
    assert open_dataset('folder/first', 'test', tmp_path).fingerprints.shape == (1, 4)
    assert not list(tmp_path.rglob('fingerprints*'))


def test_take_selects_images(prepared):
    full = open_dataset('folder/first', 'train', prepared)
    part = full.take(np.array([False, True, True]))
    assert (part.ids, len(part), part.sizes.shape) == (('1', '2'), 2, (2, 2))
    assert [part[0].id, part[1].id] == ['1', '2']
    assert part.take(np.array([1]))[0].id == '2'


def test_the_training_refuses_leaks(prepared, tmp_path):
    config = make_config(prepared, ('folder/first', 'test'), ('folder/second', 'test'))
    with pytest.raises(UserError) as error:
        train(config, tmp_path)
    for part in (
        '1 of folder/first:train are in folder/second:test: 1 is b (they look the same)\n',
        '--config.data.leaks=leave_out',
        'folder/first has test, train',
        '--config.data.leaks=allow',
    ):
        assert part in str(error.value)
    assert not list(tmp_path.iterdir())


def open_and_resolve(config: c.Config) -> list[Dataset]:
    training, benchmarks = (
        open_datasets('data.train', settings, config.data.directory)
        for settings in (config.data.train, config.evaluation.benchmarks)
    )
    return resolve_leaks(training, config.data.leaks, benchmarks)


def test_the_refusal_names_only_the_first_images(prepared):
    config = make_config(prepared, ('folder/first', 'train'))
    config.data.train.append(c.DatasetConfig(name='folder/second', split='test'))
    config.evaluation.benchmarks.append(c.DatasetConfig(name='folder/second', split='test'))
    with pytest.raises(UserError) as error:
        open_and_resolve(config)
    lines = str(error.value).splitlines()[1:-1]
    assert len(lines) == 4
    assert lines[0].count('(the same id)') == 3
    assert lines[2] == (
        '  1 of folder/second:test are in folder/first:train: b is 1 (they look the same)'
    )


def test_leaking_images_are_left_out_of_every_batch(prepared):
    config = make_config(prepared, ('folder/second', 'test'), leaks=c.Leaks.LEAVE_OUT)
    config, sets = open_training_sets(config)
    batches = MicroBatches(Epochs(sets, config.data, seed=0), config.tasks, seed=0, steps=6)
    seen = [name for step in range(6) for name in batches.names(step)]
    assert sorted(seen) == ['folder/first:0'] * 3 + ['folder/first:2'] * 3
    assert [batch.image.shape for batch in batches[0]] == [(1, 65, 97, 3)]


def test_allowed_leaks_are_not_searched(prepared):
    training = open_datasets('data.train', make_config(prepared).data.train, str(prepared))
    datasets = resolve_leaks(training, c.Leaks.ALLOW, benchmarks=training)
    assert [dataset.ids for dataset in datasets] == [('0', '1', '2')]


def test_without_a_benchmark_nothing_leaks(prepared):
    config = make_config(prepared)
    assert len(open_and_resolve(config)[0]) == 3


class Restoring(Exception):
    """Raised in place of restoring, once the configurations agree."""


def test_the_benchmarks_that_define_left_out_images_cannot_change_on_resume(tmp_path, monkeypatch):
    def restore(*_) -> None:
        raise Restoring

    monkeypatch.setattr(checkpoint, 'abstract_state', restore)
    checkpoints = checkpoint.Checkpoints(tmp_path)
    for policy, refusal in (
        (
            c.Leaks.LEAVE_OUT,
            pytest.raises(UserError, match=r'evaluation\.benchmarks: .*folder/second'),
        ),
        (c.Leaks.REFUSE, pytest.raises(Restoring)),
    ):
        saved = make_config(tmp_path, ('folder/first', 'test'), leaks=policy)
        now = make_config(tmp_path, ('folder/second', 'test'), leaks=policy)
        monkeypatch.setattr(checkpoint, 'restore_config', lambda *_, saved=saved: saved)
        with pytest.raises(Restoring):
            checkpoints.restore(saved, 1, None)
        with refusal:
            checkpoints.restore(now, 1, None)
