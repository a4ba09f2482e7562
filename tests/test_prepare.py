"""`python -m ubernet_jax.prepare`: output, options, and interrupted or failed builds."""

import re
import tempfile

import pytest

from helpers.prepared_sets import contents, files_in, prepare_set
from helpers.tiny_box_datasets import write_voc2007, write_voc2012
from helpers.tiny_datasets import write_bsds500, write_folder, write_pascal_s
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders.registry import KNOWN_NAMES
from ubernet_jax.datasets.storage import shards
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.records import VERSION
from ubernet_jax.errors import UserError

pytestmark = pytest.mark.slow


def test_the_output_counts_images_and_labels(tmp_path, capsys):
    write_folder(tmp_path)
    prepare_set('folder/tiny', tmp_path, tmp_path / 'prepared')
    output = capsys.readouterr()
    sheet = tmp_path / 'prepared/folder/tiny' / VERSION / 'contact_sheet.png'
    counts, *notes, last, following = output.out.splitlines()
    assert counts == (
        'folder/tiny: test 1 images (no labels), train 3 images (boundaries 1, detection 2, '
        'depth 1, normals 2, parts 1, saliency 1, segmentation 1, semantic_boundaries 1)'
    )
    for note, name in zip(notes, ('segmentation', 'semantic_boundaries'), strict=True):
        assert f'folder/tiny: note: {name}: ' in note and '(3): car, cat, train' in note
    assert str(sheet) in last
    assert 'folder/tiny: image 0/4' in output.err
    words = f'configure folder/tiny --out my.py --directory {tmp_path}/prepared'
    assert following.startswith('next: ') and following.endswith(words)
    assert sheet.exists()


def test_a_prepared_dataset_is_not_rebuilt_and_needs_no_source(tmp_path, capsys):
    write_pascal_s(tmp_path)
    prepare_set('pascal_s', tmp_path, tmp_path / 'prepared')
    before = {path: path.stat().st_mtime_ns for path in files_in(tmp_path / 'prepared')}
    capsys.readouterr()
    prepare.main(['pascal_s', '--directory', str(tmp_path / 'prepared')])
    state, counts, warning, sheet, _ = capsys.readouterr().out.splitlines()
    assert 'already prepared' in state and str(tmp_path / 'prepared') in state
    assert counts == 'pascal_s: train 2 images (saliency 2), test 1 of 850 images (saliency 1)'
    assert 'test 850' in warning
    assert str(tmp_path / 'prepared/pascal_s' / VERSION / 'contact_sheet.png') in sheet
    assert {path: path.stat().st_mtime_ns for path in files_in(tmp_path / 'prepared')} == before


@pytest.mark.parametrize(
    ('name', 'write', 'sources'),
    [
        ('bsds500', write_bsds500, ['', 'BSDS500']),
        ('voc2007', write_voc2007, ['', 'VOCdevkit', 'VOCdevkit/VOC2007']),
        ('voc2012', write_voc2012, ['', 'VOCdevkit', 'VOCdevkit/VOC2012']),
        ('pascal_s', write_pascal_s, ['', 'PASCAL-S']),
        ('folder/tiny', write_folder, ['', 'folder', 'folder/tiny']),
    ],
)
def test_the_source_is_the_dataset_or_a_folder_that_contains_it(name, write, sources, tmp_path):
    write(tmp_path / 'raw')
    for number, source in enumerate(sources):
        directory = tmp_path / str(number)
        prepare_set(name, tmp_path / 'raw' / source, directory)
        assert len(open_dataset(name, 'train', directory)) > 1


def test_the_bytes_do_not_depend_on_the_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, 'SHARD_IMAGES', 1)
    write_bsds500(tmp_path)
    for workers in ('1', '2'):
        directory = str(tmp_path / workers)
        arguments = ['--source', str(tmp_path), '--directory', directory, '--workers', workers]
        prepare.main(['bsds500', *arguments])
    first, second = contents(tmp_path / '1'), contents(tmp_path / '2')
    assert len([name for name in first if 'array_record' in name]) == 6
    assert first == second
    assert open_dataset('bsds500', 'val', tmp_path / '2')[1].id == '102'


def test_a_large_split_has_a_limited_number_of_shards(tmp_path):
    plan = shards.plan_shards('large', {'train': range(118_287)}, {}, Storage(), tmp_path)
    assert len(plan) <= 128
    assert [item for shard in plan for item in shard.items] == list(range(118_287))
    assert plan[2].path.name == 'large-train.array_record-00002-of-00128'


