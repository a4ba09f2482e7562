"""A contact sheet of a prepared dataset: some images with all their labels, for inspection."""

from collections.abc import Iterator, Sequence

import numpy as np

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.taught_labels import TaughtLabels
from ubernet_jax.example import Example
from ubernet_jax.visualize import Panel, contact_sheet, make_panel

EXAMPLES = 8
WIDTH = 4  # panels per row; more only where an image has more labels


def draw_examples(splits: Sequence[Dataset]) -> np.ndarray:
    """Draws `EXAMPLES` images, spread evenly over the splits of a dataset, with their labels.

    Args:
      splits: all splits of the dataset.

    Returns:
      uint8 (H, W, 3), RGB; the cell of a missing label is empty.
    """
    labelled = dict.fromkeys(name for split in splits for name in split.present_labels())
    panels: list[Panel | None] = []
    for caption, example in _choose(splits):
        panels.append(Panel(caption=caption, picture=example.image))
        panels += [label_panel(example, name, name) for name in labelled]
    panels_per_image = 1 + len(labelled)
    columns = panels_per_image * max(1, WIDTH // panels_per_image)
    return contact_sheet(panels, columns=columns, side=240)


def draw_taught(dataset: Dataset, taught: TaughtLabels) -> np.ndarray:
    """Draws some images with the labels that a teacher predicted; uint8 (H, W, 3), RGB."""
    labelled = np.flatnonzero(taught.rows >= 0)
    panels = []
    for position in _spread(len(labelled)):
        index = int(labelled[position])
        example = dataset[index]
        panels.append(Panel(caption=example.id, picture=example.image))
        panels.append(make_panel(taught.name, taught.kind, taught[index], example.image))
    return contact_sheet(panels, columns=WIDTH, side=240)


def _spread(count: int) -> list[int]:
    """Returns up to `EXAMPLES` evenly spaced indices below `count`."""
    return np.linspace(0, count - 1, min(EXAMPLES, count)).round().astype(int).tolist()


def label_panel(example: Example, name: str, caption: str) -> Panel | None:
    """Draws a label of an image with its legend; None if the image does not have the label."""
    if name not in example.labels:
        return None
    return make_panel(caption, example.kinds[name], example.labels[name], example.image)


def _choose(splits: Sequence[Dataset]) -> Iterator[tuple[str, Example]]:
    """Yields evenly spaced examples with their captions."""
    all_images = [(split, index) for split in splits for index in range(len(split))]
    for split, index in (all_images[number] for number in _spread(len(all_images))):
        yield f'{split.split}: {split.ids[index]}', split[index]
