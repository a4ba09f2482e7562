"""Pictures of what a network says and of what the labels say, drawn in one way.

Every task is drawn as its field draws it: classes in the colours of PASCAL VOC, normals as RGB,
boundaries dark on light, saliency light on dark. Where there is no habit the drawing is in greys,
which every eye can tell apart, and class colours always come with a legend.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.structs import Predictions
from ubernet_jax.tasks import VOID, LabelKind, LossKind, Task

Colour = tuple[int, int, int]

OPACITY = 0.65  # of a class colour over the photograph
VISIBLE = 0.25  # the least strength at which a boundary's class is in the legend
INK, FRAME = (40, 40, 40), (160, 160, 160)  # text; outlines of pictures and legend colours
BAND = 1 << 20  # pixels drawn at a time: bounds the memory of temporaries at any picture size


def _pascal_palette() -> np.ndarray:
    """uint8 (256, 3): VOC's colour map; the index's bits, lowest first, fill R, G, B in turn."""
    index = np.arange(256)
    channels = [
        sum((index >> 3 * digit + channel & 1) << 7 - digit for digit in range(3))
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)


PALETTE = _pascal_palette()


def picture(
    task: Task,
    result: np.ndarray,
    *,
    strength: np.ndarray | None = None,
    image: np.ndarray | None = None,
) -> np.ndarray:
    """Draws a prediction or a label of one task.

    Args:
      task: says how it is drawn.
      result: (H, W) or (H, W, 3) as `Predictions` or `Example.labels` hold it: class indices as
        uint8, shares as uint8 0..255, probabilities as floats 0..1, directions as floats.
      strength: float (H, W), 0..1; how strongly a predicted semantic boundary is drawn.
      image: uint8 (H, W, 3); class regions are laid over it, nothing else uses it.

    Returns:
      uint8 (H, W, 3), RGB. Pixels without a label are beige (classes) or grey (directions).

    Raises:
      ValueError: the arrays differ in height or width.
    """
    for other in (strength, image):
        if other is not None and other.shape[:2] != result.shape[:2]:
            raise ValueError(
                f'{task.name}: the result has {result.shape[:2]} pixels, but the strength or the '
                f'image drawn with it has {other.shape[:2]}'
            )
    thin = task.loss is LossKind.MULTIPLE_INSTANCE
    if task.label is LabelKind.DIRECTION:
        return _in_bands(_draw_directions, result)
    if task.label is LabelKind.SHARE:
        return _in_bands(_draw_ink if thin else _draw_light, result)
    if thin:
        return _in_bands(_draw_class_boundaries, result, strength)
    return _in_bands(_draw_classes, result, image)


def _in_bands(draw: Callable[..., np.ndarray], *arrays: np.ndarray | None) -> np.ndarray:
    height, width = arrays[0].shape[:2]
    canvas = np.empty((height, width, 3), np.uint8)
    step = max(1, BAND // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        canvas[rows] = draw(*(array if array is None else array[rows] for array in arrays))
    return canvas


def _to_bytes(share: np.ndarray) -> np.ndarray:
    """0..1 as 0..255, rounded to the nearest; bytes stay as they are."""
    if share.dtype == np.uint8:
        return share
    return (np.clip(share, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _draw_directions(directions: np.ndarray) -> np.ndarray:
    return _to_bytes((directions + np.float32(1)) / np.float32(2))


def _draw_light(share: np.ndarray) -> np.ndarray:
    return _to_bytes(share)[..., np.newaxis]


def _draw_ink(share: np.ndarray) -> np.ndarray:
    return 255 - _draw_light(share)


def _draw_classes(classes: np.ndarray, image: np.ndarray | None) -> np.ndarray:
    colours = PALETTE[classes]
    if image is None:
        return colours
    opacity = np.where(classes == 0, np.float32(0), np.float32(OPACITY))
    return _mix(image, colours, opacity)


def _draw_class_boundaries(classes: np.ndarray, strength: np.ndarray | None) -> np.ndarray:
    opacity = (classes != 0).astype(np.float32)
    if strength is not None:
        opacity *= strength
    return _mix(np.full((1, 1, 3), 255, np.uint8), PALETTE[classes], opacity)


def _mix(below: np.ndarray, above: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    opacity = opacity[..., np.newaxis]
    mixed = below * (1 - opacity) + above * opacity
    return (mixed + np.float32(0.5)).astype(np.uint8)


def legend(
    task: Task, result: np.ndarray, *, strength: np.ndarray | None = None
) -> dict[str, Colour]:
    """The classes to be seen in `picture(task, result, ...)`, without the background.

    Args:
      task: its class names; tasks that are not drawn in class colours have no legend.
      result: uint8 (H, W), class index, if it is a task of classes.
      strength: float (H, W), 0..1; boundaries fainter than `VISIBLE` do not count.

    Returns:
      class name (or 'void') -> RGB colour, in the order of the classes.
    """
    if task.label is not LabelKind.CLASSES:
        return {}
    visible = None if strength is None else Image.fromarray(strength >= VISIBLE)
    counts = Image.fromarray(result).histogram(visible)
    names = dict(enumerate(task.classes)) | {VOID: 'void'}
    return {
        names[index]: tuple(PALETTE[index].tolist())
        for index, count in enumerate(counts)
        if count and index != 0
    }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a contact sheet with what is written under it.

    Attributes:
      caption: a few words.
      picture: uint8 (H, W, 3), RGB, of any size.
      legend: class name -> RGB colour.
    """

    caption: str
    picture: np.ndarray
    legend: Mapping[str, Colour] = dataclasses.field(default_factory=dict)


