"""What sets of photographs with one saliency mask each have in common."""

import pathlib

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.files import check_exist, read_image, read_label
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS


class MaskedPhotographs(Builder, skip_registration=True):
    """Reads pairs of a photograph and a grey mask as `saliency`; a subclass lists them."""

    def read(self, item: tuple[pathlib.Path, ...]) -> tuple[Example, bytes]:
        image_path, mask_path = item
        image, encoded_image = read_image(image_path)
        saliency = read_label(mask_path, TASKS['saliency'], image)
        example = Example(id=image_path.stem, image=image, labels={'saliency': saliency})
        return example, encoded_image


def list_pairs(images: pathlib.Path, masks: pathlib.Path) -> list[tuple[pathlib.Path, ...]]:
    """Every `ID.jpg` of a folder with its `ID.png`, sorted.

    Raises:
      UserError: there is no image, or one has no mask.
    """
    paths = sorted(images.glob('*.jpg'))
    if not paths:
        raise UserError(f'{images} holds no .jpg; unpack the dataset again')
    pairs = [(path, masks / f'{path.stem}.png') for path in paths]
    check_exist([mask for _, mask in pairs])
    return pairs
