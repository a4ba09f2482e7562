"""Every dataset: its official files are read exactly; the interface of `Dataset`."""

import pathlib
import pickle

import numpy as np
import pytest

from helpers.dataset_files import random_image, save_list, save_map
from helpers.examples import Expected, assert_same_example, make_boxes
from helpers.tiny_box_datasets import write_voc2007, write_voc2012
from helpers.tiny_multitask_datasets import WRITERS
from helpers.valid_examples import assert_valid
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders import synthetic
from ubernet_jax.datasets.builders.files import read_image
from ubernet_jax.datasets.builders.registry import BUILDERS, make_builder
from ubernet_jax.datasets.storage import records
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, Boxes, ClassMap, Lines, UnitVectors
from ubernet_jax.labels.standard import STANDARD, VOC_CLASSES

SYNTHETIC_SEEDS = {'train': range(2), 'test': range(7, 8)}
NAMES = [*WRITERS, 'synthetic']


@pytest.fixture(scope='module')
def raw(tmp_path_factory) -> pathlib.Path:
    """A data root for the tiny datasets."""
    return tmp_path_factory.mktemp('raw')


@pytest.fixture(scope='module')
def expected(raw) -> dict[str, Expected]:
    """Dataset name -> the examples that were written to `raw`."""
    return {name: write(raw) for name, write in WRITERS.items()}


@pytest.fixture(scope='module')
def prepared(raw, expected, tmp_path_factory) -> pathlib.Path:
    """A folder with all tiny datasets and three synthetic scenes, prepared."""
    directory = tmp_path_factory.mktemp('prepared')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, 'SEEDS', SYNTHETIC_SEEDS)
        prepare.main([*NAMES, '--source', str(raw), '--directory', str(directory)])
    return directory


@pytest.mark.parametrize('name', WRITERS)
def test_examples_are_read_exactly_in_the_order_of_the_list(name, expected, prepared):
    for split, examples in expected[name].items():
        dataset = open_dataset(name, split, prepared)
        assert dataset.ids == tuple(example.id for example in examples)
        for index, example in enumerate(examples):
            assert_same_example(dataset[index], example, dataset.labels)


def test_every_dataset_is_tested_here():
    assert set(NAMES) == {*BUILDERS, 'folder/tiny'}


@pytest.mark.parametrize('name', NAMES)
def test_interface_of_a_dataset(name, prepared):
    for split in make_builder(name, prepared).split_metadata:
        dataset = open_dataset(name, split, prepared)
        examples = [dataset[index] for index in range(len(dataset))]
        assert (dataset.name, dataset.split) == (name, split)
        assert len(set(dataset.ids)) == len(dataset) > 0
        assert [example.id for example in examples] == list(dataset.ids)
        assert dataset.sizes.dtype == np.int32
        np.testing.assert_array_equal(dataset.sizes, [e.image.shape[:2] for e in examples])
        labels = dataset.labels
        assert set(dataset.labelled) == set(dataset.counts) == set(labels)
        for label in labels:
            has = [label in example.labels for example in examples]
            assert dataset.labelled[label].dtype == bool
            assert dataset.labelled[label].tolist() == has
            assert (label in dataset.present_labels()) == any(has)
        for example in examples:
            assert example.kinds is labels
            assert_valid(example, labels)


def test_counts_exclude_difficult_boxes(prepared):
    folder = open_dataset('folder/tiny', 'train', prepared)
    assert folder.counts['detection'].tolist() == [2, 0, 0]  # 1 of 3 is difficult
    assert folder.labelled['detection'].tolist() == [True, False, True]
    assert folder.counts['detection'].dtype == np.int32
    assert folder.counts['parts'].tolist() == [0, 0, 0]
    assert sorted(folder.present_labels()) == sorted(STANDARD)
    assert open_dataset('folder/tiny', 'test', prepared).present_labels() == []


def test_a_prepared_dataset_has_kinds_and_classes(prepared):
    labels = {
        name: open_dataset(name, 'val', prepared).labels
        for name in ('nyud_mt', 'coco2017', 'voc2012')
    }
    assert labels['nyud_mt']['segmentation'].classes[39] == 'other prop'
    assert labels['coco2017']['detection'].classes[80] == 'toothbrush'
    assert labels['voc2012'] == {
        name: STANDARD[name] for name in ('detection', 'segmentation', 'semantic_boundaries')
    }
    assert labels['voc2012']['segmentation'].classes == VOC_CLASSES


@pytest.mark.parametrize('read_first', [False, True])
def test_a_dataset_can_be_pickled(read_first, prepared):
    dataset = open_dataset('bsds500', 'val', prepared)
    if read_first:
        dataset[0]
    copy = pickle.loads(pickle.dumps(dataset))
    assert (copy.ids, copy.labels) == (dataset.ids, dataset.labels)
    assert_same_example(copy[1], dataset[1], copy.labels)