def panel(
    task: Task,
    results: Predictions | Mapping[str, np.ndarray],
    image: np.ndarray,
    *,
    note: str = '',
) -> Panel | None:
    """One task's picture with its name and legend, ready for `contact_sheet`.

    Args:
      task: which of the results to draw.
      results: predictions, or the labels of an `Example`.
      image: uint8 (H, W, 3), the photograph that the results are of.
      note: written after the task's name, such as 'label'.

    Returns:
      the panel, or None where there is no result for this task.
    """
    strength = None
    if isinstance(results, Predictions):
        result = getattr(results, task.name)
        if task.name == 'semantic_boundaries':
            strength = results.semantic_boundary_strength
    else:
        result = results.get(task.name)
    if result is None:
        return None
    caption = task.name.replace('_', ' ')
    return Panel(
        caption=f'{caption} ({note})' if note else caption,
        picture=picture(task, result, strength=strength, image=image),
        legend=legend(task, result, strength=strength),
    )


def contact_sheet(
    panels: Sequence[Panel | None], *, columns: int = 4, side: int = 320
) -> np.ndarray:
    """Lays panels out in a grid, each with its caption and legend underneath.

    Args:
      panels: row after row; None leaves its place empty.
      columns: panels in a row.
      side: the longer side of every picture on the sheet, in pixels; text and margins follow it.

    Returns:
      uint8 (H, W, 3), RGB.

    Raises:
      ValueError: there is no panel to show.
    """
    if not any(panels):
        raise ValueError('a contact sheet needs at least one panel')
    font = ImageFont.load_default(size=max(10, side / 20))
    margin = max(8, side // 20)
    rows = [
        [one and _draw_card(one, side, font) for one in panels[start : start + columns]]
        for start in range(0, len(panels), columns)
    ]
    pitch = margin + max(card.width for row in rows for card in row if card)
    heights = [margin + max((card.height for card in row if card), default=0) for row in rows]
    sheet = Image.new('RGB', (margin + pitch * len(rows[0]), margin + sum(heights)), 'white')
    top = margin
    for row, height in zip(rows, heights, strict=True):
        for column, card in enumerate(row):
            if card:
                sheet.paste(card, (margin + pitch * column, top))
        top += height
    return np.asarray(sheet)


def _draw_card(panel: Panel, side: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """The picture at its size on the sheet, the caption under it, then the legend in lines."""
    thumbnail = _scale(panel.picture, side)
    line, swatch = round(1.4 * font.size), round(0.75 * font.size)
    widths = {name: 1.5 * swatch + font.getlength(name) for name in panel.legend}
    width = math.ceil(max(thumbnail.width, font.getlength(panel.caption), *widths.values(), 0))
    places, x, baseline = {}, 0, thumbnail.height + 2 * line
    for name, advance in widths.items():
        if x > 0 and x + advance > width:
            x, baseline = 0, baseline + line
        places[name] = (x, baseline)
        x += advance + font.size
    bottom = baseline if panel.legend else thumbnail.height + line
    card = Image.new('RGB', (width, bottom + line // 2), 'white')
    card.paste(thumbnail)
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, thumbnail.width - 1, thumbnail.height - 1), outline=FRAME)
    draw.text((0, thumbnail.height + line), panel.caption, INK, font, anchor='ls')
    for name, (x, baseline) in places.items():
        draw.rectangle((x, baseline - swatch, x + swatch, baseline), panel.legend[name], FRAME)
        draw.text((x + 1.5 * swatch, baseline), name, INK, font, anchor='ls')
    return card


def _scale(picture: np.ndarray, side: int) -> Image.Image:
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    # Enlarged pixels stay squares; smaller ones are averaged, by the filter without halos.
    method = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.HAMMING
    return Image.fromarray(picture).resize(size, method)
