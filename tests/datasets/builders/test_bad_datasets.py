"""Errors in raw datasets: `prepare` fails with a message that names the file."""

import os
import unicodedata

import numpy as np
import pytest
import scipy.io

from helpers.damages import truncate
from helpers.dataset_files import random_image, save_list, write_ground_truth
from helpers.tiny_box_datasets import write_voc2007, write_voc2012
from helpers.tiny_datasets import write_bsds500, write_pascal_s
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.files import list_images
from ubernet_jax.datasets.builders.left_out import LeftOut
from ubernet_jax.errors import UserError


def test_no_data_root(tmp_path):
    with pytest.raises(UserError, match=r'bsds500.*--source DIR'):
        prepare.main(['bsds500', '--directory', str(tmp_path)])


def test_a_missing_data_root(tmp_path, refuses):
    refuses('voc2012', f'--source {tmp_path / "none"}', source=tmp_path / 'none')


def test_an_empty_data_root(tmp_path, refuses):
    (tmp_path / 'empty').mkdir()
    refuses('voc2012', f'--source {tmp_path / "empty"}', 'empty', source=tmp_path / 'empty')


def test_a_data_root_without_the_dataset(tmp_path, refuses):
    write_bsds500(tmp_path)
    for name, folder in (('voc2012', 'VOCdevkit/VOC2012'), ('folder/tiny', 'folder/tiny')):
        refuses(name, f'--source {tmp_path} ', name, tmp_path / folder)


