"""Differences image by image: the test on known cases, pairing of images, tables, kept files."""

import itertools
import json
import math
import pathlib
import warnings
from collections.abc import Iterable, Sequence

import pytest

from helpers.run_folders import MAX_F, MEAN, VOC07, table_rows, write_image_scores, write_run
from ubernet_jax.compare import main, make_table
from ubernet_jax.comparison.columns import compare
from ubernet_jax.comparison.image_differences import compare_images, find_image_differences
from ubernet_jax.comparison.markdown import format_tables
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.image_scores import ImageScores
from ubernet_jax.metrics.metric import Score

F = Score(name='f', label='F')
RESULTS = {'normals': {MEAN: 27.0}, 'saliency': {MAX_F: 0.6}, 'detection_voc07': {VOC07: 0.5}}
BASELINE = {'normals': {MEAN: 30.0}, 'saliency': {MAX_F: 0.5}, 'detection_voc07': {VOC07: 0.4}}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        yield


def of(values: Iterable[float]) -> ImageScores:
    return ImageScores(score=F, values={str(i): value for i, value in enumerate(values)})


def exact_p(differences: Sequence[float]) -> float:
    """The two-sided p-value by enumeration of all signs; the sizes must be 1, 2 .. n."""
    ranks = sorted(map(abs, differences))
    assert ranks == [*range(1, len(ranks) + 1)]
    middle = sum(ranks) / 2
    observed = abs(sum(d for d in differences if d > 0) - middle)
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in itertools.product((False, True), repeat=len(ranks))
    ]
    return sum(abs(total - middle) >= observed for total in sums) / len(sums)


@pytest.mark.parametrize(
    ('differences', 'p'),
    [
        ([1, 2, 3, 4, 5], 2 / 2**5),  # only all signs equal are as extreme
        ([1, 2, 3, -4], 14 / 2**4),  # 6 against 4: only sums of 5 are less extreme
        ([-1, 2, 3, 4, 5, -6, 7, 8], None),
    ],
)
def test_the_p_value_is_exact_for_few_images(differences, p):
    found = compare_images([of(10 + d for d in differences)], [of([10] * len(differences))])
    assert found.p == pytest.approx(exact_p(differences))
    assert p is None or found.p == pytest.approx(p)
    assert found.mean == pytest.approx(sum(differences) / len(differences))
    assert (found.images, found.score) == (len(differences), F)


@pytest.mark.parametrize('count', [1, 5, 13, 14, 60])
def test_ties_zeros_and_equal_differences_have_a_p_value(count):
    base = of([0.1 * (i % 7) for i in range(count)])
    same = compare_images([base], [base])
    assert (same.mean, same.p) == (0, 1)
    better = compare_images([of(value + 0.1 for value in base.values.values())], [base])
    assert better.mean == pytest.approx(0.1) and 0 < better.p <= 1
    assert better.p < 0.1 or count == 1  # all images are better by the same
    half = compare_images(
        [of(v + 0.1 * (i % 2) for i, v in enumerate(base.values.values()))], [base]
    )
    assert math.isfinite(half.mean) and 0 < half.p <= 1


def test_images_without_a_difference_do_not_enter_the_test():
    found = compare_images([of([1, 2, 3, 0, 0])], [of([0, 0, 0, 0, 0])])
    assert found.p == pytest.approx(2 / 2**3)
    assert (found.images, found.mean) == (5, pytest.approx(6 / 5))


def test_scores_are_averaged_over_runs_for_each_image():
    found = compare_images([of([1, 2]), of([3, 6])], [of([1, 1]), of([0, 0]), of([2, 2])])
    assert found.mean == pytest.approx(((2 - 1) + (4 - 1)) / 2)


def write(folder: pathlib.Path, results: dict, angles: Sequence[float], **options) -> str:
    """Writes a run with scores of images for normals: of image a, b, ..."""
    run = write_run(folder, results, **options)
    images = dict(zip('abcdefgh', angles, strict=False))
    write_image_scores(run, 'normals', MEAN, images)
    return str(run)


