"""The command `ubernet score`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import PERSON_PARTS, VOC_CLASSES
from ubernet_jax.labels.text_lists import read_names
from ubernet_jax.locks import lock_file
from ubernet_jax.metrics.metric import MetricError, MetricResult
from ubernet_jax.metrics.semantic_boundaries import Mode
from ubernet_jax.scoring.arguments import check_arguments, make_parser, settings_of
from ubernet_jax.scoring.evaluators import make_metric
from ubernet_jax.scoring.output import print_document, print_table, write_document
from ubernet_jax.scoring.paired_files import PairedBoxes, PairedClassMaps, PairedFiles, PairedMaps
from ubernet_jax.scoring.presets import ALL, OURS, Preset, select_presets
from ubernet_jax.scoring.readers import map_reader
from ubernet_jax.scoring.run import PartialRun, require_predictions, score_images
from ubernet_jax.scoring.sbd_files import find_truth_folder
from ubernet_jax.writing import new_file

_CLASSES = {
    'semantic-boundaries': VOC_CLASSES[1:],
    'detection': VOC_CLASSES[1:],
    'proposals': VOC_CLASSES[1:],
    'segmentation': VOC_CLASSES,
    'parts': PERSON_PARTS,
}
_RESUMABLE = ('boundaries', 'semantic-boundaries')  # tasks that take minutes
_NOT_FOR_SCORES = ('json', 'plot', 'processes')  # arguments that do not change the scores


class Scored(NamedTuple):
    """The result of a protocol, and image -> notes on it."""

    result: MetricResult
    notes: dict[str, list[str]]


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
    presets, left_out = select_presets(args.protocol, args.task, args.benchmark, len(names))
    if not args.allow_missing:
        require_predictions(paired)
    documents, partials = {}, []
    scored: list[tuple[dict[str, Any], Scored]] = []  # protocols with equal settings share a run
    for protocol, preset in presets.items():
        settings = preset.settings if preset else settings_of(args)
        result = next((result for known, result in scored if known == settings), None)
        if result is None:
            partial = _partial_run(args, names, protocol)
            metric = make_metric(args.task, names, settings)
            notes = score_images(metric, paired, processes=args.processes, partial=partial)
            result = Scored(metric.compute(), notes)
            scored.append((settings, result))
            partials += [partial] if partial else []
        documents[protocol] = _document(args, paired, preset, result)
    if args.protocol == ALL:
        write_document(args.json, {'task': args.task, 'protocols': documents, 'left_out': left_out})
    else:
        write_document(args.json, documents[args.protocol])
    if args.plot:
        from ubernet_jax.metrics.plots import plot  # matplotlib takes a second to import

        with new_file(args.plot) as new:
            plot(scored[0][1].result, new)
    for partial in partials:
        partial.remove()
    if args.protocol == ALL:
        print_table(documents, left_out)
    else:
        print_document(documents[args.protocol])


def _partial_run(
    args: argparse.Namespace, names: tuple[str, ...], protocol: str
) -> PartialRun | None:
    if args.task not in _RESUMABLE:
        return None
    settings = {
        name: str(value) for name, value in vars(args).items() if name not in _NOT_FOR_SCORES
    }
    suffix = f'.{protocol}' if args.protocol == ALL else ''
    folder = args.json.with_name(f'{args.json.name}{suffix}.partial')
    return PartialRun(folder, settings | {'class_names': names, 'protocol': protocol})


def _document(
    args: argparse.Namespace,
    paired: PairedFiles,
    preset: Preset | None,
    scored: Scored,
) -> dict[str, Any]:
    """Returns the JSON object of a result; other protocols have only the scores of their source."""
    result = (preset.report(scored.result) if preset else scored.result).to_json()
    if not preset:
        result['protocol'] |= {'preset': OURS, 'source': 'ubernet_jax'}
    missing = paired.missing()
    result['protocol'] |= {
        'prediction_files': str(args.predictions),
        'ground_truth_files': str(args.ground_truth),
        'missing_predictions': f'{len(missing)}, counted as empty' if missing else 'none',
    }
    document = {
        'task': args.task,
        **result,
        'notes': scored.notes,
        'left_out': paired.left_out(),
    }
    if isinstance(paired, PairedBoxes):
        document['protocol']['classes_without_file'] = _scored_classes_without_file(
            paired, document
        )
    return document


def _scored_classes_without_file(paired: PairedBoxes, document: Mapping[str, Any]) -> list[str]:
    """Returns the classes whose objects nothing can have detected, for lack of a results file."""
    scores = document.get('per_class', {})
    absent = paired.detections.classes_without_file
    return [name for name in absent if scores.get(name, 0) is not None]


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
