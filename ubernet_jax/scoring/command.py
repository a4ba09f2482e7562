"""What `python -m ubernet_jax.metrics` does."""

import argparse
import enum
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import PERSON_PARTS, VOC_CLASSES
from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.metric import Metric, MetricError
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.proposals import ProposalMetric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.semantic_boundaries import Mode, SemanticBoundaryMetric
from ubernet_jax.metrics.thinning import Nms
from ubernet_jax.scoring.paired_files import PairedBoxes, PairedClassMaps, PairedFiles, PairedMaps
from ubernet_jax.scoring.readers import map_reader
from ubernet_jax.scoring.run import PartialRun, require_predictions, score_images
from ubernet_jax.scoring.sbd import find_folder

CLASSES = {
    'semantic-boundaries': VOC_CLASSES[1:],
    'detection': VOC_CLASSES[1:],
    'proposals': VOC_CLASSES[1:],
    'segmentation': VOC_CLASSES,
    'parts': PERSON_PARTS,
}
TASKS = (
    'boundaries', 'semantic-boundaries', 'detection', 'segmentation', 'parts', 'saliency',
    'normals', 'depth', 'proposals',
)  # fmt: skip
MAX_DISTANCE = {'boundaries': 0.0075, 'semantic-boundaries': 0.02}
LONG = tuple(MAX_DISTANCE)  # tasks that take minutes and can be resumed
PICTURES = ('.png', '.pdf', '.svg')
PREDICTIONS_HELP = """folder of NAME.png, .npy, .npz or .mat; semantic boundaries: pictures in
a folder a class, CLASS/NAME.png, or arrays (C, H, W); boxes: comp4 or JSON; of all tasks, what
predict writes"""
UNSCORED = ('json', 'plot', 'processes')  # arguments that change no score


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0, or 2 after a message about the input."""
    args = _parser().parse_args(arguments)
    try:
        _score(args)
    except (MetricError, UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('stopped' + ('; run it again to go on' if args.task in LONG else ''), file=sys.stderr)
        return 130
    return 0


def _score(args: argparse.Namespace) -> None:
    if args.plot and args.plot.suffix not in PICTURES:
        raise UserError(f'--plot {args.plot}: the name must end in {", ".join(PICTURES)}')
    if args.processes is not None and args.processes < 1:
        raise UserError(f'--processes {args.processes}: at least 1 is needed')
    names = _class_names(args)
    paired = _pair_files(args, names)
    missing = paired.missing()
    if not args.allow_missing:
        require_predictions(paired)
    metric = _metric(args, names)
    partial = None
    if args.task in LONG:
        settings = {name: str(value) for name, value in vars(args).items() if name not in UNSCORED}
        partial = PartialRun(args.json.with_name(f'{args.json.name}.partial'), settings)
    notes = score_images(metric, paired, processes=args.processes, partial=partial)
    result = metric.compute()
    document = {'task': args.task, **result.to_json(), 'notes': notes}
    document['protocol'] |= {
        'predictions': str(args.predictions),
        'ground_truth': str(args.ground_truth),
        'missing_predictions': f'{len(missing)}, counted as empty' if missing else 'none',
    }
    _write(args.json, document)
    if args.plot:
        from ubernet_jax.metrics.plots import plot  # matplotlib takes a second to import

        plot(result, args.plot)
    if partial:
        partial.remove()
    _print(document)


def _write(path: pathlib.Path, document: Mapping[str, Any]) -> None:
    lines = (f'  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}' for k, v in document.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


def _print(document: Mapping[str, Any]) -> None:
    for name, lines in document['notes'].items():
        print(f'{name}: {"; ".join(lines)}', file=sys.stderr)
    for name, value in document.items():
        if isinstance(value, int | float):
            print(f'{name:>16} {value:.4f}' if isinstance(value, float) else f'{name:>16} {value}')
    print('protocol:')
    for name, value in document['protocol'].items():
        print(f'  {name}: {value}')


def _metric(args: argparse.Namespace, names: tuple[str, ...]) -> Metric:
    boundary_settings = {
        'thresholds': args.thresholds,
        'max_distance': MAX_DISTANCE.get(args.task, 0)
        if args.max_distance is None
        else args.max_distance,
        'nms': Nms(args.nms),
    }
    match args.task:
        case 'boundaries':
            return BoundaryMetric(**boundary_settings)
        case 'semantic-boundaries':
            return SemanticBoundaryMetric(names, Mode(args.sbd), **boundary_settings)
        case 'detection':
            return DetectionMetric(names, ApMode(args.ap))
        case 'proposals':
            return ProposalMetric()
        case 'segmentation' | 'parts':
            return SegmentationMetric(len(names), names)
        case 'saliency':
            return SaliencyMetric(normalise=args.normalise)
        case 'normals':
            return NormalsMetric()
        case 'depth':
            return DepthMetric()


def _pair_files(args: argparse.Namespace, names: tuple[str, ...]) -> PairedFiles:
    truths, key = args.ground_truth, args.name or args.task.replace('-', '_')
    if args.task in ('detection', 'proposals'):
        return PairedBoxes(args.predictions, truths, names, key)
    reader = map_reader(args.task, names, key)
    if args.task == 'semantic-boundaries':
        truths = find_folder(truths, instances=args.sbd == Mode.POST_SEAL.value)
        if any((args.predictions / name).is_dir() for name in names):
            return PairedClassMaps(reader, args.predictions, truths, names, key)
    return PairedMaps(reader, args.predictions, truths)


def _class_names(args: argparse.Namespace) -> tuple[str, ...]:
    if args.classes is None:
        return CLASSES.get(args.task, ())
    try:
        lines = args.classes.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'--classes {args.classes}: {error}; give a text file in UTF-8') from error
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise UserError(f'{args.classes} names no class: one a line is needed')
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m ubernet_jax.metrics',
        description='Scores predictions by the official protocols.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('task', choices=TASKS)
    add('predictions', type=pathlib.Path, help=PREDICTIONS_HELP)
    add('ground_truth', type=pathlib.Path, help='folder in the official layout; decides the images')
    add('--json', type=pathlib.Path, required=True, help='where the scores go')
    add('--plot', type=pathlib.Path, help='where a picture of them goes')
    add('--allow-missing', action='store_true', help='an absent prediction counts as an empty one')
    add('--processes', type=int, help='default: one for each core')
    add('--name', help='the task under which predict saved them; default: this one')
    add('--classes', type=pathlib.Path, help='class names, one a line; default: PASCAL VOC')
    add('--thresholds', type=int, default=99, help='boundaries: how many')
    add('--max-distance', type=float, help=f'boundaries: share of the diagonal ({MAX_DISTANCE})')
    add('--nms', choices=_values(Nms), default='none', help='boundaries: smooth first or not')
    add('--sbd', choices=_values(Mode), default='pre-SEAL', help='semantic boundaries: protocol')
    add('--ap', choices=_values(ApMode), default='VOC07', help='detection: average precision')
    add('--normalise', action='store_true', help='saliency: stretch each map to 0..1')
    return parser


def _values(options: type[enum.Enum]) -> list[str]:
    return [option.value for option in options]
