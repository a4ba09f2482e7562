"""Boundaries: the share of annotators who marked each pixel, and the lines of each annotator."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.grid import Grid, Window
from ubernet_jax.labels.kind import VOID, LabelKind, Part
from ubernet_jax.labels.maps import histogram, keep_lines
from ubernet_jax.labels.reading import (
    is_array,
    read_array,
    read_grey,
    read_variables,
    require_size,
)
from ubernet_jax.labels.registry import register
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.labels.soft_mask import check_strengths, review_strengths
from ubernet_jax.metrics.boundaries import PROTOCOLS
from ubernet_jax.visualize.drawing import in_bands, to_bytes
from ubernet_jax.visualize.ridges import draw_ridges
from ubernet_jax.visualize.style import Style


@dataclasses.dataclass(slots=True, kw_only=True)
class LineMap:
    """The boundaries of one image.

    Attributes:
      share: uint8 (H, W), the share of the annotators who marked each pixel, scaled to 0..255.
      annotators: uint8 (A, H, W), 0 or 1, the lines of each annotator; None if they were merged.
    """

    share: np.ndarray
    annotators: np.ndarray | None = None

    @classmethod
    def of_annotators(cls, annotators: np.ndarray) -> 'LineMap':
        """Merges the lines (A, H, W) of A annotators; every value except 0 is a line."""
        lines = (annotators != 0).astype(np.uint8)
        return cls(share=np.rint(255 * lines.mean(axis=0)).astype(np.uint8), annotators=lines)


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines(LabelKind):
    """Lines, one pixel wide in the map of each annotator.

    Attributes:
      protocol: the benchmark whose protocol scores the lines: `bsds500` or `nyud_mt`, see
        `metrics.boundaries.PROTOCOLS`.
    """

    name: ClassVar[str] = 'lines'
    parts: ClassVar[Mapping[str, Part]] = {
        'share': Part(dtype=np.uint8, shape=(None, None)),
        'annotators': Part(dtype=np.uint8, shape=(None, None, None)),
    }
    protocol: str = 'bsds500'

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UserError(
                f'the protocol of lines is {self.protocol!r:.50}; it must be one of '
                f'{", ".join(PROTOCOLS)}'
            )

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> LineMap:
        """Reads a grey picture 0..255, an array, or a MATLAB file of BSDS500 with all annotators.

        An array (A, H, W) has one map per annotator. Raises as `LabelKind.read`.
        """
        is_matlab = path.suffix.lower() == '.mat'
        if is_matlab and 'groundTruth' in (variables := read_variables(path)):
            label = LineMap.of_annotators(parse_annotators(path, variables['groundTruth']))
        elif is_array(path):
            label = _parse_array(path, read_array(path, key or 'boundaries'))
        else:
            label = LineMap(share=to_bytes(read_grey(path)))
        require_size(path, label.share, size)
        return label

    def pack(self, label: LineMap) -> dict[str, np.ndarray]:
        absent = np.zeros((0, 0, 0), np.uint8)
        return {
            'share': label.share,
            'annotators': absent if label.annotators is None else label.annotators,
        }

    def unpack(self, parts: Mapping[str, np.ndarray]) -> LineMap:
        annotators = parts['annotators']
        return LineMap(share=parts['share'], annotators=annotators if annotators.size else None)

    def for_training(self, label: LineMap) -> LineMap:
        return LineMap(share=label.share)

    def flip(self, label: LineMap, width: int) -> LineMap:
        return _apply(label, lambda lines: lines[:, ::-1])

    def resize(self, label: LineMap, grid: Grid) -> LineMap:
        return _apply(label, lambda lines: keep_lines(lines, lines > 0, grid))

    rotate = resize

    def crop(self, label: LineMap, window: Window) -> LineMap:
        return _apply(label, lambda lines: lines[window])

    def check(self, label: LineMap, size: tuple[int, int]) -> list[str]:
        shape = label.share.shape
        return [] if shape == size else [f'has the shape {shape}, but its image has {size}']

    def survey(self, label: LineMap) -> Survey:
        return {'histogram': histogram(label.share)}

    def review(self, total: Survey) -> Review:
        return review_strengths(total['histogram'])

    @property
    def style_fields(self) -> tuple[str, ...]:
        return ('thickness',)

    def draw(
        self, label: LineMap | np.ndarray, image: np.ndarray | None, style: Style
    ) -> np.ndarray:
        """Draws lines dark on light.

        Also draws predicted probabilities, float (H, W), 0..1, which `style.thickness` can thin to
        ridges.
        """
        strength = label.share if isinstance(label, LineMap) else label
        if style.thickness and not isinstance(label, LineMap):
            strength, _ = draw_ridges(strength, np.zeros(strength.shape, np.uint8), style.thickness)
        return in_bands(lambda rows: 255 - to_bytes(rows)[..., np.newaxis], strength)

    def empty_target(self, images: int, size: tuple[int, int], arrays: Any) -> Any:
        """uint8 (N, H, W), VOID: see `MapKind.empty_target`."""
        return arrays.full((images, *size), VOID, np.uint8)


def _parse_array(path: pathlib.Path, array: np.ndarray) -> LineMap:
    if array.ndim == 3 and array.size:
        return LineMap.of_annotators(array > (127 if array.max(initial=0) > 1 else 0.5))
    strengths = check_strengths(path, array)
    # Bytes with only the values 0 and 1 are a binary map, not shares of 255.
    is_binary = strengths.dtype == np.uint8 and strengths.max() == 1
    return LineMap(share=255 * strengths if is_binary else to_bytes(strengths))


def parse_annotators(path: pathlib.Path, truth: np.ndarray) -> np.ndarray:
    """Parses BSDS500's cell array of structs, or structs, to the lines (A, H, W) of annotators."""
    try:
        cells = truth.ravel() if truth.dtype == object else [truth]
        structs = [struct for cell in cells for struct in cell.ravel()]
        maps = [np.asarray(struct['Boundaries']) for struct in structs]
        if any(m.ndim != 2 or not m.size or m.dtype.kind not in 'biuf' for m in maps):
            raise ValueError('Boundaries is not a map (H, W) of numbers')
        return np.stack(maps)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path}: groundTruth has another structure than expected ({type(error).__name__}: '
            f'{error}); use the file as it was published'
        ) from error


def _apply(label: LineMap, function: Callable[[np.ndarray], np.ndarray]) -> LineMap:
    annotators = label.annotators
    return LineMap(
        share=function(label.share),
        annotators=None if annotators is None else np.stack([*map(function, annotators)]),
    )
