"""ubernet score --protocol: presets, all side by side, refusals."""

import numpy as np
import pytest

from helpers.paths import ROOT
from helpers.scorer import line, save, write_boundaries
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.scoring.protocol_tables import format_tables
from ubernet_jax.scoring.protocols import PROTOCOLS


def write_saliency(scorer) -> None:
    rng = np.random.default_rng(0)
    for name in ('a', 'b'):
        truth = (rng.random((20, 30)) > 0.6) * np.uint8(255)
        save(scorer.truths / f'{name}.png', truth)
        noise = rng.integers(0, 200, (20, 30), dtype=np.uint8)
        save(scorer.predictions / f'{name}.png', truth // 5 + noise)


def write_depth(scorer, names: list[str]) -> None:
    rng = np.random.default_rng(1)
    for name in names:
        truth = rng.uniform(1, 9, (12, 16)).astype(np.float32)
        save(scorer.truths / f'{name}.npy', truth)
        scale = np.float32(1 + int(name) / 100)
        save(scorer.predictions / f'{name}.npy', truth * scale)


def test_the_json_names_the_preset_its_source_and_only_its_scores(scorer):
    write_saliency(scorer)
    scores = scorer.scores('saliency', '--protocol', 'invpt', '--benchmark', 'pascal_mt')
    protocol = scores['protocol']
    assert protocol['preset'] == 'invpt'
    assert 'prismformore/Multi-Task-Transformer: InvPT/evaluation/eval_sal.py' in protocol['source']
    assert protocol['images_of_benchmark'] == '2 of 5105'
    assert protocol['sigmoid']
    assert [score['name'] for score in scores['scores']] == ['max_f']
    assert 'max_f' in scores and not {'mae', 'miou_15', 'max_f_per_image'} & scores.keys()
    ours = scorer.scores('saliency')
    assert ours['protocol']['preset'] == 'ours'
    assert ours['max_f'] != scores['max_f']


def test_all_protocols_side_by_side(scorer, capsys):
    write_saliency(scorer)
    document = scorer.scores('saliency', '--protocol', 'all')
    scores = document['protocols']
    assert [*scores] == ['ours', 'astmt', 'mtl_pytorch', 'atrc', 'invpt', 'mtlora']
    assert {*document['left_out']} == {'mtan', 'eigen'}
    assert scores['astmt']['max_f'] == scores['mtlora']['max_f'] != scores['atrc']['max_f']
    assert scores['astmt']['protocol']['preset'] == 'astmt'
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [*scores]
    (row,) = [text.split() for text in lines if text.split()[0] == 'max_f']
    assert row[1:] == [f'{result["max_f"]:.4f}' for result in scores.values()]
    (row,) = [text.split() for text in lines if text.split()[0] == 'mae']
    assert row[2:] == ['-'] * 5


def test_all_boundary_protocols_of_a_benchmark(scorer):
    save(scorer.truths / 'a.png', line(10) * np.uint8(255))
    save(scorer.predictions / 'a.png', line(10) * np.uint8(200))
    document = scorer.scores('boundaries', '--protocol', 'all', '--benchmark', 'nyud_mt')
    distances = {
        name: result['protocol']['max_distance'] for name, result in document['protocols'].items()
    }
    seism = dict.fromkeys(('astmt', 'atrc', 'invpt'), '0.011 of the diagonal')
    assert distances == {'ours': '0.0075 of the diagonal', **seism}
    assert 'pascal_mt' in document['left_out']['mtl_pytorch']
    assert list(scorer.json.parent.iterdir()) == [scorer.json]  # partial results are deleted


def test_images_with_numbers_are_grouped_in_their_order(scorer):
    write_depth(scorer, ['0', '9', '10'])
    scores = scorer.scores('depth', '--protocol', 'mtan')
    metric = DepthMetric(valid=(1e-9, np.inf), images_per_mean=2)
    for name in ('0', '9', '10'):
        folders = scorer.predictions, scorer.truths
        metric.update(*(np.load(folder / f'{name}.npy') for folder in folders))
    assert scores['abs_rel'] == pytest.approx(metric.compute().abs_rel)
    assert scores['abs_rel'] == pytest.approx((0.045 + 0.1) / 2, abs=1e-4)


@pytest.mark.parametrize(
    ('task', 'options', 'parts'),
    [
        ('boundaries', ('--protocol', 'mtlora'), ['mtlora', 'boundaries', 'astmt']),
        ('boundaries', ('--protocol', 'invpt'), ['--benchmark', 'pascal_mt, nyud_mt']),
        (
            'boundaries',
            ('--protocol', 'mtl_pytorch', '--benchmark', 'nyud_mt'),
            ['nyud_mt', 'on pascal_mt only'],
        ),
        (
            'boundaries',
            ('--protocol', 'invpt', '--nms', 'none', '--thresholds', '5'),
            ['--thresholds, --nms', 'ours'],
        ),
        ('saliency', ('--protocol', 'all', '--normalise'), ['--normalise', 'ours']),
        ('saliency', ('--protocol', 'all', '--plot', 'x.png'), ['--plot', 'all']),
    ],
)
def test_a_protocol_that_does_not_fit_is_refused(scorer, task, options, parts):
    write_boundaries(scorer)
    message = scorer.error(task, *options)
    assert all(part in message for part in parts), message


def test_another_number_of_classes_is_refused(scorer, tmp_path):
    save(scorer.truths / 'a.png', np.zeros((4, 4), np.uint8))
    save(scorer.predictions / 'a.png', np.zeros((4, 4), np.uint8))
    names = tmp_path / 'names.txt'
    names.write_text('\n'.join(f'class{number}' for number in range(40)))
    options = ('--classes', str(names), '--benchmark', 'nyud_mt')
    message = scorer.error('segmentation', '--protocol', 'astmt', *options)
    assert '40 classes' in message and '41' in message
    document = scorer.scores('segmentation', '--protocol', 'all', *options)
    assert '41' in document['left_out']['astmt']
    assert 'invpt' in document['protocols']


def test_the_page_has_the_tables_of_the_rows():
    page = (ROOT / 'docs/protocols.md').read_text()
    assert format_tables() in page, 'python -m ubernet_jax.scoring.protocol_tables prints them'
    assert all(name in page for name in PROTOCOLS)
