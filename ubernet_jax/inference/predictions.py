"""What a network predicts of one photograph: a result a task, their pictures and their files."""

import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.tasks import Task
from ubernet_jax.visualize import Panel, Style, contact_sheet, make_panel
from ubernet_jax.visualize.style import DEFAULT_STYLE


class Predictions(Mapping[str, Any]):
    """Task name -> result, of the type that the task's kind says; also as attributes.

    Attributes:
      image: uint8 (H, W, 3), RGB: the photograph.
      tasks: name -> task, of those that were predicted; their `classes` name the class indices.
    """

    def __init__(self, image: np.ndarray, tasks: Mapping[str, Task], results: Mapping[str, Any]):
        self.image, self.tasks, self._results = image, tasks, results

    # Of one photograph, not of a value: arrays have no one answer to whether they are equal.
    __eq__, __hash__ = object.__eq__, object.__hash__

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

    def arrays(self) -> dict[str, np.ndarray]:
        """All results as arrays, by the names of the tasks; those of several arrays a result go on
        after it, such as `detection_corners`.
        """
        return {
            key: array
            for name, result in self.items()
            for key, array in self.tasks[name].arrays(name, result).items()
        }

    def picture(self, task: str, style: Style = DEFAULT_STYLE) -> np.ndarray:
        """One task's result as its field draws it; uint8 (H, W, 3), RGB.

        Raises:
          UserError: the task was not predicted.
        """
        if task not in self:
            raise UserError(_absent(task, self))
        return self.tasks[task].draw(self[task], self.image, style)

    def panels(self, style: Style = DEFAULT_STYLE) -> list[Panel]:
        """The photograph, then every task's picture with its name and legend."""
        photograph = Panel(caption='photograph', picture=self.image)
        return [
            photograph,
            *(
                make_panel(name, self.tasks[name], result, self.image, style)
                for name, result in self.items()
            ),
        ]

    def save(self, folder: str | os.PathLike) -> None:
        """Writes a picture a task, `sheet.png`, `predictions.npz` and what the kinds add to it.

        Detections are also in `TASK.json`, the folder layout's JSON with scores. The arrays are
        those of `arrays`.

        Args:
          folder: made if it is not there.
        """
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        panels = self.panels()
        for (name, result), drawn in zip(self.items(), panels[1:], strict=True):
            Image.fromarray(drawn.picture).save(folder / f'{name}.png')
            self.tasks[name].save(name, result, folder)
        Image.fromarray(contact_sheet(panels)).save(folder / 'sheet.png')
        # Not compressed: deflating the maps of a large photograph takes minutes.
        np.savez(folder / 'predictions.npz', **self.arrays())


def _absent(name: str, results: Mapping[str, Any]) -> str:
    return f'there is no {name} in these predictions: they have {", ".join(results) or "nothing"}'
