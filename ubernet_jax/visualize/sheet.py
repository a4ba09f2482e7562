"""Pictures of several tasks on one sheet, each with its caption and legend."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.structs import Predictions
from ubernet_jax.tasks import LabelKind, Task
from ubernet_jax.visualize.ball import draw_ball
from ubernet_jax.visualize.palette import FRAME, INK, Colour
from ubernet_jax.visualize.pictures import legend, picture
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style

BALL_LINES = 3  # the ball's size, in lines of text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a contact sheet with what is written under it.

    Attributes:
      caption: a few words.
      picture: uint8 (H, W, 3), RGB, of any size.
      legend: class name -> RGB colour.
      ball: whether the legend is a ball of normals.
    """

    caption: str
    picture: np.ndarray
    legend: Mapping[str, Colour] = dataclasses.field(default_factory=dict)
    ball: bool = False


def panel(
    task: Task,
    results: Predictions | Mapping[str, np.ndarray],
    image: np.ndarray,
    *,
    note: str = '',
    style: Style = DEFAULT_STYLE,
) -> Panel | None:
    """One task's picture with its name and legend, ready for `contact_sheet`.

    Args:
      task: which of the results to draw.
      results: predictions, or the labels of an `Example`.
      image: uint8 (H, W, 3), the photograph that the results are of.
      note: written after the task's name, such as 'label'.
      style: what may be drawn otherwise.

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
        picture=picture(task, result, strength=strength, image=image, style=style),
        legend=legend(task, result, strength=strength),
        ball=task.label is LabelKind.DIRECTION,
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
    ball = draw_ball(BALL_LINES * line) if panel.ball else None
    if ball is not None:
        top, bottom = bottom + line // 2, bottom + line // 2 + len(ball)
    card = Image.new('RGB', (width, bottom + line // 2), 'white')
    card.paste(thumbnail)
    if ball is not None:
        card.paste(Image.fromarray(ball), (0, top))
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