@pytest.fixture
def pair(tmp_path):
    """A run and a baseline with scores of five images for normals; saliency has none."""
    return [
        write(tmp_path / 'many', RESULTS, [29, 28, 27, 26, 25]),
        write(tmp_path / 'baseline', BASELINE, [30, 30, 30, 30, 30]),
    ]


def test_the_table_and_its_notes(pair, tmp_path, capsys):
    main([pair[0], '--baseline', pair[1], '--out', str(tmp_path / 'out')])
    text = capsys.readouterr().out
    rows = table_rows(text)
    start = rows.index(['difference per image', 'benchmark', 'images', 'score', 'many'])
    assert rows[start + 1] == ['normals', 'nyudv2:test', '5', 'mean angle ↓', '-3.0° (p = .062)']
    assert rows[start + 2][0] == 'run'  # other results have no row
    text = ' '.join(text.split())
    assert 'in all runs: saliency on pascal_s:test, detection_voc07 on voc2007:test.' in text
    (column,) = json.loads((tmp_path / 'out' / 'comparison.json').read_text())['columns']
    assert column['image_differences'] == [
        {'task': 'normals', 'result': 'normals', 'dataset': 'nyudv2', 'split': 'test',
         'score': 'mean', 'images': 5, 'mean': -3, 'p': pytest.approx(1 / 16)}
    ]  # fmt: skip


def test_a_column_without_scores_of_images_has_no_difference(pair, tmp_path):
    runs = [read_run(pathlib.Path(path)) for path in pair]
    old = read_run(write_run(tmp_path / 'old', RESULTS))
    rows = table_rows(format_tables(compare([runs[0], old], ['new', 'old'], runs[1:])))
    assert ['normals', 'nyudv2:test', '5', 'mean angle ↓', '-3.0° (p = .062)', '-'] in rows
    text = ' '.join(format_tables(compare([old], ['old'], runs[1:])).split())
    assert 'difference per image' not in text and 'no benchmark has scores of single images' in text


def test_images_are_paired_by_their_ids(tmp_path):
    runs = [read_run(write_run(tmp_path / name, RESULTS)) for name in ('a', 'b')]
    for name, images in (('a', 'abc'), ('b', 'cba')):
        values = {image: 20.0 + ord(image) for image in images}
        write_image_scores(tmp_path / name, 'normals', MEAN, values)
    runs = [read_run(tmp_path / name) for name in ('a', 'b')]
    comparison = compare(runs[:1], ['a'], runs[1:])
    tested, without = find_image_differences(comparison, comparison.columns[0])
    assert [(found.mean, found.p) for found in tested.values()] == [(0, 1)]
    assert [benchmark.result for benchmark in without] == ['saliency', 'detection_voc07']


def test_images_that_only_one_side_has_are_refused(pair, tmp_path):
    other = write(tmp_path / 'other', BASELINE, [30, 30, 30, 30, 30, 31, 32], seed=1)
    with pytest.raises(UserError, match='normals on nyudv2:test.*other.*2 images.*f, g') as error:
        main([pair[0], '--baseline', pair[1], other])
    assert str(tmp_path / 'many' / 'results') in str(error.value)


def test_different_scores_of_images_are_refused(pair):
    write_image_scores(pathlib.Path(pair[1]), 'normals', F, dict.fromkeys('abcde', 1.0))
    with pytest.raises(UserError, match="normals on nyudv2:test.*name of mean: 'mean', not 'f'"):
        main([pair[0], '--baseline', pair[1]])


def test_kept_runs_have_the_same_tables(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main([pair[0], '--baseline', pair[1], '--keep', 'kept'])
    table = make_table([pair[0], '--baseline', pair[1]])
    assert '-3.0° (p = .062)' in table
    assert make_table(['kept/many.json', '--baseline', 'kept/baseline.json']) == table
