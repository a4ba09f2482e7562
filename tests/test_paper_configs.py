"""`configs/ubernet.py` runs on tiny copies of all official layouts; only sizes are smaller."""

import pathlib

import numpy as np
import pytest

from helpers import caffe_network, weight_files
from helpers.commands import call_main, call_train
from helpers.dataset_files import random_image, save_list, write_annotation
from helpers.paths import ROOT
from helpers.shared import make_once
from helpers.tiny_matlab_datasets import WRITERS
from ubernet_jax import evaluate, prepare
from ubernet_jax.config import PAPER
from ubernet_jax.config.flags import load_config
from ubernet_jax.errors import UserError
from ubernet_jax.network import SHARED
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.schedule import Schedule, make_schedule
from ubernet_jax.training.training_sets import open_training_sets
from ubernet_jax.weights.__main__ import main as weights_main
from ubernet_jax.weights.trained import open_checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning'),
]

DATASETS = (
    'bsds500', 'pascal_context', 'voc2007', 'voc2012', 'sbd', 'person_part', 'msra10k', 'pascal_s',
    'nyudv2_gupta',
)  # fmt: skip
SMALL = (
    f'--config.model.width={caffe_network.WIDTH}', '--config.data.buckets=((33,65),)',
    '--config.data.workers=0', '--config.input_size.short_side=33',
    '--config.input_size.long_side=65', '--config.input_size.area=2145',
    '--config.pictures_every=1000', '--config.evaluate_every=1000',
)  # fmt: skip
DETECTOR = (
    f'--config.tasks.detection.detector.width={caffe_network.WIDE}',
    '--config.tasks.detection.detector.train_proposals=(20,10)',
    '--config.tasks.detection.detector.test_proposals=(20,10)',
)


def write_official_layouts(root: pathlib.Path) -> None:
    """Prepares tiny copies of all datasets of the paper, with a test image of VOC2007."""
    for name in DATASETS:
        WRITERS[name](root)
    voc = root / 'VOCdevkit' / 'VOC2007'
    save_list(voc / 'ImageSets' / 'Main' / 'test.txt', ('000001',))
    random_image(voc / 'JPEGImages' / '000001.jpg', 30, 40)
    write_annotation(voc / 'Annotations' / '000001.xml', ('dog', '8', '2', '11', '4', 0))
    prepare.main([*DATASETS, '--source', str(root), '--directory', str(root / 'prepared')])


@pytest.fixture(scope='module')
def prepared(tmp_path_factory) -> pathlib.Path:
    return make_once(tmp_path_factory, 'official', write_official_layouts) / 'prepared'


@pytest.fixture(scope='module')
def vgg(tmp_path_factory) -> pathlib.Path:
    """The narrow VGG-16 of a Caffe file, imported."""
    folder = tmp_path_factory.mktemp('weights')
    layers = caffe_network.vgg(seed=1, mean=0.0)
    caffe = weight_files.write_caffemodel(folder / 'a.caffemodel', layers)
    call_main(weights_main, 'import', caffe, '--out', folder / 'vgg16.safetensors')
    return folder / 'vgg16.safetensors'


def run(variant: str, prepared: pathlib.Path, workdir: pathlib.Path, *flags: str) -> None:
    detects = not variant.startswith('single_task') or variant.endswith('detection')
    call_train(
        f'--config={ROOT}/configs/ubernet.py:{variant}', f'--workdir={workdir}',
        f'--config.data.directory={prepared}', *SMALL, *(DETECTOR if detects else ()), *flags,
    )  # fmt: skip


def plan(variant: str, prepared: pathlib.Path) -> Schedule:
    config = load_config(f'{ROOT}/configs/ubernet.py:{variant}')
    config.data.directory = str(prepared)
    config, sets = open_training_sets(config)
    return make_schedule(config, Epochs(sets, config.data, config.seed))


