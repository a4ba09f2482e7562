"""The command `ubernet score`."""

import argparse
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import PERSON_PARTS, VOC_CLASSES
from ubernet_jax.labels.text_lists import read_names
from ubernet_jax.locks import lock_file
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
from ubernet_jax.scoring.arguments import MAX_DISTANCE, check_arguments, make_parser
from ubernet_jax.scoring.paired_files import PairedBoxes, PairedClassMaps, PairedFiles, PairedMaps
from ubernet_jax.scoring.readers import map_reader
from ubernet_jax.scoring.run import PartialRun, require_predictions, score_images
from ubernet_jax.scoring.sbd_files import find_truth_folder
from ubernet_jax.writing import new_file, write_text

_CLASSES = {
    'semantic-boundaries': VOC_CLASSES[1:],
    'detection': VOC_CLASSES[1:],
    'proposals': VOC_CLASSES[1:],
    'segmentation': VOC_CLASSES,
    'parts': PERSON_PARTS,
}
_RESUMABLE = ('boundaries', 'semantic-boundaries')  # tasks that take minutes
_MAX_NAMED = 5  # names for each reason in the text; the JSON file has all
_NOT_FOR_SCORES = ('json', 'plot', 'processes')  # arguments that do not change the scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
      The exit code: 0, or 2 after an error message about the input, or 130 after an interrupt.
    """
    args = make_parser().parse_args(arguments)
    try:
        with lock_file(args.json, 'wait until it ends, or give another file with --json'):
            _score(args)
    except (MetricError, UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        hint = '; run the same command again to continue' if args.task in _RESUMABLE else ''
        print(f'interrupted{hint}', file=sys.stderr)
        return 130
    return 0


def _score(args: argparse.Namespace) -> None:
    check_arguments(args)
    names = _class_names(args)
    paired = _pair_files(args, names)
    missing = paired.missing()
    if not args.allow_missing:
        require_predictions(paired)
    metric = _make_metric(args, names)
    partial = None
    if args.task in _RESUMABLE:
        settings = {
            name: str(value) for name, value in vars(args).items() if name not in _NOT_FOR_SCORES
        } | {'class_names': names}
        partial = PartialRun(args.json.with_name(f'{args.json.name}.partial'), settings)
    notes = score_images(metric, paired, processes=args.processes, partial=partial)
    result = metric.compute()
    document = {
        'task': args.task,
        **result.to_json(),
        'notes': notes,
        'left_out': paired.left_out(),
    }
    document['protocol'] |= {
        'predictions': str(args.predictions),
        'ground_truth': str(args.ground_truth),
        'missing_predictions': f'{len(missing)}, counted as empty' if missing else 'none',
    }
    if isinstance(paired, PairedBoxes):
        document['protocol']['classes_without_file'] = _scored_classes_without_file(
            paired, document
        )
    _write(args.json, document)
    if args.plot:
        from ubernet_jax.metrics.plots import plot  # matplotlib takes a second to import

        with new_file(args.plot) as new:
            plot(result, new)
    if partial:
        partial.remove()
    _print(document)


def _scored_classes_without_file(paired: PairedBoxes, document: Mapping[str, Any]) -> list[str]:
    """Returns the classes whose objects nothing can have detected, for lack of a results file."""
    scores = document.get('per_class', {})
    absent = paired.detections.classes_without_file
    return [name for name in absent if scores.get(name, 0) is not None]


def _make_metric(args: argparse.Namespace, names: tuple[str, ...]) -> Metric:
    max_distance = args.max_distance
    if max_distance is None:
        max_distance = MAX_DISTANCE.get(args.task, 0)
    boundary_settings = {
        'thresholds': args.thresholds,
        'max_distance': max_distance,
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
    raise ValueError(f'there is no metric for the task {args.task!r}')


def _pair_files(args: argparse.Namespace, names: tuple[str, ...]) -> PairedFiles:
    truths, key = args.ground_truth, args.name or args.task.replace('-', '_')
    if args.task in ('detection', 'proposals'):
        return PairedBoxes(args.predictions, truths, names, key)
    reader = map_reader(args.task, names, key)
    if args.task == 'semantic-boundaries':
        truths = find_truth_folder(truths, instances=args.sbd == Mode.POST_SEAL.value)
        if any((args.predictions / name).is_dir() for name in names):
            return PairedClassMaps(reader, args.predictions, truths, names, key)
    return PairedMaps(reader, args.predictions, truths)


def _class_names(args: argparse.Namespace) -> tuple[str, ...]:
    if args.classes is None:
        return _CLASSES.get(args.task, ())
    try:
        names = tuple(read_names(args.classes))
    except (OSError, UserError) as error:
        raise UserError(f'--classes {args.classes}: {error}; give a UTF-8 text file') from error
    if not names:
        raise UserError(f'--classes {args.classes}: it must have one class name per line')
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(
            f'--classes {args.classes}: it has the class {repeated[0]!r} twice; class names must '
            'differ'
        )
    return names


def _write(path: pathlib.Path, document: Mapping[str, Any]) -> None:
    lines = (f'  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}' for k, v in document.items())
    write_text(path, '{\n' + ',\n'.join(lines) + '\n}\n')


def _print(document: Mapping[str, Any]) -> None:
    for name, lines in document['notes'].items():
        print(f'{name}: {"; ".join(lines)}', file=sys.stderr)
    for name, value in document.items():
        if isinstance(value, int | float):
            print(f'{name:>16} {value:.4f}' if isinstance(value, float) else f'{name:>16} {value}')
    print('protocol:')
    for name, value in document['protocol'].items():
        print(f'  {name}: {value}')
    if absent := document['protocol'].get('classes_without_file'):
        print(f'no results file, so no detections, for the classes {", ".join(absent)}')
    if left_out := document['left_out']:
        reasons = (f'{reason}: {len(names)} ({_join(names)})' for reason, names in left_out.items())
        print(f'{document["images"]} images were scored; left out: {"; ".join(reasons)}')


def _join(names: Sequence[str]) -> str:
    return ', '.join([*names[:_MAX_NAMED], '...'] if len(names) > _MAX_NAMED else names)
