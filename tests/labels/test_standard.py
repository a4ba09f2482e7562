"""The labels with a standard name."""

from ubernet_jax.labels.standard import FOLDERS, PERSON_PARTS, STANDARD, VOC_CLASSES


def test_the_standard_names():
    assert list(STANDARD) == [
        'boundaries', 'normals', 'depth', 'saliency', 'segmentation', 'parts',
        'semantic_boundaries', 'detection',
    ]  # fmt: skip
    assert len(VOC_CLASSES) == 21 and len(PERSON_PARTS) == 7
    assert STANDARD['detection'].classes == STANDARD['semantic_boundaries'].classes == VOC_CLASSES
    assert set(FOLDERS.values()) <= set(STANDARD) and not set(FOLDERS) & set(STANDARD)
