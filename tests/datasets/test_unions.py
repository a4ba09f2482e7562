"""The datasets of the shipped configs: they exist, label every task, and do not leak."""

import itertools
import pathlib

import numpy as np
import pytest

from helpers.paths import ROOT
from ubernet_jax import config as c
from ubernet_jax.config.flags import load_config
from ubernet_jax.config.validation import validate
from ubernet_jax.datasets import Dataset
from ubernet_jax.datasets.builders import synthetic
from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.builders.voc import Voc
from ubernet_jax.datasets.checks import leaks
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import PAPER

# ml_collections warns when it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')

CONFIGS = ROOT / 'configs'
VARIANTS = {
    'ubernet': (
        'with_val',
        'without_val',
        'two_task',
        'two_task:without_val',
        *(f'single_task:{task}' for task in PAPER),
    ),
    'single_task': tuple(PAPER),
}
SHIPPED = [
    f'{path.stem}.py{variant and ":"}{variant}'
    for path in sorted(CONFIGS.glob('*.py'))
    if path.stem not in ('__init__', 'folder')  # `folder` is for datasets that the user names
    for variant in VARIANTS.get(path.stem, ('',))
]
NOT_OFFICIAL = {('pascal_s', 'train')}  # exists only with a custom list


@pytest.fixture(params=SHIPPED)
def config(request) -> c.Config:
    return load_config(str(CONFIGS / request.param))


def used(config: c.Config) -> list[c.DatasetConfig]:
    return [*config.data.train, *config.evaluation.benchmarks]


def find_splits(builder: Builder) -> set[str]:
    """Returns the official splits of a dataset; empty for a user dataset."""
    if isinstance(builder, Voc):
        return set(builder.possible_splits)
    return set(synthetic.SEEDS if builder.name == 'synthetic' else builder.card.counts)


def test_datasets_and_splits_are_registered(config, tmp_path):
    validate(config)
    for setting in used(config):
        splits = find_splits(make_builder(setting.name, tmp_path))
        known = setting.split in splits or (setting.name, setting.split) in NOT_OFFICIAL
        assert known or setting.name.startswith('folder/'), setting


def test_datasets_have_labels_for_their_tasks(config, tmp_path):
    labelled = set()
    for setting in used(config):
        own = setting.name.startswith('folder/')  # its owner names the labels
        tasks = (not own and make_builder(setting.name, tmp_path).card.tasks) or config.tasks
        assert set(setting.tasks) <= set(tasks), setting
        if setting in config.data.train:
            labelled |= set(setting.tasks or tasks)
    assert set(config.tasks) <= labelled


def test_configs_exclude_leaks(config, tmp_path):
    for trained, tested in itertools.product(config.data.train, config.evaluation.benchmarks):
        assert (trained.name, trained.split) != (tested.name, tested.split)
        shared = {make_builder(d.name, tmp_path).collection for d in (trained, tested)}
        if trained.name != tested.name and len(shared - {''}) == 1 and '' not in shared:
            assert config.data.leaks is c.Leaks.LEAVE_OUT, (trained, tested)


