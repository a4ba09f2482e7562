"""The field's multi-task benchmarks: missing files, wrong values, axes of the normals."""

import shutil

import numpy as np
import pytest

from helpers.dataset_files import save_map, write_json
from helpers.official_layouts import read_first
from helpers.tiny_matlab_datasets import PICTURE_SHAPE, room_normals, save_matlab
from helpers.tiny_multitask_datasets import (
    WALL,
    WRITERS,
    write_cityscapes,
    write_cityscapes_mtan,
    write_nyuv2_mtan,
    write_pascal_mt,
)
from ubernet_jax.datasets.builders.registry import BUILDERS, make_builder


def test_the_official_counts():
    counts = {name: dict(BUILDERS[name].card.counts) for name in WRITERS if name in BUILDERS}
    assert counts['pascal_mt'] == {'train': 4998, 'val': 5105}
    assert counts['nyud_mt'] == counts['nyuv2_mtan'] == {'train': 795, 'val': 654}
    assert counts['cityscapes'] == counts['cityscapes_mtan'] == {'train': 2975, 'val': 500}


@pytest.mark.parametrize(
    ('name', 'folder', 'file'),
    [
        ('pascal_mt', 'PASCAL_MT/sal_distill', '2008_000015.png'),
        ('pascal_mt', 'PASCAL_MT/human_parts', '2008_000015.mat'),
        ('pascal_mt', 'PASCAL_MT/semseg', 'pascal-context/2008_000015.png'),
        ('pascal_mt', 'PASCAL_MT/pascal-context', 'trainval/2008_000015.mat'),
        ('nyuv2_mtan', 'nyuv2/val/depth', '0.npy'),
        ('cityscapes', 'cityscapes/gtFine', 'train/aachen/aachen_000000_000019_gtFine_labelIds'),
        ('cityscapes', 'cityscapes/camera', 'train/aachen/aachen_000000_000019_camera.json'),
        ('cityscapes', 'cityscapes/leftImg8bit/val', 'leftImg8bit_trainvaltest.zip'),
        ('cityscapes_mtan', 'cityscapes2/val/image', '.npy'),
    ],
)
def test_a_missing_folder_is_named(name, folder, file, tmp_path, refuses):
    WRITERS[name](tmp_path)
    shutil.rmtree(tmp_path / folder)
    refuses(name, tmp_path / folder, file)


@pytest.mark.parametrize(
    ('name', 'folder', 'archive'),
    [
        ('pascal_mt', 'PASCAL_MT/ImageSets/Context', 'PASCAL_MT.tgz'),
        ('nyuv2_mtan', 'nyuv2/train/normal', 'nyuv2'),
        ('cityscapes_mtan', 'cityscapes2/train/label_7', '128x256'),
    ],
)
def test_without_its_mark_a_dataset_is_not_found(name, folder, archive, tmp_path, refuses):
    WRITERS[name](tmp_path)
    shutil.rmtree(tmp_path / folder)
    refuses(name, 'none of these exist', folder.rpartition('/')[2].split('_')[0], archive)