@pytest.mark.parametrize(
    ('variant', 'images', 'labelled'),
    [
        (
            'with_val',
            # bsds500 2 x 2 x 16, pascal_context 3 x 2, voc2007 3 x 2, voc2012 4 x 2, sbd 3 x 2,
            # person_part 3 x 2, msra10k 2, nyudv2 2 x 10
            64 + 6 + 6 + 8 + 6 + 6 + 2 + 20,
            {
                'boundaries': 64 + 6, 'normals': 20, 'saliency': 2, 'segmentation': 3 * 2 + 6,
                'parts': 6, 'semantic_boundaries': 6, 'detection': 6 + 2 * 2,
            },
        ),
        (
            'without_val',
            64 + 4 + 6 + 6 + 4 + 4 + 2 + 20,
            {
                'boundaries': 64 + 4, 'normals': 20, 'saliency': 2, 'segmentation': 2 * 2 + 4,
                'parts': 4, 'semantic_boundaries': 4, 'detection': 6 + 2 * 2,
            },
        ),
    ],
)  # fmt: skip
def test_the_plan_of_an_epoch(variant, images, labelled, prepared):
    schedule = plan(variant, prepared)
    assert schedule.epoch == images
    samples = dict.fromkeys(labelled, 0)
    for dataset in schedule.datasets:
        for task, count in dataset.labelled.items():
            samples[task] += count * dataset.repeat
    assert samples == labelled and sum(part.samples for part in schedule.datasets) == images
    assert schedule.updates[SHARED] == 5000
    epochs = 150_000 / images
    for task, count in labelled.items():
        assert schedule.samples[task] == pytest.approx(epochs * count, rel=0.001)
        batch = 2 if task == 'detection' else 10
        assert schedule.updates[task] == schedule.samples[task] // batch


def test_two_tasks_start_from_vgg_and_the_other_networks_from_them(prepared, vgg, tmp_path):
    """Only the smallest network takes steps: compiling the step of seven tasks takes 20 s."""
    start = tmp_path / 'start.safetensors'
    run('two_task', prepared, tmp_path / 'a', f'--config.model.weights={vgg}', '--config.images=0')
    trained = open_checkpoint(tmp_path / 'a').params
    assert set(trained) == {SHARED, 'segmentation', 'detection'}
    call_main(weights_main, 'export', '--checkpoint', tmp_path / 'a', '--out', start)
    for variant, images, tasks in (('with_val', 0, PAPER), ('single_task:parts', 2, ['parts'])):
        run(
            variant, prepared, tmp_path / variant, f'--config.model.weights={start}',
            f'--config.images={images}', '--config.model.scales=1',
        )  # fmt: skip
        _, step, params, _ = open_checkpoint(tmp_path / variant)
        assert step == images and set(params) == {SHARED, *tasks}
        # The trunk has not seen its effective batch yet.
        fc6 = [each[SHARED]['trunk']['fc']['fc6']['kernel'] for each in (params, trained)]
        np.testing.assert_array_equal(*fc6)


@pytest.mark.soak
def test_the_networks_of_the_paper_are_trained_and_scored(prepared, vgg, tmp_path):
    """The test above with an update of the trunk, and the scores on all benchmarks of a union."""
    start, steps = tmp_path / 'start.safetensors', ('--config.images=32', '--config.model.scales=1')
    run('two_task', prepared, tmp_path / 'a', f'--config.model.weights={vgg}', *steps)
    call_main(weights_main, 'export', '--checkpoint', tmp_path / 'a', '--out', start)
    for variant in ('with_val', 'without_val', 'single_task:parts'):
        workdir = tmp_path / variant
        run(variant, prepared, workdir, f'--config.model.weights={start}', *steps)
        config = open_checkpoint(workdir).config
        call_main(evaluate.main, '--checkpoint', workdir)
        scored = {path.name for path in (workdir / 'results' / '00000032').glob('*.json')}
        for benchmark in config.evaluation.benchmarks:
            if set(benchmark.tasks) & set(config.tasks):
                prefix = f'{benchmark.name}-{benchmark.split}-'
                assert any(name.startswith(prefix) for name in scored), prefix


@pytest.mark.parametrize('variant', ['with_val', 'two_task:without_val', 'single_task:normals'])
def test_no_network_of_the_paper_starts_without_weights(variant, prepared, tmp_path):
    with pytest.raises(UserError, match=r'^model\.weights is empty'):
        run(variant, prepared, tmp_path / 'run')
