"""Checkpoints: exact restoration, refused checkpoints, and failures to write."""

import contextlib
import functools
import pathlib
import re
import resource
import shutil
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import tiny_config
from helpers.damages import truncate
from helpers.networks import make_batch, make_solver, make_state, make_step
from ubernet_jax.errors import UserError
from ubernet_jax.training.checkpoint import KEPT, Checkpoints
from ubernet_jax.training.state import TrainState, abstract_state
from ubernet_jax.weights.trained import open_checkpoint

CONFIG = tiny_config.get_config()
SOLVER = make_solver(CONFIG)

# Orbax abandons coroutines when a read or a write fails.
pytestmark = [
    pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
    pytest.mark.filterwarnings('ignore:coroutine .* was never awaited:RuntimeWarning'),
]


@functools.cache
def random_state(step: int) -> TrainState:
    """Random bits in every leaf, which include infinities and NaN."""
    rng = np.random.default_rng(step)

    def draw(leaf: jax.ShapeDtypeStruct) -> jax.Array:
        values = rng.integers(0, 256, (*leaf.shape, leaf.dtype.itemsize), np.uint8)
        return jnp.asarray(values.view(leaf.dtype).reshape(leaf.shape))

    return jax.tree.map(draw, abstract_state(CONFIG, SOLVER)).replace(step=jnp.int32(step))


def assert_bitwise_equal(actual: TrainState, wanted: TrainState) -> None:
    def compare(actual: jax.Array, wanted: jax.Array) -> None:
        assert actual.dtype == wanted.dtype and actual.shape == wanted.shape
        assert np.asarray(actual).tobytes() == np.asarray(wanted).tobytes()

    jax.tree.map(compare, actual, wanted)


@pytest.fixture(scope='module')
def saved(tmp_path_factory) -> pathlib.Path:
    """A workdir with the checkpoints of steps 3 and 5; tests must not change it."""
    workdir = tmp_path_factory.mktemp('saved')
    checkpoints = Checkpoints(workdir)
    for step in (3, 5):
        checkpoints.save(random_state(step), CONFIG)
    checkpoints.finish()
    return workdir


@pytest.fixture
def workdir(saved, tmp_path) -> pathlib.Path:
    """A copy of `saved`."""
    return shutil.copytree(saved, tmp_path / 'workdir')


def test_every_bit_is_restored(saved):
    checkpoints = Checkpoints(saved)
    assert checkpoints.steps == [3, 5]
    for step in (3, 5):
        assert_bitwise_equal(checkpoints.restore(CONFIG, step, SOLVER), random_state(step))


def test_counters_of_whole_samples_of_an_earlier_version_are_restored(tmp_path):
    groups = {
        name: group._replace(count=jnp.int32(7)) for name, group in random_state(1).groups.items()
    }
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(random_state(1).replace(groups=groups), CONFIG)
    checkpoints.finish()
    for group in checkpoints.restore(CONFIG, 1, SOLVER).groups.values():
        assert group.count.dtype == jnp.float32 and group.count == 7


def test_the_latest_checkpoints_are_kept(workdir):
    checkpoints = Checkpoints(workdir)
    for step in (6, 7):
        checkpoints.save(random_state(step), CONFIG)
    checkpoints.finish()
    assert checkpoints.steps == [5, 6, 7] and KEPT == 3


@pytest.mark.slow
def test_stopping_and_resuming_changes_no_bit(tmp_path):
    """Five steps give the same as two steps, a checkpoint and three more steps.

    Accumulators, dropout and learning rates are continued. The rates fall after the first of two
    updates, and the trunk and the normals make an update before and after the checkpoint.
    """
    config = tiny_config.get_config()
    for group in (config.optim.shared, *config.tasks.values()):
        group.decay_at = (0.5,)
    batches = [
        make_batch(config.tasks, np.array([labelled], bool), seed=seed)
        for seed, labelled in enumerate([(1, 1), (1, 0), (1, 0), (0, 1), (1, 1)])
    ]
    state = make_state(config)
    # Compiled explicitly, so that the same program runs on new and on restored states.
    step = jax.jit(make_step(config, updates=2))
    step = step.lower(state, batches[0]).compile()

    def advance(state: TrainState, batches: list) -> TrainState:
        for batch in batches:
            state, metrics = step(state, batch)
            assert metrics.finite
        return state

    halfway = advance(state, batches[:2])
    counts = {name: int(group.count) for name, group in halfway.groups.items()}
    assert counts == {'shared': 0, 'normals': 0, 'segmentation': 1}
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(halfway, config)
    checkpoints.finish()
    restored = Checkpoints(tmp_path).restore(config, 2, make_solver(config, updates=2))
    resumed = advance(restored, batches[2:])
    assert_bitwise_equal(resumed, advance(halfway, batches[2:]))
    assert {name: int(group.updates) for name, group in resumed.groups.items()} == {
        'shared': 2,
        'normals': 2,
        'segmentation': 1,
    }


def test_another_configuration_is_refused_with_all_fields_that_differ(saved):
    config = tiny_config.get_config()
    config.optim.momentum = 0.5
    config.tasks['normals'].decay_at = (0.7, 0.9)
    del config.tasks['segmentation']
    with pytest.raises(UserError) as error:
        Checkpoints(saved).restore(config, 3, make_solver(config))
    first, *fields, last = str(error.value).splitlines()
    assert str(saved) in first and '--workdir' in last
    decay, task, momentum = fields
    assert re.search(r'tasks\.normals\.decay_at.*\[0\.7, 0\.9\].*\[\]', decay)
    assert re.search(r'tasks\.segmentation.*None', task)
    assert re.search(r'optim\.momentum.*0\.5.*0\.9', momentum)