def test_the_two_unions_of_the_paper():
    with_val, without_val = (
        load_config(str(CONFIGS / f'ubernet.py:{variant}'))
        for variant in ('with_val', 'without_val')
    )
    for config in (with_val, without_val):
        assert list(config.tasks) == list(PAPER)
        detection = config.tasks['detection']
        assert (detection.batch_size, detection.learning_rate, detection.weight) == (2, 5e-4, 2)
        assert config.tasks['parts'].batch_size == 10 and config.optim.shared.batch_size == 30
        assert config.model == c.ModelConfig(
            initialisation=c.Initialisation.FILE, statistics=c.Statistics.RUNNING
        )
        assert config.loss == c.LossConfig()
        assert config.images == 5000 * config.optim.shared.batch_size
        assert {setting.name: setting.repeat for setting in config.data.train} == {
            'bsds500': 16, 'pascal_context': 2, 'voc2007': 2, 'voc2012': 2, 'sbd': 2,
            'person_part': 2, 'msra10k': 1, 'nyudv2_gupta': 10,
        }  # fmt: skip
        assert {setting.name for setting in config.data.train if setting.rotations == 16} == {
            'bsds500'
        }
    photographs = {'voc2012', 'sbd', 'pascal_context', 'person_part'}
    splits = {
        config.name: {
            (setting.name, setting.split)
            for setting in config.data.train
            if setting.name in photographs
        }
        for config in (with_val, without_val)
    }
    assert splits['ubernet:without_val'] == {(name, 'train') for name in photographs}
    assert splits['ubernet:with_val'] == {
        (name, split) for name in photographs for split in ('train', 'val')
    }
    scored = [
        {
            (benchmark.name, benchmark.split, task)
            for benchmark in config.evaluation.benchmarks
            for task in benchmark.tasks
        }
        for config in (with_val, without_val)
    ]
    common = {('bsds500', 'test', 'boundaries'), ('nyudv2_gupta', 'test', 'normals')}
    assert scored == [
        common | {('voc2007', 'test', 'detection'), ('voc2007', 'test', 'segmentation')},
        common
        | {
            ('person_part', 'val', 'parts'),
            ('sbd', 'val', 'semantic_boundaries'),
            ('pascal_s', 'test', 'saliency'),
        },
    ]


def make_dataset(setting: c.DatasetConfig, ids: tuple[str, ...], collection: str) -> Dataset:
    dataset = Dataset(
        name=setting.name,
        split=setting.split,
        directory=pathlib.Path('none'),
        collection=collection,
        labels={},
        ids=ids,
        sizes=np.zeros((len(ids), 2), np.int32),
        labelled={},
        counts={},
        rows=np.arange(len(ids)),
    )
    # Derived from the last digits of the id, so that PASCAL-S shares photographs with VOC.
    dataset.fingerprints = np.array(
        [np.random.default_rng(int(name[-2:])).integers(0, 2**64, 4, np.uint64) for name in ids]
    )
    return dataset


def test_without_val_no_photograph_of_a_benchmark_is_trained_on_for_any_task(tmp_path):
    ids = {
        ('voc2012', 'train'): ('2008_11', '2008_12'),
        ('sbd', 'train'): ('2008_11', '2008_04', '2008_02', '2009_03'),
        ('sbd', 'val'): ('2008_01',),
        ('pascal_context', 'train'): ('2008_12', '2009_03'),
        ('person_part', 'train'): ('2008_11',),
        ('person_part', 'val'): ('2009_03',),
        ('pascal_s', 'test'): ('02',),
        ('msra10k', 'train'): ('55', '02'),
        ('bsds500', 'train'): ('60',),
        ('bsds500', 'val'): ('61',),
        ('bsds500', 'test'): ('62',),
        ('voc2007', 'train'): ('000063',),
        ('voc2007', 'val'): ('000064',),
        ('nyudv2_gupta', 'train'): ('0065',),
        ('nyudv2_gupta', 'test'): ('0066',),
    }

    def open_tiny(settings: list[c.DatasetConfig]) -> list[Dataset]:
        return [
            make_dataset(
                setting,
                ids[setting.name, setting.split],
                make_builder(setting.name, tmp_path).collection
                or f'{setting.name}:{setting.split}',
            )
            for setting in settings
        ]

    config = load_config(str(CONFIGS / 'ubernet.py:without_val'))
    opened, tested = open_tiny(config.data.train), open_tiny(config.evaluation.benchmarks)
    resolved = leaks.resolve_leaks(opened, config.data.leaks, tested)
    left = {(dataset.name, dataset.split): dataset.ids for dataset in resolved}
    # 2008_04 is an image of VOC2012's val that no benchmark has.
    assert left['sbd', 'train'] == ('2008_11', '2008_04')
    assert left['pascal_context', 'train'] == ('2008_12',)
    assert left['msra10k', 'train'] == ('55',)  # recognised by its fingerprint
    for untouched in (('voc2012', 'train'), ('person_part', 'train'), ('voc2007', 'val')):
        assert left[untouched] == ids[untouched]


def test_the_error_about_an_unknown_variant_lists_the_variants():
    with pytest.raises(UserError, match='with_val, without_val'):
        load_config(str(CONFIGS / 'ubernet.py:val'))
