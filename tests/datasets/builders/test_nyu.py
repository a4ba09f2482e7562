"""The two NYU datasets: frames, crops, normals, classes and files of other copies."""

import numpy as np
import pytest
from PIL import Image

from helpers.dataset_files import save_map
from helpers.official_layouts import read_first
from helpers.tiny_matlab_datasets import (
    NYU_SHAPE,
    room_normals,
    save_matlab_73,
    write_nyud_mt,
    write_nyudv2_toolbox,
)
from ubernet_jax.datasets.builders.nyud_mt import NYUD_CLASSES
from ubernet_jax.errors import UserError


def test_the_two_crops_of_nyu_frames(tmp_path):
    write_nyudv2_toolbox(tmp_path)
    path = tmp_path / 'NYUv2' / 'nyu_depth_v2_labeled.mat'
    images = np.zeros((*NYU_SHAPE, 3, 4), np.uint8)
    images[44, 40], images[470, 600] = 10, 20  # MATLAB's (45, 41) and (471, 601)
    images[45, 40], images[469, 599] = 30, 40  # MATLAB's (46, 41) and (470, 600)
    depths = np.ones((*NYU_SHAPE, 4), np.float32)
    save_matlab_73(path, {'images': images, 'depths': depths})
    toolbox = read_first('nyudv2', tmp_path).image
    gupta = read_first('nyudv2_gupta', tmp_path).image
    assert toolbox.shape == (427, 561, 3)
    assert (toolbox[0, 0, 0], toolbox[-1, -1, 0]) == (10, 20)
    assert gupta.shape == (425, 560, 3)
    assert (gupta[0, 0, 0], gupta[-1, -1, 0]) == (30, 40)


def test_normals_in_pictures_are_numbered_from_0_and_unknown_outside_the_mask(tmp_path):
    write_nyudv2_toolbox(tmp_path)
    source = tmp_path / 'NYUv2'
    (source / 'norm_gt_l.mat').unlink()
    true = room_normals(*NYU_SHAPE)
    x, y, z = np.moveaxis(true, -1, 0)
    stored = np.rint(127.5 * (1 + np.stack([x, z, y], axis=-1))).astype(np.uint8)
    for number in (1, 2, 4):
        name = f'{number - 1:04d}.png'
        save_map(source / 'normals_gt' / 'normals' / name, stored)
        mask = np.zeros(NYU_SHAPE, np.uint8)
        mask[:, : 100 * number] = 255
        save_map(source / 'normals_gt' / 'masks' / name, mask)
    example = read_first('nyudv2', tmp_path)
    assert example.id == '0004'
    normals = example.labels['normals']
    assert not normals[:, 360:].any()  # column 400 of the frame
    np.testing.assert_allclose(normals[:, :360], true[44:471, 40:400], atol=0.01)
    (source / 'normals_gt' / 'masks' / '0001.png').unlink()
    with pytest.raises(UserError, match=r'masks/0001\.png.*splits\.mat'):
        read_first('nyudv2', tmp_path)


def test_nyu_without_normals(tmp_path, refuses):
    write_nyudv2_toolbox(tmp_path)
    (tmp_path / 'NYUv2' / 'norm_gt_l.mat').unlink()
    refuses('nyudv2', 'no normals', 'norm_gt_l.mat and masks.mat', 'normals_gt')


def test_the_nyud_classes(tmp_path, refuses):
    assert len(NYUD_CLASSES) == 40
    write_nyud_mt(tmp_path)
    path = tmp_path / 'NYUD_MT' / 'segmentation' / '0005.png'
    classes = np.zeros((60, 80), np.uint8)
    classes[0, :4] = 0, 1, 40, 255
    save_map(path, classes)
    label = read_first('nyud_mt', tmp_path).labels['segmentation']
    assert label[0, :4].tolist() == [255, 0, 39, 255]
    assert (NYUD_CLASSES[0], NYUD_CLASSES[39]) == ('wall', 'other prop')
    classes[0, 0] = 41
    save_map(path, classes)
    refuses('nyud_mt', path, 'class index 41 ', '0 to 40')


def test_nyud_normals_in_jpeg_pictures(tmp_path):
    write_nyud_mt(tmp_path)
    true = room_normals(60, 80)
    for name in ('0001', '0003', '0005'):
        path = tmp_path / 'NYUD_MT' / 'normals' / f'{name}.jpg'
        path.with_suffix('.npy').unlink()
        picture = Image.fromarray(np.rint(127.5 * (1 - true[..., ::-1])).astype(np.uint8))
        picture.save(path, quality=95)
    normals = read_first('nyud_mt', tmp_path).labels['normals']
    cosine = (normals * true).sum(axis=-1)
    assert np.median(np.degrees(np.arccos(np.clip(cosine, -1, 1)))) < 3


def test_nyud_as_in_atrc(tmp_path):
    """Every file is a PNG picture, except the depth."""
    write_nyud_mt(tmp_path)
    true, source = room_normals(60, 80), tmp_path / 'NYUD_MT'
    for name in ('0001', '0003', '0005'):
        image = source / 'images' / f'{name}.jpg'
        with Image.open(image) as picture:
            picture.save(image.with_suffix('.png'))
        image.unlink()
        normals = source / 'normals' / f'{name}.npy'
        normals.unlink()
        picture = Image.fromarray(np.rint(127.5 * (1 + true)).astype(np.uint8))
        picture.save(normals.with_suffix('.png'))
    labels = read_first('nyud_mt', tmp_path).labels
    assert (labels['normals'] * true).sum(axis=-1).min() > 0.999
    assert labels['depth'].max() == 9


def test_nyud_images_of_two_suffixes(tmp_path, refuses):
    write_nyud_mt(tmp_path)
    image = tmp_path / 'NYUD_MT/images/0005.jpg'
    with Image.open(image) as picture:
        picture.save(image.with_suffix('.png'))
    refuses('nyud_mt', image, '0005.png')


def test_nyud_edges_of_another_shape(tmp_path, refuses):
    write_nyud_mt(tmp_path)
    path = tmp_path / 'NYUD_MT' / 'edge' / '0005.npy'
    np.save(path, np.zeros((60, 80, 2)))
    refuses('nyud_mt', path, '(60, 80, 2)')
