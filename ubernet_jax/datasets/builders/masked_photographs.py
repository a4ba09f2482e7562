"""Base class of the datasets of photographs with one saliency mask each."""

import pathlib

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.files import check_exist, list_images, read_image
from ubernet_jax.example import Example
from ubernet_jax.labels.standard import STANDARD


class MaskedPhotographs(Builder, skip_registration=True):
    """Reads pairs of a photograph and a grey mask, the label `saliency`; subclasses list them."""

    labels = {'saliency': STANDARD['saliency']}

    def read(self, item: tuple[pathlib.Path, ...]) -> tuple[Example, bytes]:
        image_path, mask_path = item
        image, encoded_image = read_image(image_path)
        saliency = self.labels['saliency'].read(mask_path, image.shape[:2])
        example = Example(id=image_path.stem, image=image, labels={'saliency': saliency})
        return example, encoded_image


def list_pairs(images: pathlib.Path, masks: pathlib.Path) -> list[tuple[pathlib.Path, ...]]:
    """Lists every `ID.jpg` of a folder with its `ID.png`, sorted by name.

    Raises:
      UserError: there is no image, or an image has no mask.
    """
    pairs = [(path, masks / f'{path.stem}.png') for path in list_images(images)]
    check_exist([mask for _, mask in pairs])
    return pairs
