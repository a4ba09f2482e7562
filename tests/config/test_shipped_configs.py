"""The files in `configs/`, compared with `mini` and with the paper."""

import dataclasses
import json

import pytest

from helpers.paths import ROOT
from ubernet_jax import config as c
from ubernet_jax.config.flags import load_config
from ubernet_jax.config.serialization import differences, from_json, to_json
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import VOC_CLASSES

CONFIGS = ROOT / 'configs'
SHIPPED = (
    'balanced', 'boundaries', 'decisions', 'hed_style', 'interference', 'kitchen', 'mini',
    'mini_gpu', 'normals_weight', 'nyud_mt', 'partial', 'pascal_mt', 'quickstart', 'recipe',
    'reference', 'scarce', 'single_task', 'small', 'synchronous', 'two_task', 'ubernet',
    'vit_heads',
)  # fmt: skip
IMAGE_SIZE = {
    'data.buckets',
    *(f'input_size.{side}' for side in ('short_side', 'long_side', 'area')),
}


def shipped(name: str, variant: str = '') -> c.Config:
    """A file's configuration; `variant` is the text after the colon."""
    return load_config(f'{CONFIGS / name}.py{variant and ":"}{variant}')


def changes(config: c.Config, base: c.Config) -> set[str]:
    """The fields in which two configurations differ."""
    lines = differences(to_json(config), to_json(base))
    return {line.split(':')[0] for line in lines} - {'name'}


def assert_differences(name: str, base: str, differences: dict[str, set[str]]) -> None:
    """Asserts that variants of a file are valid, and differ from its variant `base` in fields."""
    expected = shipped(name, base)
    validate(expected)
    for variant, fields in differences.items():
        config = shipped(name, variant)
        validate(config)
        assert config.name == f'{name}:{variant}' and changes(config, expected) == fields


def test_the_folder_holds_the_shipped_configs():
    # `folder` is tested with `configure`, which makes it.
    assert {path.stem for path in CONFIGS.glob('*.py')} == {*SHIPPED, 'folder', '__init__'}


@pytest.mark.parametrize('name', SHIPPED)
def test_a_shipped_config_is_valid_and_restored_from_json(name):
    config = shipped(name)
    validate(config)
    assert config.name.split(':')[0] == name
    text = json.dumps(to_json(config))
    assert from_json(json.loads(text)) == config
    # Its docstring gives the command.
    assert f'--config {name}' in (CONFIGS / f'{name}.py').read_text()


def test_the_schedule_of_the_paper():
    """5000 updates of the trunk, and a tenth of the learning rate after 3000 (section 4)."""
    config = shipped('ubernet')
    shared = config.optim.shared
    assert (config.images / shared.batch_size, shared.decay_at) == (5000, (0.6,))
    batches = {name: task.batch_size for name, task in config.tasks.items()}
    assert batches.pop('detection') == 2 and set(batches.values()) == {10}
    rates = {name: task.learning_rate for name, task in config.tasks.items()}
    rates['normals'] *= config.tasks['normals'].weight  # acts on the trunk alone
    assert rates.pop('detection') == 5e-4 and set(rates.values()) == {1e-3}


def test_classes_are_those_of_voc_or_of_the_data():
    tasks = shipped('mini').tasks
    for name in ('segmentation', 'semantic_boundaries', 'detection'):
        assert tasks[name].classes == VOC_CLASSES
    assert tasks['parts'].classes == ()


@pytest.mark.parametrize(
    ('name', 'datasets'),
    [
        ('boundaries', ['bsds500']),
        ('normals', ['folder/kitchen']),
        ('saliency', ['pascal_s', 'folder/fashion']),
        ('segmentation', ['voc2012']),
        ('parts', ['folder/fashion']),
        ('semantic_boundaries', ['voc2012']),
        ('detection', ['voc2012']),
    ],
)
def test_a_single_task_has_the_settings_of_mini(name, datasets):
    full, config = shipped('mini'), shipped('single_task', name)
    validate(config)
    assert config.name == f'single_task:{name}'
    assert config.tasks == {name: full.tasks[name]}
    assert config.model.scales == (1 if name == 'detection' else 3)
    assert [dataset.name for dataset in config.data.train] == datasets
    assert {dataset.name for dataset in config.evaluation.benchmarks} == set(datasets)
    # As many of each dataset's images: the same epochs, with the same repeats.
    assert all(dataset.tasks == (name,) for dataset in config.data.train)
    repeats = {dataset.name: dataset.repeat for dataset in full.data.train}
    assert all(dataset.repeat == repeats[dataset.name] for dataset in config.data.train)
    assert config.epochs == full.epochs and config.optim == full.optim


