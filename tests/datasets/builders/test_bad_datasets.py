"""Errors in raw datasets: `prepare` fails with a message that names the file."""

import os
import pathlib
import shutil
import unicodedata

import numpy as np
import pytest
import scipy.io
from PIL import Image

from helpers.dataset_files import random_image, save_list, save_map, write_ground_truth
from helpers.tiny_box_datasets import write_voc2007, write_voc2012
from helpers.tiny_datasets import write_bsds500, write_pascal_s
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.files import list_images
from ubernet_jax.datasets.builders.left_out import LeftOut
from ubernet_jax.errors import UserError


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


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


@pytest.mark.parametrize('name', ['images/a.png', 'images/b.jpg'])
def test_a_truncated_image(name, tiny, refuses):
    truncate(tiny / name)
    refuses('folder/tiny', f'{tiny / name}: ', 'picture')


@pytest.mark.parametrize('name', ['parts/a.png', 'saliency/a.png', 'normals/a.png'])
def test_a_truncated_label(name, tiny, refuses):
    truncate(tiny / name)
    refuses('folder/tiny', f'{tiny / name}: ', 'picture')


def test_a_truncated_array(tiny, refuses):
    truncate(tiny / 'normals' / 'b.npy')
    refuses('folder/tiny', f'{tiny / "normals" / "b.npy"}: ', 'array')


@pytest.mark.parametrize('task', ['boundaries', 'segmentation', 'normals'])
def test_a_label_of_another_size(task, tiny, refuses):
    shape = (6, 7, 3) if task == 'normals' else (6, 7)
    path = tiny / task / 'a.png'
    save_map(path, np.zeros(shape, np.uint8))
    refuses('folder/tiny', path, '7 x 6', '8 x 6')


@pytest.mark.parametrize(('task', 'highest'), [('parts', 6), ('segmentation', 20)])
def test_a_class_index_out_of_range(task, highest, tiny, refuses):
    path = tiny / task / 'a.png'
    label = np.zeros((6, 8), np.uint8)
    label[2, 3] = highest + 1
    save_map(path, label)
    refuses('folder/tiny', path, f'class index {highest + 1} ', f'0 to {highest}, and 255')


@pytest.mark.parametrize('name', ['labels.JSON', 'Parts.txt', 'train/parts.txt', 'saliency.txt'])
def test_a_description_that_would_not_be_read(name, tiny, refuses):
    path = tiny.parent / name
    path.write_text('background\nhead')
    refuses('folder/tiny', path, tiny.parent / ('labels.json' if 'JSON' in name else 'parts.txt'))


@pytest.mark.parametrize('name', ['parts', 'Saliency', 'val/Images'])
def test_a_folder_that_would_not_be_read(name, tiny, refuses):
    path = tiny.parent / name
    path.mkdir(parents=True)
    refuses('folder/tiny', path, path.name.lower())


def test_a_label_folder_in_upper_case(tiny, refuses):
    (tiny / 'parts').rename(tiny / 'Parts')
    refuses('folder/tiny', tiny.parent, "'Parts'", "'parts'", 'lower case')


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


@pytest.mark.parametrize(
    ('array', 'convert'),
    [
        (np.random.default_rng(0).uniform(0, 255, (6, 8, 3)), '127.5'),
        (np.random.default_rng(0).uniform(0, 1, (6, 8, 3)), '2 * v'),
    ],
)
def test_normals_encoded_as_colours(array, convert, tiny, refuses):
    np.save(tiny / 'normals' / 'b.npy', array.astype(np.float32))
    refuses('folder/tiny', tiny / 'normals' / 'b.npy', convert)


def test_a_negative_depth(tiny, refuses):
    (tiny / 'depth' / 'a.png').unlink()
    depth = np.ones((6, 8), np.float32)
    depth[0] = -1
    np.save(tiny / 'depth' / 'a.npy', depth)
    refuses('folder/tiny', tiny / 'depth' / 'a.npy', '8 of 48', '-1')


@pytest.mark.parametrize('name', ['parts', 'saliency'])
def test_a_label_with_an_exif_orientation(name, tiny, refuses):
    path = tiny / name / 'a.png'
    exif = Image.Exif()
    exif[0x112] = 3
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(path, exif=exif)
    refuses('folder/tiny', path, 'orientation', '3')


def test_two_files_of_the_same_name_in_two_unicode_forms(tiny, refuses):
    for form in ('NFC', 'NFD'):
        random_image(tiny / 'images' / (unicodedata.normalize(form, 'é') + '.png'), 6, 8)
    refuses('folder/tiny', *(unicodedata.normalize(form, 'é.png') for form in ('NFC', 'NFD')))