@pytest.mark.parametrize('signs', [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_the_axes_of_distilled_normals_are_found_and_reported(signs, tmp_path):
    write_pascal_mt(tmp_path)
    stored = room_normals(*PICTURE_SHAPE) * signs
    for path in (tmp_path / 'PASCAL_MT/normals_distill').iterdir():
        save_map(path, np.rint(127.5 * (1 + stored)).astype(np.uint8))
    builder = make_builder('pascal_mt', tmp_path / 'prepared')
    item, _ = builder.list_splits(builder.locate(tmp_path))['train']
    normals = builder.read(item)[0].labels['normals']
    known = normals.any(axis=-1)
    assert (normals * room_normals(*PICTURE_SHAPE)).sum(axis=-1)[known].min() > 0.99
    (remark,) = builder.remarks
    axes = [f'{"-" * (sign < 0)}channel {index}' for index, sign in enumerate(signs)]
    assert remark.endswith('right = {}, up = {}, near = {}'.format(*axes))


def test_normals_are_unknown_outside_of_the_classes_of_nyu(tmp_path):
    write_pascal_mt(tmp_path)
    classes = np.full(PICTURE_SHAPE, WALL, np.uint16)
    classes[:, 16:] = 360  # sky
    path = tmp_path / 'PASCAL_MT/pascal-context/trainval/2008_000015.mat'
    save_matlab(path, {'LabelMap': classes})
    known = read_first('pascal_mt', tmp_path).labels['normals'].any(axis=-1)
    assert known[:, :16].all() and not known[:, 16:].any()


def test_a_context_map_of_another_size(tmp_path, refuses):
    write_pascal_mt(tmp_path)
    path = tmp_path / 'PASCAL_MT/pascal-context/trainval/2008_000015.mat'
    save_matlab(path, {'LabelMap': np.full((3, 4), WALL, np.uint16)})
    refuses('pascal_mt', path)


def test_cityscapes_without_disparity_has_no_depth(tmp_path):
    write_cityscapes(tmp_path)
    shutil.rmtree(tmp_path / 'cityscapes/disparity')
    builder = make_builder('cityscapes', tmp_path / 'prepared')
    item, _ = builder.list_splits(builder.locate(tmp_path))['train']
    assert set(builder.read(item)[0].labels) == {'segmentation'}
    (remark,) = builder.remarks
    assert str(tmp_path / 'cityscapes/disparity') in remark


@pytest.mark.parametrize(
    ('camera', 'part'),
    [({}, 'extrinsic'), ({'extrinsic': {'baseline': 0}, 'intrinsic': {'fx': 1}}, 'is 0')],
)
def test_a_camera_without_numbers(camera, part, tmp_path, refuses):
    write_cityscapes(tmp_path)
    path = tmp_path / 'cityscapes/camera/train/aachen/aachen_000000_000019_camera.json'
    write_json(path, camera)
    refuses('cityscapes', path, part)


def test_an_unknown_id_of_cityscapes(tmp_path, refuses):
    write_cityscapes(tmp_path)
    path = tmp_path / 'cityscapes/gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png'
    save_map(path, np.full((16, 34), 34, np.uint8))
    refuses('cityscapes', path, 'class index 34 ')


def test_the_folder_of_classes_as_in_libmtl(tmp_path):
    write_cityscapes_mtan(tmp_path)
    for split in ('train', 'val'):
        folder = tmp_path / 'cityscapes2' / split / 'label_7'
        folder.rename(folder.with_name('label'))
    assert 'segmentation' in read_first('cityscapes_mtan', tmp_path).labels


@pytest.mark.parametrize(
    ('folder', 'array', 'part'),
    [
        ('image', np.full((24, 32, 3), 2.0), 'float64 (24, 32, 3)'),
        ('image', np.zeros((24, 32, 3), np.uint8), 'uint8 (24, 32, 3)'),
        ('label', np.full((24, 32), 13.0), 'value 13'),
        ('label', np.full((24, 32), 0.5), 'value 0.5'),
        ('label', np.zeros((12, 16)), '12'),
        ('depth', np.full((24, 32, 1), -1.0), 'float64 (24, 32, 1)'),
        ('depth', np.zeros((24, 32)), 'float64 (24, 32)'),
    ],
)
def test_wrong_arrays(folder, array, part, tmp_path, refuses):
    write_nyuv2_mtan(tmp_path)
    path = tmp_path / 'nyuv2/train' / folder / '2.npy'
    np.save(path, array)
    refuses('nyuv2_mtan', path, part)


def test_files_that_are_not_numbered(tmp_path, refuses):
    write_nyuv2_mtan(tmp_path)
    path = tmp_path / 'nyuv2/train/image/2.npy'
    path.rename(path.with_name('two.npy'))
    refuses('nyuv2_mtan', 'two.npy', '0.npy')