@pytest.mark.parametrize('union', ['with_val', 'without_val'])
def test_the_start_of_the_paper_trains_two_tasks_and_sees_no_benchmark_of_its_union(union):
    full = shipped('ubernet', union)
    config = shipped('ubernet', 'two_task' if union == 'with_val' else f'two_task:{union}')
    assert config.images / config.optim.shared.batch_size == 10_000
    assert config.tasks == {name: full.tasks[name] for name in ('segmentation', 'detection')}
    trained = {(dataset.name, dataset.split) for dataset in config.data.train}
    splits = ('train', 'val') if union == 'with_val' else ('train',)
    assert trained == {
        *(('voc2007', split) for split in ('train', 'val')),
        *((name, split) for name in ('voc2012', 'sbd') for split in splits),
    }
    tested = [
        [(dataset.name, dataset.split) for dataset in each.evaluation.benchmarks]
        for each in (config, full)
    ]
    assert tested[0] == tested[1] and config.data.leaks is c.Leaks.LEAVE_OUT


@pytest.mark.parametrize('name', c.PAPER)
def test_a_single_task_of_the_paper(name):
    config = shipped('ubernet', f'single_task:{name}')
    union = 'without_val' if name in ('parts', 'semantic_boundaries', 'saliency') else 'with_val'
    full = shipped('ubernet', union)
    batch = 2 if name == 'detection' else 10
    assert config.optim.shared.batch_size == config.tasks[name].batch_size == batch
    assert config.images == 5000 * batch and config.tasks == {name: full.tasks[name]}
    assert config.model.scales == (1 if name == 'detection' else 3)
    for restricted, all_sets in (
        (config.data.train, full.data.train),
        (config.evaluation.benchmarks, full.evaluation.benchmarks),
    ):
        assert [(dataset.name, dataset.split, dataset.repeat) for dataset in restricted] == [
            (dataset.name, dataset.split, dataset.repeat)
            for dataset in all_sets
            if name in dataset.tasks
        ]
        assert restricted and all(dataset.tasks == (name,) for dataset in restricted)


def test_two_tasks_train_on_the_same_images():
    config, full = shipped('two_task'), shipped('mini')
    assert (config.epochs, config.model) == (full.epochs, full.model)
    assert set(config.tasks) == {'segmentation', 'detection'}
    assert [dataset.name for dataset in config.data.train] == ['voc2012']


@pytest.mark.parametrize('weight', ['1', '5', '50'])
def test_only_the_weight_of_normals_changes(weight):
    config = shipped('normals_weight', weight)
    assert changes(config, shipped('mini')) == {'tasks.normals.weight'}
    assert config.tasks['normals'].weight == float(weight)


def test_the_synchronous_solver_trains_on_the_same_images():
    config = shipped('synchronous')
    assert changes(config, shipped('mini')) == {'optim.algorithm'}
    assert config.optim.algorithm is c.Algorithm.SYNCHRONOUS
    # The learning rates of all groups fall together.
    assert {group.decay_at for group in (config.optim.shared, *config.tasks.values())} == {(0.75,)}


def test_all_learning_rates_of_the_balanced_run_fall_to_zero():
    config = shipped('balanced')
    groups = {'optim.shared': config.optim.shared}
    groups |= {f'tasks.{name}': task for name, task in config.tasks.items()}
    assert all(group.polynomial for group in groups.values())
    assert {field.rpartition('.')[0] for field in changes(config, shipped('mini'))} == {
        *groups, 'optim.balancing',
    }  # fmt: skip


@pytest.mark.parametrize('experiment', ['mini', 'balanced', 'synchronous', 'single_task:parts'])
def test_a_small_experiment_is_a_smaller_version_of_the_named_one(experiment):
    name, _, variant = experiment.partition(':')
    config, full = shipped('small', experiment), shipped(name, variant)
    validate(config)
    assert config.name == f'small:{full.name}'
    assert config.epochs == pytest.approx(0.35 * full.epochs)
    changed = {field.split('.')[0] for field in changes(config, full)}
    assert changed <= {
        'epochs', 'model', 'data', 'input_size', 'evaluation', 'pictures_every', 'evaluate_every',
    }  # fmt: skip
    assert config.data.train == full.data.train
    assert config.evaluation.benchmarks == full.evaluation.benchmarks


def test_the_start_of_the_small_experiments_has_all_epochs():
    config, full = shipped('small', 'two_task'), shipped('two_task')
    assert (config.epochs, config.tasks) == (full.epochs, full.tasks)


def test_boundaries_in_the_setup_of_hed():
    config, paper = shipped('hed_style'), shipped('ubernet')
    assert set(config.tasks) == {'boundaries'} and config.loss.graduated
    assert config.images / config.optim.shared.batch_size == 5000
    assert config.tasks['boundaries'].learning_rate > config.optim.shared.learning_rate
    assert config.tasks['boundaries'].side_outputs
    assert {(dataset.name, dataset.rotations) for dataset in config.data.train} == {('bsds500', 16)}
    more = shipped('hed_style', 'context').data.train[2:]
    assert [(data.name, data.split) for data in more] == [
        ('pascal_context', 'train'), ('pascal_context', 'val'),
    ]  # fmt: skip
    assert config.model == paper.model and not paper.loss.graduated


