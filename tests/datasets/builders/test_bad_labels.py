"""Errors in the labels of a folder: `prepare` fails with a message that names the file."""

import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from helpers.damages import truncate
from helpers.dataset_files import random_image, save_map
from ubernet_jax import prepare


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