def test_the_options_define_how_images_are_stored(tmp_path, capsys):
    write_folder(tmp_path)
    arguments = ['folder/tiny', '--directory', str(tmp_path / 'prepared')]
    options = ['--max-side', '7', '--jpeg-quality', '60']
    prepare.main([*arguments, '--source', str(tmp_path), *options])
    assert '7 pixels a side, JPEG quality 60' in capsys.readouterr().out
    train = open_dataset('folder/tiny', 'train', tmp_path / 'prepared')
    assert train.sizes.tolist() == [[5, 7]] * 3
    prepare.main(arguments)
    assert '7 pixels a side, JPEG quality 60' in capsys.readouterr().out
    prepare.main([*arguments, *options])
    with pytest.raises(UserError, match=r'folder/tiny.*prepared.*--max-side 8'):
        prepare.main([*arguments, '--max-side', '8'])


@pytest.mark.parametrize('option', ['--jpeg-quality=101', '--max-side=0', '--workers=none'])
def test_an_option_out_of_range(option, capsys):
    with pytest.raises(SystemExit) as stop:
        prepare.main(['synthetic', option])
    assert stop.value.code == 2
    assert option.split('=')[0] in capsys.readouterr().err


def test_a_directory_that_cannot_be_created(tmp_path):
    write_bsds500(tmp_path)
    (tmp_path / 'taken').write_text('')
    with pytest.raises(UserError, match=r'taken/bsds500 is a file'):
        prepare_set('bsds500', tmp_path, tmp_path / 'taken')


def test_nothing_is_built_if_any_name_is_unknown(tmp_path):
    write_bsds500(tmp_path)
    with pytest.raises(UserError, match=r"'coco'.*bsds500, voc2007, "):
        prepare.main(['bsds500', 'coco', '--source', str(tmp_path), '--directory', str(tmp_path)])
    assert not (tmp_path / 'bsds500').exists()


def test_the_list_describes_every_dataset(tmp_path, capsys):
    write_pascal_s(tmp_path)
    prepare_set('pascal_s', tmp_path, tmp_path / 'prepared')
    capsys.readouterr()
    prepare.main(['--list', '--directory', str(tmp_path / 'prepared')])
    output = capsys.readouterr().out
    assert [line for line in output.splitlines() if not line.startswith(' ')] == list(KNOWN_NAMES)
    paragraphs = dict(zip(KNOWN_NAMES, re.split(r'\n(?=\w)', output), strict=True))
    assert paragraphs['pascal_s'].splitlines() == [
        'pascal_s',
        '  tasks     saliency',
        '  images    test 850',
        '  prepared  train 2, test 1',
        '  home      https://cbs.ic.gatech.edu/salobj/',
        "  licence   research; photographs under Flickr's terms",
        '  archives  salObj.zip',
        '  cite      Li et al., The Secrets of Salient Object Segmentation, CVPR 2014',
    ]
    assert '  prepared  no' in paragraphs['sbd']
    assert '  archives  VOCtrainval_11-May-2012.tar (2.0 GB)' in paragraphs['voc2012']
    assert '  images    train: segmentation 1464, ' in paragraphs['voc2012']


def test_the_list_includes_prepared_folders(tmp_path, capsys):
    write_folder(tmp_path)
    prepare_set('folder/tiny', tmp_path, tmp_path / 'prepared')
    capsys.readouterr()
    prepare.main(['--list', '--directory', str(tmp_path / 'prepared')])
    assert '\nfolder/tiny\n' in capsys.readouterr().out


def test_without_a_name_the_error_mentions_the_list(capsys):
    with pytest.raises(SystemExit) as stop:
        prepare.main([])
    assert stop.value.code == 2
    assert '--list' in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_with_another_name_is_refused(tmp_path, refuses):
    write_folder(tmp_path)
    source = tmp_path / 'folder' / 'tiny'
    refuses('folder/tyni', f'--source {source} ', 'tyni', source=source)


@pytest.mark.parametrize('damage', ['truncated', 'removed'])
def test_a_damaged_dataset_is_refused(damage, tmp_path):
    write_folder(tmp_path)
    arguments = [
        'folder/tiny',
        '--source',
        str(tmp_path),
        '--directory',
        str(tmp_path / 'prepared'),
    ]
    prepare.main(arguments)
    built = next((tmp_path / 'prepared' / 'folder' / 'tiny').iterdir())
    if damage == 'truncated':
        (built / 'metadata.json').write_text('{')
    else:
        next(built.glob('*.array_record*')).unlink()
    with pytest.raises(UserError, match=r'folder/tiny.*prepare .* again'):
        prepare.main(arguments)


def test_no_temporary_folder_is_left(tmp_path, monkeypatch):
    write_pascal_s(tmp_path)
    (tmp_path / 'tmp').mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'tmp'))
    prepare_set('pascal_s', tmp_path, tmp_path / 'prepared')
    assert list((tmp_path / 'tmp').iterdir()) == []