def test_a_missing_file_of_a_list(tmp_path, refuses):
    write_voc2012(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2012'
    missing = voc / 'SegmentationClass' / '2007_000001.png'
    missing.unlink()
    refuses('voc2012', missing, voc / 'ImageSets/Segmentation/train.txt')


def test_voc_of_another_year(tmp_path, refuses):
    write_voc2007(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2007'
    refuses('voc2012', f'--source {voc} ', 'voc2012', source=voc)


def test_voc_without_any_list(tmp_path, refuses):
    write_voc2007(tmp_path)
    lists = tmp_path / 'VOCdevkit' / 'VOC2007' / 'ImageSets'
    for path in lists.rglob('*.txt'):
        path.unlink()
    refuses('voc2007', lists, 'train.txt or val.txt or test.txt', 'Main or Segmentation')


def test_a_missing_list(tmp_path, refuses):
    write_pascal_s(tmp_path)
    (tmp_path / 'PASCAL-S' / 'test.txt').unlink()
    refuses('pascal_s', tmp_path / 'PASCAL-S' / 'test.txt')


@pytest.mark.parametrize(
    ('ids', 'message'), [((), 'no image'), (('7', '12', '7'), ' 7 more than once')]
)
def test_an_empty_list_or_a_repeated_id(ids, message, tmp_path, refuses):
    write_pascal_s(tmp_path)
    path = tmp_path / 'PASCAL-S' / 'train.txt'
    save_list(path, ids)
    refuses('pascal_s', path, message)


def test_a_dataset_without_images(tmp_path, refuses):
    for folder in ('BSDS500/data/images/train', 'PASCAL-S/datasets/imgs/pascal'):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / 'Thumbs.db').touch()
    refuses('bsds500', tmp_path / 'BSDS500/data/images/train', '.jpg')
    refuses('pascal_s', tmp_path / 'PASCAL-S/datasets/imgs/pascal', '.jpg')


def test_a_missing_ground_truth(tmp_path, refuses):
    write_bsds500(tmp_path)
    missing = tmp_path / 'BSDS500/data/groundTruth/val/101.mat'
    missing.unlink()
    refuses('bsds500', missing)


def test_a_damaged_ground_truth(tmp_path, refuses):
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/groundTruth/val/101.mat'
    truncate(path)
    refuses('bsds500', f'{path}: groundTruth')
    scipy.io.savemat(path, {'other': np.ones(3)})
    refuses('bsds500', path, 'no variable groundTruth')
    scipy.io.savemat(path, {'groundTruth': np.ones(3)})
    refuses('bsds500', f'{path}: groundTruth', 'structure')


def test_a_ground_truth_of_another_size(tmp_path, refuses):
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/groundTruth/test/201.mat'
    write_ground_truth(path, np.zeros((2, 30, 22), np.uint8))
    refuses('bsds500', path, '22 x 30', '30 x 22')


def test_a_file_name_that_differs_in_upper_and_lower_case(tmp_path, refuses):
    write_voc2012(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2012'
    image = voc / 'JPEGImages' / '2007_000001.jpg'
    renamed = image.rename(image.with_suffix('.JPG'))
    refuses('voc2012', image, renamed, 'upper and lower case')
    renamed.rename(image)
    masks = voc / 'SegmentationClass'
    renamed = masks.rename(voc / 'segmentationclass')
    refuses('voc2012', masks, renamed, 'upper and lower case')


def test_images_without_a_list_may_end_in_upper_case(tmp_path, refuses):
    write_bsds500(tmp_path)
    folder = tmp_path / 'BSDS500/data/images/train'
    (folder / '001.jpg').rename(folder / '001.JPG')
    assert list_images(folder, LeftOut()) == [folder / '001.JPG', folder / '002.jpg']
    random_image(folder / '001.jpg', 20, 30)
    refuses('bsds500', folder / '001.JPG', '001.jpg')


def test_a_link_out_of_the_source(tmp_path, tmp_path_factory, refuses):
    write_bsds500(tmp_path)
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    path = tmp_path / 'BSDS500/data/images/val/101.jpg'
    path.rename(elsewhere / '101.jpg')
    path.symlink_to(elsewhere / '101.jpg')
    refuses('bsds500', path, elsewhere / '101.jpg', '--source')
    path.unlink()
    folder = tmp_path / 'BSDS500/data/groundTruth/test'
    (elsewhere / '101.jpg').rename(path)
    folder.rename(elsewhere / 'test')
    folder.symlink_to(elsewhere / 'test')
    refuses('bsds500', f'{folder}/201.mat', f'{elsewhere}/test/201.mat')


def test_links_within_the_source_are_followed(tmp_path):
    write_bsds500(tmp_path)
    (tmp_path / 'BSDS500').rename(tmp_path / 'downloads')
    (tmp_path / 'BSDS500').symlink_to(tmp_path / 'downloads')
    prepare.main(['bsds500', '--source', str(tmp_path), '--directory', str(tmp_path / 'prepared')])


def test_a_file_without_read_permission(tmp_path, refuses, monkeypatch):
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/images/val/101.jpg'
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser can read everything
        monkeypatch.setattr(os, 'access', lambda file, mode: file != path)
    refuses('bsds500', path, 'chmod')


@pytest.mark.parametrize('source', ['.', 'folder', 'folder/tiny'])
def test_images_without_a_split(source, tmp_path, refuses):
    random_image(tmp_path / 'folder/tiny/images/a.png', 6, 8)
    folder = tmp_path / 'folder/tiny'
    parts = (folder / 'images', folder / 'train' / 'images')
    refuses('folder/tiny', *parts, source=tmp_path / source)


def test_images_of_two_suffixes_with_the_same_id(tmp_path, refuses):
    write_bsds500(tmp_path)
    image = tmp_path / 'BSDS500/data/images/val/101.jpg'
    random_image(image.with_suffix('.PNG'), 20, 30)
    refuses('bsds500', image.with_suffix('.PNG'), '101.jpg')


def test_a_listed_file_in_another_unicode_form(tmp_path, refuses):
    write_pascal_s(tmp_path)
    listed, found = (unicodedata.normalize(form, 'é.jpg') for form in ('NFC', 'NFD'))
    images = tmp_path / 'PASCAL-S/datasets/imgs/pascal'
    random_image(images / found, 6, 8)
    save_list(tmp_path / 'PASCAL-S/train.txt', ('é',))
    refuses('pascal_s', images / listed, images / found)
