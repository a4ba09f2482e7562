"""The subcommands of `ubernet`: what each does, with examples; imported only to be run."""

import importlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

Main = Callable[[Sequence[str]], int | None]


class Command(NamedTuple):
    """A subcommand.

    Attributes:
      module: `python -m ubernet_jax.MODULE` is the same command.
      summary: what it does, in a sentence.
      examples: two complete commands.
    """

    module: str
    summary: str
    examples: tuple[str, str]

    def load(self) -> Main:
        """Imports the command; returns its main function, which takes the arguments."""
        module = importlib.import_module(f'{__package__}.{self.module}')
        if hasattr(module, '__path__'):  # a package
            module = importlib.import_module(f'{module.__name__}.__main__')
        return module.main


COMMANDS = {
    'prepare': Command(
        'prepare',
        'Builds datasets from folders of images and labels, or from downloaded public datasets.',
        (
            'ubernet prepare folder/garden --source garden',
            'ubernet prepare bsds500 voc2012 --source DOWNLOADS --max-side 640',
        ),
    ),
    'doctor': Command(
        'doctor',
        'Checks the machine, the prepared datasets and a configuration.',
        ('ubernet doctor', 'ubernet doctor --config mini'),
    ),
    'configure': Command(
        'configure',
        'Writes a configuration for prepared datasets and for this machine.',
        (
            'ubernet configure folder/garden folder/street --out my.py',
            'ubernet configure folder/garden bsds500 --out my.py --directory data/prepared',
        ),
    ),
    'settings': Command(
        'settings',
        'Describes the settings of a configuration: types, defaults, allowed values.',
        ('ubernet settings', 'ubernet settings optim.shared'),
    ),
    'train': Command(
        'train',
        'Trains one network for many tasks; the same command continues a run that was stopped.',
        (
            'ubernet train --config my.py --workdir runs/my',
            'ubernet train --config mini --workdir runs/mini --config.images=1000',
        ),
    ),
    'teach': Command(
        'teach',
        'Predicts the labels that training images lack, to train another network on them.',
        (
            'ubernet teach --teacher runs/saliency --task saliency --datasets voc2012 bsds500',
            'ubernet teach --teacher weeds.safetensors --task weeds --datasets folder/street',
        ),
    ),
    'evaluate': Command(
        'evaluate',
        'Scores a network on its benchmarks, at the original size of the images.',
        (
            'ubernet evaluate --checkpoint runs/my',
            'ubernet evaluate --checkpoint runs/pascal_mt --protocol astmt',
        ),
    ),
    'predict': Command(
        'predict',
        'Predicts all tasks of a network for photographs and videos.',
        (
            'ubernet predict photo.jpg',
            "ubernet predict --checkpoint runs/my 'trip/**/*.jpg' --tasks saliency --out trip",
        ),
    ),
    'compare': Command(
        'compare',
        'Compares the scores of runs, and their change against a baseline.',
        (
            'ubernet compare runs/my runs/other',
            'ubernet compare runs/my --baseline runs/single-* --out runs/comparison',
        ),
    ),
    'score': Command(
        'metrics',
        'Scores prediction files of any program by the official protocols.',
        (
            'ubernet score boundaries predictions BSDS500/data/groundTruth/test --json scores.json',
            'ubernet score segmentation predictions masks --classes names.txt --json scores.json',
        ),
    ),
    'weights': Command(
        'weights',
        'Imports the weights of other networks; exports a trained network as one file; shares it.',
        (
            'ubernet weights import VGG_ILSVRC_16_layers.caffemodel --out vgg16.safetensors',
            'ubernet weights export --checkpoint runs/my --out my.safetensors',
        ),
    ),
    'export': Command(
        'export',
        'Writes a network as a StableHLO program or as ONNX, which run without this package.',
        (
            'ubernet export runs/my --out exported',
            'ubernet export runs/my --out my.onnx --size 321x481 --tasks segmentation',
        ),
    ),
    'demo': Command(
        'demo',
        'Serves a network as a web page.',
        (
            'ubernet demo',
            'ubernet demo --checkpoint my.safetensors --host 0.0.0.0 --port 8000',
        ),
    ),
    'voc_server': Command(
        'voc_server',
        "Writes the results on the test images of VOC2012 that VOC's test server scores.",
        (
            'ubernet voc_server --checkpoint runs/ubernet --source DIR --out submission',
            'ubernet voc_server --checkpoint runs/my --source DIR --tasks detection --out boxes',
        ),
    ),
}
