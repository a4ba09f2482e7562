"""Formats the differences from the baseline image by image as Markdown, with notes."""

from collections.abc import Iterable

from ubernet_jax.comparison.columns import Comparison
from ubernet_jax.comparison.image_differences import ImageDifference, find_image_differences
from ubernet_jax.comparison.markdown_table import NONE, format_table


def image_table(comparison: Comparison) -> str:
    """Formats the differences image by image with their p-values; empty without scores of images.

    It has a row for each benchmark on which a column is tested.
    """
    tested = [find_image_differences(comparison, column).tested for column in comparison.columns]
    rows = []
    for benchmark in comparison.benchmarks:
        differences = [of_column.get(benchmark) for of_column in tested]
        first = next(filter(None, differences), None)
        if first:
            label = first.score.label + (' ↓' if first.score.lower_is_better else '')
            origin = [benchmark.result, benchmark.source, first.images, label]
            rows.append([*origin, *map(_difference, differences)])
    head = ['difference per image', 'benchmark', 'images', 'score']
    head += [column.heading for column in comparison.columns]
    return format_table(head, rows) if rows else ''


def notes_on_images(comparison: Comparison) -> Iterable[str]:
    """Yields sentences that say what was tested, and what has no scores of images."""
    differences = [find_image_differences(comparison, column) for column in comparison.columns]
    without = dict.fromkeys(benchmark for _, missing in differences for benchmark in missing)
    if not any(tested for tested, _ in differences):
        if without:
            yield (
                'There is no test over images: no benchmark has scores of single images in all '
                'runs.'
            )
        return
    yield (
        'A difference per image is that of the column minus that of the baseline, each the mean '
        'over its runs, then the mean over the images; p is of the two-sided Wilcoxon signed-rank '
        'test over the images, not corrected for the number of tests.'
    )
    if without:
        names = ', '.join(map(str, without))
        yield f'Not tested, without scores of single images in all runs: {names}.'


def _difference(difference: ImageDifference | None) -> str:
    """Formats a difference as `+.012 (p = .031)`."""
    if difference is None:
        return NONE
    sign = '-' if difference.mean < 0 else '+'
    size = difference.score.format(abs(difference.mean))
    p = f'= {difference.p:.3f}' if difference.p >= 0.001 else '< 0.001'
    return f'{sign}{size} (p {p.replace("0.", ".")})'