def test_a_listed_file_in_another_unicode_form(tmp_path, refuses):
    write_pascal_s(tmp_path)
    listed, found = (unicodedata.normalize(form, 'é.jpg') for form in ('NFC', 'NFD'))
    images = tmp_path / 'PASCAL-S/datasets/imgs/pascal'
    random_image(images / found, 6, 8)
    save_list(tmp_path / 'PASCAL-S/train.txt', ('é',))
    refuses('pascal_s', images / listed, images / found)


def test_too_few_classes(tiny, refuses):
    names = tiny.parent / 'parts.txt'
    names.write_text('background')
    refuses('folder/tiny', names, '1 classes', '2 to 255')


def test_custom_classes_define_the_allowed_indices(tiny, refuses):
    save_map(tiny / 'parts' / 'a.png', np.full((6, 8), 8, np.uint8))
    names = tiny.parent / 'parts.txt'
    names.write_text('\n'.join(['background', *'abcdefg']))
    refuses('folder/tiny', tiny / 'parts' / 'a.png', '0 to 7')
    names.write_text('\n'.join(['background', *'abcdefgh']))
    root = tiny.parents[2]
    prepare.main(['folder/tiny', '--source', str(root), '--directory', str(root / 'prepared')])
    names.write_text('background')


def test_a_coloured_class_map_is_refused(tiny, refuses):
    save_map(tiny / 'parts' / 'a.png', np.zeros((6, 8, 3), np.uint8))
    refuses('folder/tiny', tiny / 'parts' / 'a.png', 'mode RGB', '1, I;16, L, P')


def test_16_bit_normals_are_refused(tiny, refuses):
    Image.fromarray(np.zeros((6, 8), np.uint16)).save(tiny / 'normals' / 'a.png')
    refuses('folder/tiny', tiny / 'normals' / 'a.png', 'mode I;16', 'RGB')


def test_labels_with_impossible_values_are_refused(tiny, refuses):
    label = np.ones((6, 8), np.uint8)
    save_map(tiny / 'saliency' / 'a.png', label)
    save_map(tiny / 'boundaries' / 'a.png', label)
    label[:3] = 0
    save_map(tiny / 'parts' / 'a.png', 255 * label)
    np.save(tiny / 'normals' / 'b.npy', np.tile(np.float32([0.6, 0, -0.8]), (6, 8, 1)))
    refuses(
        'folder/tiny',
        'folder/tiny',
        '\n  saliency: no value is above 1',
        '\n  boundaries: no value is above 1',
        '\n  parts: ',
        '0 and 255',
        '\n  normals: 80%',  # 4 of the 5 sampled vectors
    )


def test_normals_of_another_shape(tiny, refuses):
    np.save(tiny / 'normals' / 'b.npy', np.zeros((3, 6, 8)))
    refuses('folder/tiny', tiny / 'normals' / 'b.npy', 'float64 (3, 6, 8)', 'floats (H, W, 3)')


def test_an_unknown_label_folder(tiny, refuses):
    (tiny / 'part').mkdir()
    refuses('folder/tiny', tiny.parent, "'part'", 'labels.json', 'saliency')


def test_a_folder_without_any_label_lists_the_standard_names(tiny, refuses):
    for folder in tiny.iterdir():
        if folder.name != 'images':
            shutil.rmtree(folder)
    refuses('folder/tiny', tiny.parent, 'no labels', 'boundaries', 'boxes')


def test_a_label_without_an_image(tiny, refuses):
    save_map(tiny / 'parts' / 'd.png', np.zeros((6, 8), np.uint8))
    refuses('folder/tiny', tiny / 'parts' / 'd.png', tiny / 'images' / 'd')


def test_a_label_file_with_the_wrong_suffix(tiny, refuses):
    random_image(tiny / 'parts' / 'b.jpg', 6, 8)
    refuses('folder/tiny', tiny / 'parts' / 'b.jpg', '.png')


def test_two_images_with_the_same_id(tiny, refuses):
    random_image(tiny / 'images' / 'b.png', 6, 8)
    refuses('folder/tiny', tiny / 'images' / 'b.png', 'b.jpg', 'same id')


def test_a_split_without_images(tiny, refuses):
    (tiny.parent / 'dev' / 'images').mkdir(parents=True)
    refuses('folder/tiny', tiny.parent / 'dev' / 'images', '.jpg')
