"""Measures time and memory of the boundary evaluator on one core, compared with pyEdgeEval.

The reference case of BSDS500, and four soft maps of a network:

python -m benchmarks.boundaries BSDS500/bench/data/png BSDS500/bench/data/groundTruth \
    --thresholds 5 --json golden.json
python -m benchmarks.boundaries hed BSDS500/data/groundTruth/test --nms smoothed --limit 4 \
    --json soft.json
"""

import argparse
import dataclasses
import json
import pathlib
import resource
import time

import numpy as np

from ubernet_jax import cli
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.boundaries import BoundaryMetric, boundary_thresholds
from ubernet_jax.metrics.boundary_counts import thinned_maps
from ubernet_jax.metrics.matching import Matcher
from ubernet_jax.metrics.metric import MetricError, unit_interval
from ubernet_jax.metrics.nms import Nms, suppress
from ubernet_jax.scoring.files import list_predictions, list_truths
from ubernet_jax.scoring.readers import map_reader

MAX_DISTANCE = 0.0075  # of the diagonal


@dataclasses.dataclass(slots=True, kw_only=True)
class Timing:
    """The measurements; times are for one core, summed over the images.

    Attributes:
      images: number of images.
      matches: number of matchings: thinned maps times annotators.
      whole_seconds: time of the evaluator without reading the files.
      matching_seconds: time of our matching only.
      matched: number of predicted pixels that our matching matched.
      peak_megabytes: resident memory of the process before pyEdgeEval is used.
      peer_matching_seconds: time of the matching of pyEdgeEval; None if it is not installed.
      peer_matched: number of predicted pixels that pyEdgeEval matched.
    """

    images: int = 0
    matches: int = 0
    whole_seconds: float = 0.0
    matching_seconds: float = 0.0
    matched: int = 0
    peak_megabytes: float = 0.0
    peer_matching_seconds: float | None = None
    peer_matched: int | None = None


Images = list[tuple[np.ndarray, np.ndarray]]  # map (H, W), boundaries of annotators (A, H, W)


def read_images(predictions: pathlib.Path, truths: pathlib.Path, limit: int | None) -> Images:
    """Reads maps and the boundaries of their annotators; with a limit, of every n-th image.

    Raises:
      UserError: no map has a ground truth.
    """
    truth_files = list_truths(truths, ('.mat',))
    files = list_predictions(predictions, truth_files)
    names = sorted(truth_files.keys() & files)
    if not names:
        raise UserError(f'no map in {predictions} has a ground truth .mat in {truths}')
    names = names[:: -(-len(names) // limit)] if limit else names
    reader = map_reader('boundaries', ())
    return [
        (
            unit_interval(reader.prediction(files[name]), name),
            reader.truth(reader.label(truth_files[name])),
        )
        for name in names
    ]


def time_evaluator(images: Images, thresholds: int, nms: Nms) -> Timing:
    """Times the entire evaluator, and then its matching only."""
    timing = Timing(images=len(images))
    metric = BoundaryMetric(thresholds=thresholds, max_distance=MAX_DISTANCE, nms=nms)
    for strength, annotators in images:
        start = time.process_time()
        metric.update(strength, annotators)
        timing.whole_seconds += time.process_time() - start
    for strength, annotators in images:
        maps = maps_to_match(strength, thresholds, nms)
        distance = MAX_DISTANCE * np.hypot(*strength.shape)
        start = time.process_time()
        for truth in annotators:
            matcher = Matcher(np.any(maps, axis=0), truth, distance)
            timing.matched += sum(len(matcher.match(thinned)) for thinned in maps)
        timing.matching_seconds += time.process_time() - start
        timing.matches += len(maps) * len(annotators)
    timing.peak_megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return timing


def time_peer(images: Images, thresholds: int, nms: Nms, timing: Timing) -> None:
    """Times pyEdgeEval's matching of the same thinned maps; prints a note if it is missing."""
    try:
        from pyEdgeEval._lib.correspond_pixels import (  # pyright: ignore[reportMissingImports]
            correspond_pixels,
        )
    except ImportError:
        print('pyEdgeEval is not installed (pip install pyEdgeEval==0.2.8): it is not timed')
        return
    timing.peer_matching_seconds, timing.peer_matched = 0.0, 0
    for strength, annotators in images:
        maps = [thinned.astype(float) for thinned in maps_to_match(strength, thresholds, nms)]
        truths = annotators.astype(float)
        start = time.process_time()
        for truth in truths:
            for thinned in maps:
                partners = correspond_pixels(thinned, truth, max_dist=MAX_DISTANCE)[0]
                timing.peer_matched += int(np.count_nonzero(partners))
        timing.peer_matching_seconds += time.process_time() - start


def maps_to_match(strength: np.ndarray, thresholds: int, nms: Nms) -> list[np.ndarray]:
    """Returns the thinned maps, bool (H, W), at each threshold; the fewest pixels come first."""
    return thinned_maps(suppress(strength, nms), boundary_thresholds(thresholds))[::-1]


def report(timing: Timing) -> str:
    """Formats the main measurements as a table."""
    rows = [
        ('ms a match', f'{1e3 * timing.matching_seconds / timing.matches:.1f}'),
        ('seconds an image', f'{timing.whole_seconds / timing.images:.2f}'),
        ('peak memory, MB', f'{timing.peak_megabytes:.0f}'),
        ('matches', f'{timing.matches}'),
        ('matched pixels', f'{timing.matched}'),
    ]
    peer = timing.peer_matching_seconds
    if peer is not None:
        rows += [
            ('pyEdgeEval: ms a match', f'{1e3 * peer / timing.matches:.1f}'),
            ('pyEdgeEval: matched pixels', f'{timing.peer_matched}'),
            ('times as fast as pyEdgeEval', f'{peer / timing.matching_seconds:.1f}'),
        ]
    return '\n'.join(f'{name:<28}{value:>10}' for name, value in rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.boundaries',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('predictions', type=pathlib.Path, help='folder of maps')
    parser.add_argument('ground_truth', type=pathlib.Path, help='folder of .mat files')
    parser.add_argument('--thresholds', type=cli.positive_integer, default=99)
    parser.add_argument('--nms', choices=[nms.value for nms in Nms], default='none')
    parser.add_argument('--limit', type=cli.positive_integer, help='maximum number of images')
    parser.add_argument('--json', type=pathlib.Path, required=True, help='output file')
    arguments = parser.parse_args()
    nms = Nms(arguments.nms)
    try:
        images = read_images(arguments.predictions, arguments.ground_truth, arguments.limit)
        timing = time_evaluator(images, arguments.thresholds, nms)
    except MetricError as error:
        raise UserError(f'{error}') from error
    time_peer(images, arguments.thresholds, nms, timing)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(dataclasses.asdict(timing), indent=2) + '\n')
    print(report(timing))


if __name__ == '__main__':
    cli.run(main)
