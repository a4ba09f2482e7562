"""Each error of a raw dataset ends its preparation with a message that names the file."""

import os
import pathlib
import shutil

import numpy as np
import pytest
import scipy.io
from PIL import Image

from helpers.tiny_datasets import (
    random_image,
    save_list,
    save_map,
    write_bsds500,
    write_ground_truth,
    write_pascal_s,
    write_voc2007,
    write_voc2012,
)
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.files import list_images
from ubernet_jax.errors import UserError


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_no_data_root(tmp_path):
    with pytest.raises(UserError, match=r'bsds500 is made from files; .*--source DIR'):
        prepare.main(['bsds500', '--directory', str(tmp_path)])


def test_a_missing_data_root(tmp_path, refuses):
    refuses('voc2012', f'{tmp_path / "none"} is not a folder', source=tmp_path / 'none')


def test_an_empty_data_root(tmp_path, refuses):
    (tmp_path / 'empty').mkdir()
    refuses('voc2012', f'{tmp_path / "empty"} is an empty folder', source=tmp_path / 'empty')


def test_a_data_root_without_the_set(tmp_path, refuses):
    write_bsds500(tmp_path)
    refuses('voc2012', f'{tmp_path} does not hold voc2012', tmp_path / 'VOCdevkit/VOC2012')
    refuses('folder/tiny', f'{tmp_path} does not hold folder/tiny', tmp_path / 'folder/tiny')


