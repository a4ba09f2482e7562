"""Files that a build leaves out are counted by split and reason, by `prepare` and `doctor`."""

import numpy as np

from helpers.dataset_files import save_map
from helpers.diagnosis import about, diagnose
from helpers.tiny_box_datasets import write_voc2012
from helpers.tiny_datasets import write_pascal_s
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.registry import make_builder


def test_the_files_of_each_split(tmp_path, capsys):
    source = tmp_path / 'field'
    for split in ('train', 'val'):
        save_map(source / split / 'images' / 'a.png', np.zeros((30, 40), np.uint8))
        save_map(source / split / 'saliency' / 'a.png', np.full((30, 40), 255, np.uint8))
        (source / split / 'saliency' / '._a.png').touch()
    hidden = source / '.DS_Store'
    notes = source / 'val' / 'notes.txt'
    for file in (hidden, notes):
        file.touch()
    prepared = tmp_path / 'prepared'
    prepare.main(['folder/field', '--source', str(source), '--directory', str(prepared)])
    lines = [line for line in capsys.readouterr().out.splitlines() if 'left out' in line]
    counts = [line.split(', ')[0].removeprefix('folder/field: ') for line in lines]
    assert counts == ['left out 1', 'train: left out 1', 'val: left out 1', 'val: left out 1']
    assert str(hidden) in lines[0] and str(notes) in lines[2] and '._a.png' in lines[3]
    _, report = diagnose(capsys, prepared)
    notes = [f'folder/field: {note}' for note in about(report, 'folder/field')['notes']]
    assert [note for note in notes if 'left out' in note] == lines


def test_files_that_no_list_names(tmp_path, capsys):
    write_voc2012(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2012'
    extra = [voc / 'JPEGImages' / name for name in ('2010_000001.jpg', '._2010_000001.jpg')]
    for file in extra:
        file.touch()
    prepared = tmp_path / 'prepared'
    prepare.main(['voc2012', '--source', str(tmp_path), '--directory', str(prepared)])
    lines = [line for line in capsys.readouterr().out.splitlines() if 'left out' in line]
    assert len(lines) == 3
    # In this layout, no list names the boxes of two images.
    assert 'left out 2, in Annotations' in lines[1] and '2009_000003.xml' in lines[1]
    assert 'left out 1, hidden' in lines[0] and str(extra[1]) in lines[0]
    assert 'left out 1, in JPEGImages' in lines[2] and str(extra[0]) in lines[2]


def test_lists_and_files_beside_them_are_not_images(tmp_path):
    write_pascal_s(tmp_path)
    (tmp_path / 'PASCAL-S' / 'README.txt').touch()
    builder = make_builder('pascal_s', tmp_path / 'prepared')
    builder.prepare(tmp_path)
    assert builder.describe_left_out() == []
