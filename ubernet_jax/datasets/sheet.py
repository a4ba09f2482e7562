"""A picture of some images of a prepared set with all their labels, to see that they are right."""

from collections.abc import Iterator, Sequence

import numpy as np

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS, with_classes
from ubernet_jax.visualize import Panel, contact_sheet, panel

EXAMPLES = 8
WIDTH = 4  # panels in a row, at least


def draw_examples(splits: Sequence[Dataset]) -> np.ndarray:
    """Draws `EXAMPLES` images, spread evenly over a set's splits, each beside its labels.

    Args:
      splits: all of one set.

    Returns:
      uint8 (H, W, 3), RGB; a label that an image does not have leaves its place empty.
    """
    labelled = frozenset().union(*(split.tasks for split in splits))
    classes = splits[0].classes
    tasks = [
        with_classes(task, classes[name]) if name in classes else task
        for name, task in TASKS.items()
        if name in labelled
    ]
    panels: list[Panel | None] = []
    for caption, example in _choose(splits):
        panels.append(Panel(caption=caption, picture=example.image))
        panels += [panel(task, example.labels, example.image) for task in tasks]
    own = 1 + len(tasks)
    return contact_sheet(panels, columns=own * max(1, WIDTH // own), side=240)


def _choose(splits: Sequence[Dataset]) -> Iterator[tuple[str, Example]]:
    """Some examples of all, with what is written under them."""
    places = [(split, index) for split in splits for index in range(len(split))]
    chosen = np.linspace(0, len(places) - 1, min(EXAMPLES, len(places))).round().astype(int)
    for split, index in (places[number] for number in chosen):
        yield f'{split.split}: {split.ids[index]}', split[index]