def test_synthetic_scenes_have_all_labels_and_disjoint_splits(prepared):
    train = open_dataset('synthetic', 'train', prepared)
    test = open_dataset('synthetic', 'test', prepared)
    assert train.labels == test.labels == STANDARD
    assert all(set(train[i].labels) == set(STANDARD) for i in range(2))
    assert train.sizes.tolist() == [[161, 161]] * 2
    assert not set(train.ids) & set(test.ids)
    assert not set(synthetic.SEEDS['train']) & set(synthetic.SEEDS['test'])


def test_pascal_s_without_lists_has_only_a_test_split(tmp_path):
    source = tmp_path / 'PASCAL-S'
    for name in ('2', '1'):
        random_image(source / 'datasets/imgs/pascal' / f'{name}.jpg', 4, 5)
        save_map(source / 'datasets/masks/pascal' / f'{name}.png', np.zeros((4, 5), np.uint8))
    splits = make_builder('pascal_s', tmp_path).list_splits(source)
    assert [image.stem for image, _ in splits['test']] == ['1', '2']
    assert set(splits) == {'test'}


def test_voc_prefers_the_augmented_masks(tmp_path):
    write_voc2012(tmp_path)
    builder = make_builder('voc2012', tmp_path)
    source = builder.locate(tmp_path)
    (source / 'SegmentationClass').rename(source / 'SegmentationClassAug')
    item = builder.list_splits(source)['val'][0]
    assert item['segmentation'] == source / 'SegmentationClassAug' / '2009_000003.png'


def test_voc_has_only_the_listed_splits(tmp_path):
    write_voc2007(tmp_path)
    builder = make_builder('voc2007', tmp_path)
    source = builder.locate(tmp_path)
    (source / 'ImageSets/Main/train.txt').unlink()
    save_list(source / 'ImageSets/Main/test.txt', ('000012',))
    assert list(builder.list_splits(source)) == ['val', 'test']
    write_voc2012(tmp_path)
    builder = make_builder('voc2012', tmp_path)
    source = builder.locate(tmp_path)
    save_list(source / 'ImageSets/Main/test.txt', ('2008_000001',))  # its labels are not public
    assert list(builder.list_splits(source)) == ['train', 'val']


def test_decode_inverts_encode():
    directions = np.zeros((2, 3, 3), np.float32)
    directions[0, 0] = 0.6, 0, -0.8
    kinds = {'walls': UnitVectors(), 'weeds': ClassMap(), 'objects': Boxes(), 'edges': Lines()}
    example = Example(
        id='an id',
        image=np.arange(18, dtype=np.uint8).reshape(2, 3, 3),
        labels={
            'walls': directions,
            'weeds': np.full((2, 3), VOID, np.uint8),
            'objects': make_boxes((0, 0.1, 3, 2, 7, True)),
        },
    )
    record = records.encode(example, kinds, records.encode_image(example.image))
    decoded = records.decode(record | {'id': record['id'].encode()}, kinds)
    assert_same_example(decoded, example, kinds)  # without edges
    assert decoded.kinds is kinds
    np.testing.assert_allclose(decoded.labels['walls'], directions, atol=2e-5)


def test_a_jpeg_is_stored_unchanged_and_a_grey_picture_as_rgb(tmp_path):
    image = random_image(tmp_path / 'a.jpg', 9, 7)
    read, encoded = read_image(tmp_path / 'a.jpg')
    assert encoded == (tmp_path / 'a.jpg').read_bytes()
    np.testing.assert_array_equal(read, image)

    save_map(tmp_path / 'b.png', image[..., 0])
    read, encoded = read_image(tmp_path / 'b.png')
    np.testing.assert_array_equal(read, np.repeat(image[..., :1], 3, axis=2))
    np.testing.assert_array_equal(records.decode_image(encoded), read)


def test_the_error_about_an_unprepared_dataset_shows_the_command(tmp_path):
    with pytest.raises(UserError) as error:
        open_dataset('folder/mine', 'train', tmp_path)
    command = f'ubernet prepare folder/mine --source DIR --directory {tmp_path}'
    assert command in str(error.value)
    with pytest.raises(UserError, match='prepare synthetic --directory'):
        open_dataset('synthetic', 'train', tmp_path)


def test_the_error_about_an_older_format_shows_the_command(prepared, tmp_path):
    for name in ('pascal_s', 'folder/tiny'):
        (tmp_path / name / '2.0.0').mkdir(parents=True)
        with pytest.raises(UserError) as error:
            open_dataset(name, 'train', tmp_path)
        command = f'ubernet prepare {name} --source DIR --directory {tmp_path}'
        for part in ('2.0.0', records.VERSION, command):
            assert part in str(error.value)


@pytest.mark.parametrize('name', ['coco', 'folder', 'folder/', 'folder/../up', ''])
def test_the_error_about_an_unknown_dataset_lists_known_datasets(name, tmp_path):
    with pytest.raises(UserError, match=r'bsds500, voc2007, .*, synthetic, folder/NAME'):
        open_dataset(name, 'train', tmp_path)


def test_the_error_about_an_unknown_split_lists_the_splits(prepared):
    with pytest.raises(UserError, match=r"bsds500.*'dev'.*train, val, test"):
        open_dataset('bsds500', 'dev', prepared)