def test_fields_that_change_no_step_may_differ(saved, capsys):
    config = tiny_config.get_config()
    config.steps *= 2
    config.checkpoint_every = config.log_every = 1
    config.data.directory = 'elsewhere'
    config.data.workers = 2
    assert_bitwise_equal(Checkpoints(saved).restore(config, 3, SOLVER), random_state(3))
    assert re.search(r'6 to 12 steps', capsys.readouterr().out)


def largest_file(folder: pathlib.Path) -> pathlib.Path:
    return max(folder.rglob('*'), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize(
    ('item', 'damage'),
    [('config', truncate), ('manifest', pathlib.Path.unlink), ('arrays', truncate)],
)
def test_a_damaged_checkpoint_is_refused_with_its_name(workdir, item, damage):
    folder = workdir / 'checkpoints' / '5'
    path = {
        'config': folder / 'config' / 'metadata',
        'manifest': folder / 'network' / 'manifest.ocdbt',
        'arrays': largest_file(folder / 'network'),
    }[item]
    damage(path)
    with pytest.raises(UserError, match=f'{folder} is damaged'):
        Checkpoints(workdir).restore(CONFIG, 5, SOLVER)
    with pytest.raises(UserError, match=f'{folder} is damaged'):
        open_checkpoint(workdir)
    # Without the folder, the previous checkpoint is used, as the message explains.
    shutil.rmtree(folder)
    assert open_checkpoint(workdir).step == 3


@pytest.mark.parametrize('damage', [truncate, pathlib.Path.unlink])
def test_only_training_reads_the_solver(workdir, damage):
    folder = workdir / 'checkpoints' / '5'
    for path in (folder / 'solver' / '_METADATA', largest_file(folder / 'solver')):
        damage(path)
    assert_bitwise_equal(open_checkpoint(workdir).params, random_state(5).params)
    with pytest.raises(UserError, match=f'{folder} is damaged'):
        Checkpoints(workdir).restore(CONFIG, 5, SOLVER)


def test_open_checkpoint_accepts_a_workdir_or_a_step(saved):
    for path, step in ((saved, 5), (saved / 'checkpoints' / '3', 3)):
        trained = open_checkpoint(path)
        assert trained.step == step and trained.config == CONFIG
        assert_bitwise_equal(trained.params, random_state(step).params)
        assert_bitwise_equal(trained.batch_stats, random_state(step).batch_stats)


def test_a_folder_without_a_checkpoint_is_refused(saved, tmp_path):
    with pytest.raises(UserError, match=f'{tmp_path}.*--workdir'):
        open_checkpoint(tmp_path)
    with pytest.raises(UserError, match=r'checkpoints/4.*3, 5'):
        open_checkpoint(saved / 'checkpoints' / '4')
    with pytest.raises(UserError, match='checkpoint.*none'):
        (tmp_path / 'checkpoints').mkdir()
        open_checkpoint(tmp_path)


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Limits the size of files to `size` bytes: writing beyond it fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_intact(workdir: pathlib.Path) -> None:
    """Checks that the newest checkpoint is still that of step 5, and that saving works again."""
    checkpoints = Checkpoints(workdir)
    assert checkpoints.latest_step == 5
    assert_bitwise_equal(checkpoints.restore(CONFIG, 5, SOLVER), random_state(5))
    checkpoints.save(random_state(7), CONFIG)
    checkpoints.finish()
    assert_bitwise_equal(Checkpoints(workdir).restore(CONFIG, 7, SOLVER), random_state(7))


@pytest.mark.slow
@pytest.mark.parametrize('size', [0, 50_000])  # fails at the first file, or at the arrays
def test_a_failed_write_is_reported_and_the_last_checkpoint_is_kept(workdir, size):
    checkpoints = Checkpoints(workdir)
    with files_up_to(size):
        checkpoints.save(random_state(6), CONFIG)
        with pytest.raises(UserError, match='step 5') as error:
            checkpoints.finish()
    assert 'File too large' in str(error.value) and str(workdir) in str(error.value)
    assert_intact(workdir)


@pytest.mark.slow
def test_a_failed_write_is_reported_by_the_next_save_at_the_latest(workdir):
    checkpoints = Checkpoints(workdir)
    with files_up_to(50_000):
        checkpoints.save(random_state(6), CONFIG)
        with pytest.raises(UserError, match='step 5'):
            checkpoints.save(random_state(7), CONFIG)
    assert_intact(workdir)


def test_too_little_disk_space_is_reported_before_anything_is_written(workdir, monkeypatch):
    free = sum(leaf.nbytes for leaf in jax.tree.leaves(random_state(6)))
    usage = type(shutil.disk_usage(workdir))(2 * free, free, free)
    before = sorted(workdir.rglob('*'))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'disk_usage', lambda path: usage)
        with pytest.raises(UserError, match=f'step 6.*{free:,}'):
            Checkpoints(workdir).save(random_state(6), CONFIG)
    assert sorted(workdir.rglob('*')) == before
    assert_intact(workdir)
