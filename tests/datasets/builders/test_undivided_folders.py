"""The folder layout without folders of splits, and with names of classes as a text file."""

import pathlib

import numpy as np
import pytest

from helpers.dataset_files import random_image, save_map
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError

SHAPE = (6, 8)


@pytest.fixture
def source(tmp_path) -> pathlib.Path:
    return tmp_path / 'field'


def undivided(source: pathlib.Path, images: int = 5) -> pathlib.Path:
    """Writes images beside a folder of masks of three classes; returns the folder."""
    for number in range(images):
        random_image(source / 'images' / f'{number}.jpg', *SHAPE)
        save_map(
            source / 'masks' / f'{number}.png', np.arange(48, dtype=np.uint8).reshape(SHAPE) % 3
        )
    (source / 'classes.txt').write_text('soil\ncrop\nweed\n')
    return source


def prepare_undivided(source: pathlib.Path, share: str) -> dict[str, Dataset]:
    directory = source.parent / 'prepared'
    arguments = ['--source', str(source), '--directory', str(directory), '--test-share', share]
    prepare.main(['folder/field', *arguments])
    splits = make_builder('folder/field', directory).split_metadata
    return {split: open_dataset('folder/field', split, directory) for split in splits}


def test_images_beside_masks_are_divided_by_a_share(source, refuses, capsys):
    refuses('folder/field', undivided(source) / 'images', '--test-share 0.2', source=source)
    splits = prepare_undivided(source, '0.4')
    assert '2 of 5 images are in test' in capsys.readouterr().out
    # The smallest SHA-256 of `0` to `4` are those of 4 and 3.
    assert {split: d.ids for split, d in splits.items()} == {
        'train': ('0', '1', '2'),
        'test': ('3', '4'),
    }
    assert splits['train'].labels['masks'].classes == ('soil', 'crop', 'weed')
    assert splits['train'][0].labels['masks'].max() == 2


def test_without_a_share_for_the_test_all_images_are_trained_on(source):
    (train,) = prepare_undivided(undivided(source), '0').values()
    assert (train.split, len(train)) == ('train', 5)


def test_a_folder_with_splits_does_not_use_the_share(source, capsys):
    for split in ('train', 'val'):
        random_image(source / split / 'images' / f'{split}.png', *SHAPE)
        save_map(source / split / 'parts' / f'{split}.png', np.zeros(SHAPE, np.uint8))
    assert set(prepare_undivided(source, '0.5')) == {'train', 'val'}
    assert '--test-share is not used' in capsys.readouterr().out


@pytest.mark.parametrize('share', ['1', '-0.1', 'x', 'nan'])
def test_a_share_out_of_range_is_refused(share, source, capsys):
    with pytest.raises(SystemExit):
        prepare_undivided(source, share)
    assert '0 to less than 1' in capsys.readouterr().err


def test_classes_txt_names_the_classes_of_one_folder(source):
    undivided(source)
    save_map(source / 'leaves' / '0.png', np.zeros(SHAPE, np.uint8))
    with pytest.raises(UserError, match=r'classes\.txt.*leaves, masks'):
        prepare_undivided(source, '0.4')
    (source / 'leaves.txt').write_text('none\nleaf\n')
    splits = prepare_undivided(source, '0.4')
    assert splits['train'].labels['leaves'].classes == ('none', 'leaf')
    assert splits['train'].labels['masks'].classes == ('soil', 'crop', 'weed')
