"""What a network says of one photograph: arrays, boxes, pictures, files."""

import dataclasses
import json
import os
import pathlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.structs import Predictions
from ubernet_jax.tasks import Task
from ubernet_jax.visualize import Panel, Style, contact_sheet, panel
from ubernet_jax.visualize.style import DEFAULT_STYLE


class Box(NamedTuple):
    """One thing that was found.

    Attributes:
      corners: x1, y1, x2, y2 in pixels of the photograph, 0-based; x2 and y2 are exclusive.
      label: its class.
      score: 0..1.
    """

    corners: tuple[float, float, float, float]
    label: str
    score: float


@dataclasses.dataclass(slots=True, kw_only=True)
class Result(Predictions):
    """Predictions with the photograph that they are of.

    Attributes:
      image: uint8 (H, W, 3), RGB.
      tasks: those that were predicted; their `classes` name the class indices.
    """

    image: np.ndarray
    tasks: tuple[Task, ...]

    @property
    def boxes(self) -> list[Box] | None:
        """The detections one by one, surest first; None if they were not asked for."""
        if self.detection is None:
            return None
        (classes,) = (task.classes for task in self.tasks if task.name == 'detection')
        found = self.detection
        return [
            Box(tuple(corners), classes[index], score)
            for corners, index, score in zip(
                found.corners.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
            )
        ]

    def picture(self, task: str, style: Style = DEFAULT_STYLE) -> np.ndarray:
        """One task's result as its field draws it; uint8 (H, W, 3), RGB.

        Raises:
          UserError: the task was not predicted.
        """
        for row in self.tasks:
            if row.name == task:
                return panel(row, self, self.image, style=style).picture
        names = ', '.join(row.name for row in self.tasks)
        raise UserError(f'there is no {task} in this result: it has {names}')

    def panels(self, style: Style = DEFAULT_STYLE) -> list[Panel]:
        """The photograph, then every task's picture with its name and legend."""
        photograph = Panel(caption='photograph', picture=self.image)
        return [photograph, *(panel(row, self, self.image, style=style) for row in self.tasks)]

    def save(self, folder: str | os.PathLike) -> None:
        """Writes a picture a task, `sheet.png`, `detection.json` and `predictions.npz`.

        Boxes are in the folder layout's JSON, with scores; the arrays are those of
        `Predictions.arrays`.

        Args:
          folder: made if it is not there.
        """
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        panels = self.panels()
        for row, drawn in zip(self.tasks, panels[1:], strict=True):
            Image.fromarray(drawn.picture).save(folder / f'{row.name}.png')
        Image.fromarray(contact_sheet(panels)).save(folder / 'sheet.png')
        if self.boxes is not None:
            records = [
                {'box': [round(x, 1) for x in corners], 'label': label, 'score': round(score, 4)}
                for corners, label, score in self.boxes
            ]
            (folder / 'detection.json').write_text(json.dumps(records, indent=1) + '\n')
        # Not compressed: deflating the maps of a large photograph takes minutes.
        np.savez(folder / 'predictions.npz', **self.arrays())
