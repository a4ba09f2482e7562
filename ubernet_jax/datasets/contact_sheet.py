"""A picture of some images of a prepared set with all their labels, to see that they are right."""

from collections.abc import Iterator, Sequence

import numpy as np

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.example import Example
from ubernet_jax.visualize import Panel, contact_sheet, make_panel

EXAMPLES = 8
WIDTH = 4  # panels in a row, at least


def draw_examples(splits: Sequence[Dataset]) -> np.ndarray:
    """Draws `EXAMPLES` images, spread evenly over a set's splits, each beside its labels.

    Args:
      splits: all of one set.

    Returns:
      uint8 (H, W, 3), RGB; a label that an image does not have leaves its place empty.
    """
    labelled = dict.fromkeys(name for split in splits for name in split.present_labels())
    panels: list[Panel | None] = []
    for caption, example in _choose(splits):
        panels.append(Panel(caption=caption, picture=example.image))
        panels += [label_panel(example, name, name) for name in labelled]
    own = 1 + len(labelled)
    return contact_sheet(panels, columns=own * max(1, WIDTH // own), side=240)


def label_panel(example: Example, name: str, caption: str) -> Panel | None:
    """The picture of an image's label with its legend; None where the image has no such label."""
    if name not in example.labels:
        return None
    return make_panel(caption, example.kinds[name], example.labels[name], example.image)


def _choose(splits: Sequence[Dataset]) -> Iterator[tuple[str, Example]]:
    """Some examples of all, with what is written under them."""
    places = [(split, index) for split in splits for index in range(len(split))]
    chosen = np.linspace(0, len(places) - 1, min(EXAMPLES, len(places))).round().astype(int)
    for split, index in (places[number] for number in chosen):
        yield f'{split.split}: {split.ids[index]}', split[index]
