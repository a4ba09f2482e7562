"""Base class of the datasets of photographs with one saliency mask each."""

import pathlib

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.files import (
    IMAGE_SUFFIXES,
    check_exist,
    image_id,
    list_by_id,
    list_images,
    read_image,
)
from ubernet_jax.datasets.builders.left_out import LeftOut
from ubernet_jax.example import Example
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif

_MASK = '.png'


class MaskedPhotographs(Builder, skip_registration=True):
    """Reads pairs of a photograph and a grey mask, the label `saliency`; subclasses list them."""

    labels = {'saliency': STANDARD['saliency']}

    def read(
        self, item: tuple[pathlib.Path, ...], exif: Exif = Exif.REFUSE
    ) -> tuple[Example, bytes]:
        image_path, mask_path = item
        image, encoded_image = read_image(image_path, exif)
        saliency = self.labels['saliency'].read(mask_path, image.shape[:2])
        example = Example(id=image_id(image_path), image=image, labels={'saliency': saliency})
        return example, encoded_image


def list_pairs(
    images: pathlib.Path, masks: pathlib.Path, left_out: LeftOut
) -> list[tuple[pathlib.Path, ...]]:
    """Lists every image of a folder with its mask `ID.png`, sorted by name.

    Args:
      images: folder of the images, `ID.jpg` or also `ID.png`.
      masks: folder of the masks; if it is that of the images, these are not `ID.png`.
      left_out: where files that are not read are added, such as masks without an image.

    Raises:
      UserError: there is no image, two images have the same id, or an image has no mask.
    """
    shared = images == masks
    suffixes = tuple(s for s in IMAGE_SUFFIXES if not shared or s != _MASK)
    paths = list_images(images, left_out, suffixes, (_MASK,) if shared else ())
    # Other files of a shared folder are already left out.
    found = list_by_id(masks, (_MASK,), LeftOut() if shared else left_out)
    pairs = [(path, found.pop(image_id(path), masks / f'{path.stem}{_MASK}')) for path in paths]
    check_exist([mask for _, mask in pairs])
    for mask in found.values():
        left_out.add(mask, 'masks without an image')
    return pairs