def test_a_file_that_a_list_names_is_missing(tmp_path, refuses):
    write_voc2012(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2012'
    missing = voc / 'SegmentationClass' / '2007_000001.png'
    missing.unlink()
    refuses('voc2012', f'no file {missing}', voc / 'ImageSets/Segmentation/train.txt')


def test_voc_of_another_year(tmp_path, refuses):
    write_voc2007(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2007'
    refuses('voc2012', f'{voc} does not hold voc2012', source=voc)


def test_voc_without_any_list(tmp_path, refuses):
    write_voc2007(tmp_path)
    lists = tmp_path / 'VOCdevkit' / 'VOC2007' / 'ImageSets'
    for path in lists.rglob('*.txt'):
        path.unlink()
    refuses('voc2007', f'{lists} has no train.txt or val.txt or test.txt in Main or Segmentation')


def test_a_missing_list(tmp_path, refuses):
    write_pascal_s(tmp_path)
    (tmp_path / 'PASCAL-S' / 'test.txt').unlink()
    refuses('pascal_s', f'no file {tmp_path / "PASCAL-S" / "test.txt"}')


@pytest.mark.parametrize(
    ('ids', 'message'), [((), 'lists no image'), (('7', '12', '7'), 'names 7 more than once')]
)
def test_a_list_that_is_empty_or_repeats(ids, message, tmp_path, refuses):
    write_pascal_s(tmp_path)
    path = tmp_path / 'PASCAL-S' / 'train.txt'
    save_list(path, ids)
    refuses('pascal_s', path, message)


def test_a_set_without_images(tmp_path, refuses):
    for folder in ('BSDS500/data/images/train', 'PASCAL-S/datasets/imgs/pascal'):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / 'Thumbs.db').touch()
    refuses('bsds500', f'{tmp_path / "BSDS500/data/images/train"} holds no .jpg')
    refuses('pascal_s', f'{tmp_path / "PASCAL-S/datasets/imgs/pascal"} holds no .jpg')


def test_a_missing_ground_truth(tmp_path, refuses):
    write_bsds500(tmp_path)
    missing = tmp_path / 'BSDS500/data/groundTruth/val/101.mat'
    missing.unlink()
    refuses('bsds500', f'no file {missing}')


def test_a_broken_ground_truth(tmp_path, refuses):
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/groundTruth/val/101.mat'
    truncate(path)
    refuses('bsds500', f'{path}: groundTruth cannot be read')
    scipy.io.savemat(path, {'other': np.ones(3)})
    refuses('bsds500', f'{path} has no variable groundTruth')
    scipy.io.savemat(path, {'groundTruth': np.ones(3)})
    refuses('bsds500', f'{path}: groundTruth has another structure than expected')


def test_a_ground_truth_of_another_size(tmp_path, refuses):
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/groundTruth/test/201.mat'
    write_ground_truth(path, np.zeros((2, 30, 22), np.uint8))
    refuses('bsds500', path, 'has 22 x 30', 'image has 30 x 22')


def test_a_file_in_other_upper_and_lower_case(tmp_path, refuses):
    write_voc2012(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2012'
    image = voc / 'JPEGImages' / '2007_000001.jpg'
    other = image.rename(image.with_suffix('.JPG'))
    refuses('voc2012', f'no file {image}', f'there is {other}, in other upper and lower case')
    other.rename(image)
    masks = voc / 'SegmentationClass'
    other = masks.rename(voc / 'segmentationclass')
    refuses('voc2012', f'no file {masks}', f'there is {other}, in other upper and lower case')


def test_images_without_a_list_may_end_in_upper_case(tmp_path, refuses):
    write_bsds500(tmp_path)
    folder = tmp_path / 'BSDS500/data/images/train'
    (folder / '001.jpg').rename(folder / '001.JPG')
    assert list_images(folder) == [folder / '001.JPG', folder / '002.jpg']
    random_image(folder / '001.jpg', 20, 30)
    refuses('bsds500', folder / '001.JPG', '001.jpg have one ID')


def test_a_link_out_of_the_source(tmp_path, tmp_path_factory, refuses):
    write_bsds500(tmp_path)
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    path = tmp_path / 'BSDS500/data/images/val/101.jpg'
    path.rename(elsewhere / '101.jpg')
    path.symlink_to(elsewhere / '101.jpg')
    refuses('bsds500', f'{path} leads by a symbolic link to {elsewhere / "101.jpg"}', '--source')
    path.unlink()
    folder = tmp_path / 'BSDS500/data/groundTruth/test'
    (elsewhere / '101.jpg').rename(path)
    folder.rename(elsewhere / 'test')
    folder.symlink_to(elsewhere / 'test')
    refuses('bsds500', f'{folder}/201.mat leads by a symbolic link to {elsewhere}/test/201.mat')


def test_links_within_the_source_are_followed(tmp_path):
    write_bsds500(tmp_path)
    (tmp_path / 'BSDS500').rename(tmp_path / 'downloads')
    (tmp_path / 'BSDS500').symlink_to(tmp_path / 'downloads')
    prepare.main(['bsds500', '--source', str(tmp_path), '--directory', str(tmp_path / 'prepared')])


def test_a_file_that_may_not_be_read(tmp_path, refuses, monkeypatch):
    write_bsds500(tmp_path)
    path = tmp_path / 'BSDS500/data/images/val/101.jpg'
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read everything
        monkeypatch.setattr(os, 'access', lambda file, mode: file != path)
    refuses('bsds500', f'{path} may not be read by this user', 'chmod')


@pytest.mark.parametrize('name', ['images/a.png', 'images/b.jpg'])
def test_a_truncated_image(name, tiny, refuses):
    truncate(tiny / name)
    refuses('folder/tiny', f'{tiny / name}: cannot be read as a picture')


@pytest.mark.parametrize('name', ['parts/a.png', 'saliency/a.png', 'normals/a.png'])
def test_a_truncated_label(name, tiny, refuses):
    truncate(tiny / name)
    refuses('folder/tiny', f'{tiny / name}: cannot be read as a picture')


def test_a_truncated_array(tiny, refuses):
    truncate(tiny / 'normals' / 'b.npy')
    refuses('folder/tiny', f'{tiny / "normals" / "b.npy"}: cannot be read as an array')


@pytest.mark.parametrize('task', ['boundaries', 'segmentation', 'normals'])
def test_a_label_of_another_size_names_both(task, tiny, refuses):
    shape = (6, 7, 3) if task == 'normals' else (6, 7)
    path = tiny / task / 'a.png'
    save_map(path, np.zeros(shape, np.uint8))
    refuses('folder/tiny', path, 'label has 7 x 6', 'image has 8 x 6')


@pytest.mark.parametrize(('task', 'highest'), [('parts', 6), ('segmentation', 20)])
def test_a_class_out_of_range_names_it_and_what_is_allowed(task, highest, tiny, refuses):
    path = tiny / task / 'a.png'
    label = np.zeros((6, 8), np.uint8)
    label[2, 3] = highest + 1
    save_map(path, label)
    message = f'class index {highest + 1} is out of range; allowed are 0 to {highest}, and 255'
    refuses('folder/tiny', path, message)


def test_a_list_of_classes_with_too_few(tiny, refuses):
    names = tiny.parent / 'parts.txt'
    names.write_text('background')
    refuses('folder/tiny', names, 'names 1 classes; allowed are 2 to 255')


def test_classes_of_ones_own_decide_what_is_allowed(tiny, refuses):
    save_map(tiny / 'parts' / 'a.png', np.full((6, 8), 8, np.uint8))
    names = tiny.parent / 'parts.txt'
    names.write_text('\n'.join(['background', *'abcdefg']))
    refuses('folder/tiny', tiny / 'parts' / 'a.png', 'allowed are 0 to 7')
    names.write_text('\n'.join(['background', *'abcdefgh']))
    root = tiny.parents[2]
    prepare.main(['folder/tiny', '--source', str(root), '--directory', str(root / 'prepared')])
    names.write_text('background')


def test_a_coloured_class_map_is_not_guessed_at(tiny, refuses):
    save_map(tiny / 'parts' / 'a.png', np.zeros((6, 8, 3), np.uint8))
    refuses('folder/tiny', tiny / 'parts' / 'a.png', 'mode RGB; allowed', '1, I;16, L, P')


def test_16_bit_normals_are_not_guessed_at(tiny, refuses):
    Image.fromarray(np.zeros((6, 8), np.uint16)).save(tiny / 'normals' / 'a.png')
    refuses('folder/tiny', tiny / 'normals' / 'a.png', 'mode I;16; allowed', 'RGB')


def test_labels_whose_values_can_only_be_wrong_are_refused_as_a_set(tiny, refuses):
    one = np.ones((6, 8), np.uint8)
    save_map(tiny / 'saliency' / 'a.png', one)
    save_map(tiny / 'boundaries' / 'a.png', one)
    one[:3] = 0
    save_map(tiny / 'parts' / 'a.png', 255 * one)
    np.save(tiny / 'normals' / 'b.npy', np.tile(np.float32([0.6, 0, -0.8]), (6, 8, 1)))
    refuses(
        'folder/tiny',
        'folder/tiny has labels that can only be wrong:',
        '\n  saliency: no value is above 1, where 0 to 255 is meant',
        '\n  boundaries: no value is above 1',
        '\n  parts: the labels have no value but 0 and 255',
        '\n  normals: 80% of the vectors point away from the camera',  # 4 of 5 that are looked at
    )


def test_normals_of_another_shape(tiny, refuses):
    np.save(tiny / 'normals' / 'b.npy', np.zeros((3, 6, 8)))
    refuses('folder/tiny', tiny / 'normals' / 'b.npy', 'float64 (3, 6, 8)', 'floats (H, W, 3)')


def test_a_folder_of_labels_that_nothing_describes(tiny, refuses):
    (tiny / 'part').mkdir()
    refuses('folder/tiny', tiny.parent, "what the labels in the folders 'part' are", 'saliency')


def test_a_folder_without_any_label_lists_the_standard_names(tiny, refuses):
    for folder in tiny.iterdir():
        if folder.name != 'images':
            shutil.rmtree(folder)
    refuses('folder/tiny', f'{tiny.parent} labels none of its images', 'boundaries', 'boxes')


def test_a_label_without_an_image(tiny, refuses):
    save_map(tiny / 'parts' / 'd.png', np.zeros((6, 8), np.uint8))
    refuses('folder/tiny', f'{tiny / "parts" / "d.png"} labels no image')


def test_a_file_that_does_not_belong(tiny, refuses):
    random_image(tiny / 'parts' / 'b.jpg', 6, 8)
    refuses('folder/tiny', tiny / 'parts' / 'b.jpg', 'only .png files belong in parts')


def test_two_images_of_one_id(tiny, refuses):
    random_image(tiny / 'images' / 'b.png', 6, 8)
    refuses('folder/tiny', tiny / 'images' / 'b.png', 'b.jpg', 'have one ID')


def test_a_split_without_images(tiny, refuses):
    (tiny.parent / 'dev' / 'images').mkdir(parents=True)
    refuses('folder/tiny', f'{tiny.parent / "dev" / "images"} holds no image')
