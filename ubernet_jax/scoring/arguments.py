"""The command line of `ubernet score`."""

import argparse
import enum
import pathlib
from typing import Any

from ubernet_jax import cli
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.detection import ApMode
from ubernet_jax.metrics.nms import Nms
from ubernet_jax.metrics.semantic_boundaries import Mode
from ubernet_jax.scoring.presets import ALL, BENCHMARKS, OURS, PROTOCOL_NAMES

TASKS = (
    'boundaries', 'semantic-boundaries', 'detection', 'segmentation', 'parts', 'saliency',
    'normals', 'depth', 'proposals',
)  # fmt: skip
MAX_DISTANCE = {'boundaries': 0.0075, 'semantic-boundaries': 0.02}  # task -> default
THRESHOLDS = 99
_OF_OURS = ('thresholds', 'max_distance', 'nms', 'sbd', 'ap', 'normalise')
_PLOT_FORMATS = ('.png', '.pdf', '.svg')
_PREDICTIONS_HELP = """folder with a map NAME.png, .npy, .npz or .mat for each image; semantic
boundaries: one folder per class with pictures, CLASS/NAME.png, or arrays (C, H, W); detection and
proposals: comp4 or JSON files; all tasks: the output folder of predict --arrays"""


def check_arguments(args: argparse.Namespace) -> None:
    """Raises a UserError if options have values that are not allowed, alone or together."""
    if args.plot and args.plot.suffix not in _PLOT_FORMATS:
        raise UserError(f'--plot is {args.plot}: its suffix must be {", ".join(_PLOT_FORMATS)}')
    if args.processes is not None and args.processes < 1:
        raise UserError(f'--processes is {args.processes}: it must be at least 1')
    if args.protocol != OURS and (given := _given(args)):
        options = ', '.join(f'--{name.replace("_", "-")}' for name in given)
        raise UserError(
            f'{options}: only for --protocol {OURS}; --protocol {args.protocol} has its settings'
        )
    if args.plot and args.protocol == ALL:
        raise UserError(f'--plot {args.plot}: only for a single protocol, not --protocol {ALL}')


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the parameters of the evaluator for our protocol."""
    distance = args.max_distance
    boundaries = {
        'thresholds': THRESHOLDS if args.thresholds is None else args.thresholds,
        'max_distance': MAX_DISTANCE.get(args.task) if distance is None else distance,
        'nms': Nms(args.nms or 'none'),
    }
    match args.task:
        case 'boundaries':
            return boundaries
        case 'semantic-boundaries':
            return {**boundaries, 'mode': Mode(args.sbd or 'pre-SEAL')}
        case 'detection':
            return {'mode': ApMode(args.ap or 'VOC07')}
        case 'saliency':
            return {'normalise': args.normalise}
    return {}


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = cli.make_parser('score', plugins=False)
    add = parser.add_argument
    add('task', metavar='TASK', choices=TASKS, help=', '.join(TASKS))
    add('predictions', type=pathlib.Path, metavar='PREDICTIONS', help=_PREDICTIONS_HELP)
    add('ground_truth', type=pathlib.Path, metavar='GROUND_TRUTH',
        help='folder in the official layout; its files define which images are scored')  # fmt: skip
    add('--json', type=pathlib.Path, required=True, metavar='FILE',
        help='output file for the scores')  # fmt: skip
    add('--plot', type=pathlib.Path, metavar='FILE',
        help='output file for a plot of the scores')  # fmt: skip
    add('--allow-missing', action='store_true', help='count missing predictions as empty')
    add('--processes', type=int, metavar='N',
        help='number of worker processes; default: one for each core')  # fmt: skip
    add('--name', help='name of the task in the output of predict; default: TASK')
    add('--classes', type=pathlib.Path, metavar='FILE',
        help='text file with one class name per line; default: PASCAL VOC')  # fmt: skip
    add('--protocol', choices=(*PROTOCOL_NAMES, ALL), default=OURS,
        help='protocol of another code base, or all (default: %(default)s)')  # fmt: skip
    add('--benchmark', choices=BENCHMARKS,
        help='the benchmark that the files are of, on which some protocols depend')  # fmt: skip
    add('--thresholds', type=int, metavar='N',
        help=f'boundaries: number of thresholds (default: {THRESHOLDS})')  # fmt: skip
    defaults = ', '.join(f'{task} {distance}' for task, distance in MAX_DISTANCE.items())
    add('--max-distance', type=float, metavar='X',
        help=f'boundaries: tolerance as a share of the diagonal (default: {defaults})')  # fmt: skip
    add('--nms', choices=_values(Nms),
        help='boundaries: non-maximum suppression (default: none)')  # fmt: skip
    add('--sbd', choices=_values(Mode),
        help='semantic boundaries: protocol (default: pre-SEAL)')  # fmt: skip
    add('--ap', choices=_values(ApMode),
        help='detection: average precision (default: VOC07)')  # fmt: skip
    add('--normalise', action='store_true', help='saliency: stretch each map to 0..1')
    return parser


def _given(args: argparse.Namespace) -> list[str]:
    """Returns the names of the given options that are settings of our protocol."""
    values = {name: getattr(args, name) for name in _OF_OURS}
    return [name for name, value in values.items() if value is not None and value is not False]


def _values(options: type[enum.Enum]) -> list[str]:
    return [option.value for option in options]
