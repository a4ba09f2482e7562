"""The command line of `ubernet score`."""

import argparse
import enum
import pathlib

from ubernet_jax import cli
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.detection import ApMode
from ubernet_jax.metrics.semantic_boundaries import Mode
from ubernet_jax.metrics.thinning import Nms

TASKS = (
    'boundaries', 'semantic-boundaries', 'detection', 'segmentation', 'parts', 'saliency',
    'normals', 'depth', 'proposals',
)  # fmt: skip
MAX_DISTANCE = {'boundaries': 0.0075, 'semantic-boundaries': 0.02}  # task -> default
_PLOT_FORMATS = ('.png', '.pdf', '.svg')
_PREDICTIONS_HELP = """folder with a map NAME.png, .npy, .npz or .mat for each image; semantic
boundaries: one folder per class with pictures, CLASS/NAME.png, or arrays (C, H, W); detection and
proposals: comp4 or JSON files; all tasks: the output folder of predict --arrays"""


def check_arguments(args: argparse.Namespace) -> None:
    """Raises a UserError if --plot or --processes has a value that is not allowed."""
    if args.plot and args.plot.suffix not in _PLOT_FORMATS:
        raise UserError(f'--plot is {args.plot}: its suffix must be {", ".join(_PLOT_FORMATS)}')
    if args.processes is not None and args.processes < 1:
        raise UserError(f'--processes is {args.processes}: it must be at least 1')


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
    add('--thresholds', type=int, default=99, metavar='N',
        help='boundaries: number of thresholds (default: %(default)s)')  # fmt: skip
    defaults = ', '.join(f'{task} {distance}' for task, distance in MAX_DISTANCE.items())
    add('--max-distance', type=float, metavar='X',
        help=f'boundaries: tolerance as a share of the diagonal (default: {defaults})')  # fmt: skip
    add('--nms', choices=_values(Nms), default='none',
        help='boundaries: non-maximum suppression (default: %(default)s)')  # fmt: skip
    add('--sbd', choices=_values(Mode), default='pre-SEAL',
        help='semantic boundaries: protocol (default: %(default)s)')  # fmt: skip
    add('--ap', choices=_values(ApMode), default='VOC07',
        help='detection: average precision (default: %(default)s)')  # fmt: skip
    add('--normalise', action='store_true', help='saliency: stretch each map to 0..1')
    return parser


def _values(options: type[enum.Enum]) -> list[str]:
    return [option.value for option in options]
