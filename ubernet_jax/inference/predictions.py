"""The predictions of a network for a photograph: results by task, their pictures and files."""

import io
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.inference import saved_files
from ubernet_jax.inference.saved_files import SavedFiles
from ubernet_jax.tasks import Task
from ubernet_jax.visualize import Panel, Style, contact_sheet, make_panel
from ubernet_jax.visualize.style import DEFAULT_STYLE
from ubernet_jax.writing import make_folder

SHOWN_SIDE = 240  # pixels; of each picture in a notebook


class Predictions(Mapping[str, Any]):
    """Maps task names to results, whose type depends on the kind of task; also as attributes.

    Attributes:
      image: the photograph, uint8 (H, W, 3), RGB.
      tasks: the predicted tasks by name; their `classes` name the class indices.
    """

    def __init__(self, image: np.ndarray, tasks: Mapping[str, Task], results: Mapping[str, Any]):
        self.image, self.tasks, self._results = image, tasks, results

    # Compared by identity: the comparison of arrays is not a single truth value.
    def __eq__(self, other: object) -> bool:
        return object.__eq__(self, other)

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __getitem__(self, name: str) -> Any:
        if name not in self._results:
            raise KeyError(_absent(name, self._results))
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __getattr__(self, name: str) -> Any:
        results = self.__dict__.get('_results', {})
        if name in results:
            return results[name]
        raise AttributeError(_absent(name, results))

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f'Predictions of a photograph of {width} x {height} pixels: {", ".join(self)}'

    def _repr_png_(self) -> bytes:
        """Returns the sheet with all pictures, which a notebook shows."""
        file = io.BytesIO()
        sheet = Image.fromarray(contact_sheet(self.panels(), side=SHOWN_SIDE))
        sheet.save(file, 'png')
        return file.getvalue()

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns all results as arrays by task name.

        Names of further arrays of a result have a suffix, such as `detection_corners`.
        """
        return {
            key: array
            for name, result in self.items()
            for key, array in self.tasks[name].arrays(name, result).items()
        }

    def picture(self, task: str, style: Style = DEFAULT_STYLE) -> np.ndarray:
        """Draws a task's result in the style usual for the task; uint8 (H, W, 3), RGB.

        Raises:
          UserError: the task was not predicted.
        """
        if task not in self:
            raise UserError(_absent(task, self))
        return self.tasks[task].draw(self[task], self.image, style)

    def panels(self, style: Style = DEFAULT_STYLE) -> list[Panel]:
        """Returns the photograph, then the picture of every task with its name and legend."""
        photograph = Panel(caption='photograph', picture=self.image)
        return [
            photograph,
            *(
                make_panel(name, self.tasks[name], result, self.image, style)
                for name, result in self.items()
            ),
        ]

    def save(
        self,
        folder: str | os.PathLike,
        *,
        arrays: bool = False,
        style: Style = DEFAULT_STYLE,
    ) -> SavedFiles:
        """Writes the picture of each task, `sheet.png` with all pictures, and files of the tasks.

        These are `TASK.index.png` for a class map (the class index of each pixel), and `TASK.json`
        for detections (the folder layout's JSON with scores). Files that an earlier call wrote to
        the folder and this call does not replace are removed, such as the picture of a task that
        this network lacks.

        Args:
          folder: output folder, created if it does not exist.
          arrays: also write `predictions.npz`, the result of `arrays` at the size of the
            photograph; for the six dense tasks of the paper, 27 bytes per pixel.
          style: settings for drawing the pictures.

        Returns:
          The written and the removed files.

        Raises:
          UserError: `folder` is a file, or is within a file.
        """
        folder = pathlib.Path(folder)
        make_folder(folder)
        panels = self.panels(style)
        with saved_files.replaced(folder) as (new, saved):
            for (name, result), panel in zip(self.items(), panels[1:], strict=True):
                Image.fromarray(panel.picture).save(new / f'{name}.png')
                self.tasks[name].save(name, result, new)
            if arrays:
                saved_files.write_arrays(new / 'predictions.npz', self.arrays())
            Image.fromarray(contact_sheet(panels)).save(
                new / saved_files.SHEET, pnginfo=saved_files.list_files(new)
            )
        return saved


def _absent(name: str, results: Mapping[str, Any]) -> str:
    return f'these predictions have no {name}: they have {", ".join(results) or "nothing"}'
