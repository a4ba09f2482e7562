"""Pictures of several tasks on one sheet, each with its caption and legend."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.visualize.palette import FRAME, INK, Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style

KEY_LINES = 3  # height of a key, in lines of text


class Painter(Protocol):
    """What draws a value: a kind of label its labels, a task its results."""

    def draw(self, value: Any, image: np.ndarray, style: Style) -> np.ndarray: ...

    def legend(self, value: Any) -> Mapping[str, Colour]: ...

    def key(self, value: Any, side: int) -> np.ndarray | None: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a contact sheet with what is written under it.

    Attributes:
      caption: a few words.
      picture: uint8 (H, W, 3), RGB, of any size.
      legend: class name -> RGB colour.
      key: makes a picture so many pixels high of what the colours mean, or None.
    """

    caption: str
    picture: np.ndarray
    legend: Mapping[str, Colour] = dataclasses.field(default_factory=dict)
    key: Callable[[int], np.ndarray | None] = lambda side: None


def make_panel(
    caption: str,
    painter: Painter,
    value: Any,
    image: np.ndarray,
    style: Style = DEFAULT_STYLE,
) -> Panel:
    """A value's picture with its legend or key, ready for `contact_sheet`.

    Args:
      caption: such as a task's name.
      painter: of the value.
      value: a label or a result.
      image: uint8 (H, W, 3), the photograph that it is of.
      style: what may be drawn otherwise.
    """
    return Panel(
        caption=caption.replace('_', ' '),
        picture=painter.draw(value, image, style),
        legend=painter.legend(value),
        key=functools.partial(painter.key, value),
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
    key = panel.key(KEY_LINES * line)
    if key is not None:
        top, bottom = bottom + line // 2, bottom + line // 2 + len(key)
    card = Image.new('RGB', (width, bottom + line // 2), 'white')
    card.paste(thumbnail)
    if key is not None:
        card.paste(Image.fromarray(key), (0, top))
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
