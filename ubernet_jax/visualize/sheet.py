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
    """Draws values: a kind of label draws its labels, a task its results."""

    def draw(self, value: Any, image: np.ndarray, style: Style, /) -> np.ndarray: ...

    def legend(self, value: Any, style: Style, /) -> Mapping[str, Colour]: ...

    def key(self, value: Any, side: int, /) -> np.ndarray | None: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a contact sheet with its caption and legend.

    Attributes:
      caption: a short text.
      picture: uint8 (H, W, 3), RGB, of any size.
      legend: class name -> RGB colour.
      key: draws a key of the colours, given its height in pixels; returns None for no key.
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
    """Draws a value with its legend or key, for `contact_sheet`.

    Args:
      caption: such as a task's name.
      painter: draws the value.
      value: a label or a result.
      image: uint8 (H, W, 3), RGB, the image of the value.
      style: settings for drawing.
    """
    return Panel(
        caption=caption.replace('_', ' '),
        picture=painter.draw(value, image, style),
        legend=painter.legend(value, style),
        key=functools.partial(painter.key, value),
    )


def contact_sheet(
    panels: Sequence[Panel | None], *, columns: int | None = None, side: int = 320
) -> np.ndarray:
    """Arranges panels in a grid, each with its caption and legend below.

    Args:
      panels: the panels row by row; None leaves a cell empty.
      columns: panels in a row; None for rows of about equal length, see `choose_columns`.
      side: the longer side of every picture on the sheet, in pixels; also scales text and margins.

    Returns:
      uint8 (H, W, 3), RGB.

    Raises:
      ValueError: there is no panel.
    """
    if not any(panels):
        raise ValueError('a contact sheet needs at least one panel')
    font = ImageFont.load_default(size=max(10, side / 20))
    assert isinstance(font, ImageFont.FreeTypeFont)  # as always with a size
    margin = max(8, side // 20)
    columns = columns or choose_columns(len(panels))
    rows = [
        [panel and _draw_card(panel, side, font) for panel in panels[start : start + columns]]
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


def choose_columns(count: int) -> int:
    """Returns how many of `count` panels are in a row: up to 4 in a single row.

    Of more, 3 to 5, whichever leaves the fewest cells of the last row empty, so that no panel is
    alone there.
    """
    if count <= 4:
        return count
    return min((columns for columns in (4, 5, 3) if columns < count), key=lambda n: -count % n)


def _draw_card(panel: Panel, side: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draws the scaled picture, the caption below it, then the legend in lines and the key."""
    thumbnail = _scale(panel.picture, side)
    line, swatch = round(1.4 * font.size), round(0.75 * font.size)
    widths = {name: 1.5 * swatch + font.getlength(name) for name in panel.legend}
    key = panel.key(KEY_LINES * line)
    least = (thumbnail.width, 0 if key is None else key.shape[1], font.getlength(panel.caption))
    width = math.ceil(max(*least, *widths.values()))
    positions, x, baseline = {}, 0, thumbnail.height + 2 * line
    for name, advance in widths.items():
        if x > 0 and x + advance > width:
            x, baseline = 0, baseline + line
        positions[name] = (x, baseline)
        x += advance + font.size
    bottom = baseline if panel.legend else thumbnail.height + line
    if key is not None:
        top, bottom = bottom + line // 2, bottom + line // 2 + len(key)
    card = Image.new('RGB', (width, bottom + line // 2), 'white')
    card.paste(thumbnail)
    if key is not None:
        drawn = Image.fromarray(key)
        card.paste(drawn, (0, top), drawn)
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, thumbnail.width - 1, thumbnail.height - 1), outline=FRAME)
    draw.text((0, thumbnail.height + line), panel.caption, INK, font, anchor='ls')
    for name, (x, baseline) in positions.items():
        draw.rectangle((x, baseline - swatch, x + swatch, baseline), panel.legend[name], FRAME)
        draw.text((x + 1.5 * swatch, baseline), name, INK, font, anchor='ls')
    return card


def _scale(picture: np.ndarray, side: int) -> Image.Image:
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    # Enlarged pixels stay squares; reduced pixels are averaged, by a filter without halos.
    method = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.HAMMING
    return Image.fromarray(picture).resize(size, method)