@pytest.mark.parametrize('name', ['pascal_mt', 'nyud_mt'])
def test_the_recipe_of_invpt(name):
    config = shipped(name)
    weights = {task: settings.weight for task, settings in config.tasks.items()}
    assert (weights['segmentation'], weights['normals'], weights['boundaries']) == (1, 10, 50)
    boundaries = config.tasks['boundaries']
    assert (boundaries.positive_weight, boundaries.negative_weight) == (0.95, 0.05)
    data, groups = config.data, [config.optim.shared, *config.tasks.values()]
    together = data.images_per_micro_batch * data.micro_batches_per_step
    assert {(g.batch_size, g.learning_rate, g.polynomial) for g in groups} == {(6, 2e-5, True)}
    assert (config.steps, together, data.scale) == (40_000, 6, (0.5, 2.0))
    assert data.photometric == 1
    trunk = {'model.trunk', 'model.initialisation'}
    for variant, expected in {'resnet50': trunk, 'vit_base': trunk | IMAGE_SIZE}.items():
        other = shipped(name, variant)
        assert changes(other, config) == expected
        with pytest.raises(UserError, match=r'weights=FILE'):
            validate(other)
        other.model.weights = 'file.safetensors'
        validate(other)


def test_partial_labels_and_the_solver_are_the_only_differences():
    full, one = shipped('partial', 'full'), shipped('partial', 'one:synchronous')
    validate(one)
    parts = [[dataset.partial.keep for dataset in each.data.train] for each in (full, one)]
    assert parts == [[c.Keep.ALL] * 3, [c.Keep.ONE] * 3]
    for dataset in one.data.train:
        dataset.partial.keep = c.Keep.ALL
    assert changes(one, full) == {'optim.algorithm', 'optim.shared.batch_size'}
    assert {dataset.name: dataset.tasks for dataset in full.data.train} == {
        'voc2012': ('segmentation', 'semantic_boundaries'),
        'folder/fashion': ('parts', 'saliency'),
        'folder/kitchen': ('normals', 'depth'),
    }


def test_networks_of_the_interference_differ_in_solver_and_taught_labels():
    differences = {
        'synchronous': {'optim.algorithm', 'optim.shared.batch_size'},
        'cagrad': {'optim.balancing.method'},
        'larger': IMAGE_SIZE,
        'student': {'data.train'},
        'student:cagrad': {'data.train', 'optim.balancing.method'},
    }
    assert_differences('interference', 'plain', differences)
    student = shipped('interference', 'student')
    for dataset in student.data.train:
        assert sorted((*dataset.tasks, *dataset.taught)) == sorted(student.tasks)
    single = shipped('interference', 'single:parts')
    assert list(single.tasks) == ['parts']
    assert [dataset.name for dataset in single.data.train] == ['folder/fashion']


def test_networks_with_a_scarce_task_differ_in_solver_and_taught_labels():
    solver = {'optim.algorithm', 'optim.shared.batch_size'}
    assert_differences('scarce', 'plain', {'synchronous': solver, 'student': {'data.train'}})
    assert shipped('scarce', 'student').data.train[-1].taught == ('clothes',)
    single = shipped('scarce', 'single')
    assert [dataset.name for dataset in single.data.train] == ['folder/scarce']
    assert single.tasks == {'clothes': shipped('scarce', 'plain').tasks['clothes']}


def test_small_experiments_have_the_tasks_of_the_large_ones():
    small, complete = shipped('boundaries', 'small'), shipped('boundaries')
    validate(small)
    assert small.tasks == complete.tasks and small.optim == complete.optim
    paper = shipped('ubernet').tasks
    for name, task in shipped('decisions').tasks.items():
        assert task == dataclasses.replace(paper[name], batch_size=2)


def test_rows_of_the_recipe_differ_in_one_setting():
    plain, trunk = shipped('recipe', 'plain'), shipped('recipe', 'trunk')
    rows = {'photometric': {'data.photometric'}, 'layer_decay': {'optim.layer_decay'}}
    assert_differences('recipe', 'trunk', rows)
    validate(plain)
    assert set(plain.tasks) < set(shipped('reference').tasks)
    assert plain.data.keep_features and not trunk.data.keep_features


@pytest.mark.parametrize(
    ('name', 'variant', 'known'),
    [
        ('interference', 'single:depth', 'plain, synchronous.*single:TASK'),
        ('boundaries', 'tiny', 'small'),
        ('scarce', 'both', 'single, plain, synchronous, student'),
        ('recipe', 'cutmix', 'plain, trunk, photometric'),
        ('pascal_mt', 'swin', 'vgg16, resnet50, vit_base'),
        ('nyud_mt', 'swin', 'vgg16, resnet50, vit_base'),
        ('partial', 'two', 'full, one, random, full:synchronous'),
        ('single_task', 'depth', 'boundaries, normals'),
        ('small', 'hed_style', 'balanced, mini, normals_weight'),
        ('normals_weight', 'much', 'number'),
        ('hed_style', 'voc', 'bsds, context'),
        ('ubernet', 'val', 'with_val, without_val'),
        ('ubernet', 'single_task:depth', 'two_task, .*single_task:parts'),
    ],
)
def test_an_unknown_variant_is_refused_and_the_known_variants_are_listed(name, variant, known):
    with pytest.raises(UserError, match=rf'{name}\.py:{variant}\b.*{known}'):
        shipped(name, variant)
