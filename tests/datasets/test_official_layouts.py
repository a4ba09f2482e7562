"""Public datasets with complex labels: literal values, and errors that name the file."""

import numpy as np
import pytest
import scipy.io

from helpers.dataset_files import save_list
from helpers.official_layouts import read_first
from helpers.tiny_datasets import write_bsds500, write_ecssd, write_msra10k
from helpers.tiny_matlab_datasets import (
    NYU_SHAPE,
    save_matlab,
    save_matlab_73,
    structs,
    write_nyud_mt,
    write_nyudv2_toolbox,
    write_pascal_context,
    write_person_part,
    write_sbd,
)
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.pascal_context import find_boundaries
from ubernet_jax.datasets.builders.person_part import MERGED_PARTS
from ubernet_jax.datasets.builders.registry import BUILDERS, make_builder
from ubernet_jax.labels.standard import PERSON_PARTS


def test_lines_between_regions_are_one_pixel_wide():
    regions = np.array([[5, 5, 9, 9], [5, 5, 9, 9], [5, 5, 5, 5], [431, 5, 5, 5]])
    assert find_boundaries(regions).astype(int).tolist() == [
        [0, 1, 0, 0],
        [0, 1, 1, 1],
        [1, 0, 0, 0],
        [1, 0, 0, 0],
    ]
    corner = np.array([[7, 7, 7], [7, 8, 8], [7, 8, 8]])
    assert find_boundaries(corner).astype(int).tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert not find_boundaries(np.full((3, 4), 2, np.uint16)).any()


def test_classes_above_255_are_distinguished():
    regions = np.array([[4, 260]], np.uint16)  # equal in 8 bits
    assert find_boundaries(regions).tolist() == [[True, False]]


def test_the_parts_are_merged_to_six():
    merged = {
        name: {part for part, index in MERGED_PARTS.items() if PERSON_PARTS[index] == name}
        for name in PERSON_PARTS
    }
    assert merged == {
        'background': set(),
        'head': set('head hair leye reye lear rear lebrow rebrow nose mouth'.split()),
        'torso': {'torso', 'neck'},
        'upper arm': {'luarm', 'ruarm'},
        'lower arm': {'llarm', 'rlarm', 'lhand', 'rhand'},
        'upper leg': {'luleg', 'ruleg'},
        'lower leg': {'llleg', 'rlleg', 'lfoot', 'rfoot'},
    }
    assert len(MERGED_PARTS) == 24


def test_a_later_part_is_on_top(tmp_path):
    write_person_part(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2010'
    everywhere = np.ones((24, 32), np.uint8)
    right = np.tile(np.arange(32) >= 16, (24, 1)).astype(np.uint8)
    parts = structs(
        {'part_name': 'luleg', 'mask': everywhere}, {'part_name': 'lfoot', 'mask': right}
    )
    person = structs({'class': 'person', 'class_ind': 15, 'mask': everywhere, 'parts': parts})
    save_matlab(voc / 'Annotations_Part/2008_000026.mat', {'anno': {'objects': person}})
    assert (
        read_first('person_part', tmp_path).labels['parts'].tolist() == [[5] * 16 + [6] * 16] * 24
    )


def test_an_unknown_part(tmp_path, refuses):
    write_person_part(tmp_path)
    path = tmp_path / 'VOCdevkit/VOC2010/Annotations_Part/2008_000003.mat'
    parts = structs({'part_name': 'wing', 'mask': np.ones((24, 32))})
    person = structs({'class': 'person', 'class_ind': 15, 'mask': 0, 'parts': parts})
    save_matlab(path, {'anno': {'objects': person}})
    refuses('person_part', f"{path}: 'wing'", 'known: head, hair')


def test_instances_without_a_category(tmp_path, refuses):
    write_sbd(tmp_path)
    path = tmp_path / 'benchmark_RELEASE/dataset/inst/2008_000007.mat'
    instances = np.full((24, 32), 2, np.uint8)
    truth = {'Segmentation': instances, 'Categories': np.uint8([[15]])}
    save_matlab(path, {'GTinst': truth})
    refuses('sbd', path, 'GTinst', 'structure', 'instance 2 ')


@pytest.mark.parametrize(
    ('folder', 'variable', 'truth'),
    [
        ('cls', 'GTcls', {'Segmentation': np.full((24, 32), 21, np.uint8)}),
        (
            'inst',
            'GTinst',
            {'Segmentation': np.ones((24, 32), np.uint8), 'Categories': np.uint8([[21]])},
        ),
    ],
)
def test_a_class_out_of_range(folder, variable, truth, tmp_path, refuses):
    write_sbd(tmp_path)
    path = tmp_path / 'benchmark_RELEASE/dataset' / folder / '2008_000002.mat'
    save_matlab(path, {variable: truth})
    refuses('sbd', path, 'class index 21 ')


@pytest.mark.parametrize(
    ('name', 'write', 'path', 'variable'),
    [
        ('bsds500', write_bsds500, 'BSDS500/data/groundTruth/val/101.mat', 'groundTruth'),
        ('sbd', write_sbd, 'benchmark_RELEASE/dataset/cls/2008_000002.mat', 'GTcls'),
        ('sbd', write_sbd, 'benchmark_RELEASE/dataset/inst/2008_000002.mat', 'GTinst'),
        (
            'pascal_context',
            write_pascal_context,
            'VOCdevkit/VOC2010/trainval/2008_000008.mat',
            'LabelMap',
        ),
        (
            'person_part',
            write_person_part,
            'VOCdevkit/VOC2010/Annotations_Part/2008_000003.mat',
            'anno',
        ),
        ('nyud_mt', write_nyud_mt, 'NYUD_MT/segmentation/0001.mat', 'segmentation'),
        ('nyudv2', write_nyudv2_toolbox, 'NYUv2/splits.mat', 'trainNdxs'),
    ],
)
def test_an_error_in_a_matlab_file_names_file_and_variable(
    name, write, path, variable, tmp_path, refuses
):
    write(tmp_path)
    path = tmp_path / path
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refuses(name, path, variable)
    save_matlab(path, {'other': np.ones(3)})
    refuses(name, path, f'no variable {variable}', 'other')
    save_matlab_73(path, {variable: np.ones((2, 2))})
    refuses(name, path, variable, 'version 7.3')
    path.unlink()
    refuses(name, f'no file {path}')


@pytest.mark.parametrize(
    ('file', 'variable'),
    [
        ('nyu_depth_v2_labeled.mat', 'images'),
        ('norm_gt_l.mat', 'norm_gt_l'),
        ('masks.mat', 'masks'),
    ],
)
def test_an_error_in_an_hdf5_file_names_file_and_variable(file, variable, tmp_path, refuses):
    write_nyudv2_toolbox(tmp_path)
    path = tmp_path / 'NYUv2' / file
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refuses('nyudv2', path, variable)
    save_matlab_73(path, {'other': np.ones((2, 2))})
    refuses('nyudv2', path, f'no variable {variable}', 'other')
    save_matlab(path, {variable: np.ones((2, 2))})
    refuses('nyudv2', path, variable, 'version 7.3')
    save_matlab_73(path, {variable: np.ones((*NYU_SHAPE, 3, 1), np.uint8)})
    refuses('nyudv2', path, variable, '1 frames', 'frame 4')


def test_labels_of_another_size(tmp_path, refuses):
    write_sbd(tmp_path)
    write_pascal_context(tmp_path)
    path = tmp_path / 'benchmark_RELEASE/dataset/cls/2008_000002.mat'
    save_matlab(path, {'GTcls': {'Segmentation': np.zeros((32, 24), np.uint8)}})
    refuses('sbd', path, '24 x 32', '32 x 24')
    path = tmp_path / 'VOCdevkit/VOC2010/trainval/2008_000015.mat'
    save_matlab(path, {'LabelMap': np.zeros((32, 24), np.uint16)})
    refuses('pascal_context', path, '24 x 32', '32 x 24')


@pytest.mark.parametrize(
    ('write', 'name', 'path'),
    [
        (write_ecssd, 'ecssd', 'ECSSD/ground_truth_mask/0003.png'),
        (write_msra10k, 'msra10k', 'MSRA10K_Imgs_GT/Imgs/0003.png'),
        (write_bsds500, 'bsds500', 'BSDS500/data/groundTruth/val/999.mat'),
    ],
)
def test_a_label_without_an_image_and_unknown_files_are_reported(write, name, path, tmp_path):
    write(tmp_path)
    extra = [tmp_path / path, (tmp_path / path).with_name('Thumbs.db')]
    extra.append((tmp_path / path).with_name('._0003.png'))
    for file in extra:
        file.touch()
    builder = make_builder(name, tmp_path / 'prepared')
    builder.list_splits(builder.locate(tmp_path))
    lines = builder.left_out.describe()
    assert len(lines) == 3
    assert all(any(str(file) in line and ' 1, ' in line for line in lines) for file in extra)


@pytest.mark.parametrize(
    ('name', 'write', 'images', 'masks'),
    [
        ('msra10k', write_msra10k, 'MSRA10K_Imgs_GT/Imgs', 'MSRA10K_Imgs_GT/Imgs'),
        ('ecssd', write_ecssd, 'ECSSD/images', 'ECSSD/ground_truth_mask'),
    ],
)
def test_missing_masks(name, write, images, masks, tmp_path, refuses):
    write(tmp_path)
    missing = sorted((tmp_path / masks).glob('*.png'))[0]
    missing.unlink()
    refuses(name, missing)
    for path in (tmp_path / images).glob('*.jpg'):
        path.unlink()
    refuses(name, tmp_path / images, '.jpg')


def test_a_split_with_a_missing_frame(tmp_path, refuses):
    write_nyudv2_toolbox(tmp_path)
    lists = tmp_path / 'NYUv2' / 'splits.mat'
    scipy.io.savemat(lists, {'trainNdxs': [[1450]], 'testNdxs': [[1]]})
    refuses('nyudv2', 'images', '4 frames', 'frame 1450')


def test_a_list_with_a_missing_image(tmp_path, refuses):
    write_sbd(tmp_path)
    source = tmp_path / 'benchmark_RELEASE' / 'dataset'
    save_list(source / 'val.txt', ('2009_000003', '2011_000001'))
    refuses('sbd', source / 'img/2011_000001.jpg', source / 'val.txt')


def test_numbers_of_images_are_compared_with_the_official_numbers():
    card = Card(counts={'train': 795, 'test': 654})
    assert card.compare({'test': 654, 'train': 795}) == ''
    assert 'train 795, test 654' in card.compare({'train': 795})
    assert Card().compare({'train': 3}) == ''


def test_numbers_of_labels_are_compared_with_the_official_numbers():
    card = Card(labels={'train': {'detection': 3, 'parts': 2}})
    assert card.compare({'train': 4}, {'train': {'parts': 2, 'detection': 3}}) == ''
    note = 'train: detection 3, parts 2'
    assert note in card.compare({'train': 4}, {'train': {'parts': 2, 'detection': 4}})
    assert note in card.compare({'train': 4}, {'train': {'detection': 3}})
    assert note in card.compare({'val': 4}, {'val': {'parts': 2, 'detection': 3}})


def test_the_official_counts():
    counts = {name: dict(BUILDERS[name].card.counts) for name in BUILDERS}
    assert counts['sbd'] == {'train': 8498, 'val': 2857}
    assert counts['pascal_context'] == {'train': 4998, 'val': 5105}  # 10,103 in total
    assert counts['person_part'] == {'train': 1716, 'val': 1817}
    assert counts['msra10k'] == {'train': 10_000}
    assert counts['coco2017'] == {'train': 118_287, 'val': 5000}
    assert counts['ecssd'] == {'test': 1000}
    assert counts['pascal_s'] == {'test': 850}
    assert counts['bsds500'] == {'train': 200, 'val': 100, 'test': 200}
    assert counts['nyudv2'] == counts['nyudv2_gupta'] == {'train': 795, 'test': 654}
    assert counts['nyud_mt'] == {'train': 795, 'val': 654}
