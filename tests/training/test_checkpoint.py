"""Checkpoints: what comes back bit for bit, what is refused, what a failure leaves."""

import contextlib
import functools
import pathlib
import resource
import shutil
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import tiny_config
from helpers.networks import FAST_COMPILATION, make_batch, make_solver, make_state, make_step
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
    """Noise of every leaf's shape and type, infinities and NaN among it."""
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
    """A workdir with the checkpoints of steps 3 and 5; not to be changed."""
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


def test_every_bit_comes_back(saved):
    checkpoints = Checkpoints(saved)
    assert checkpoints.steps == [3, 5]
    for step in (3, 5):
        assert_bitwise_equal(checkpoints.restore(CONFIG, step, SOLVER), random_state(step))


def test_the_latest_are_kept(workdir):
    checkpoints = Checkpoints(workdir)
    for step in (6, 7):
        checkpoints.save(random_state(step), CONFIG)
    checkpoints.finish()
    assert checkpoints.steps == [5, 6, 7] and KEPT == 3


def test_stopping_and_resuming_changes_no_bit(tmp_path):
    """Five steps equal two, saved and restored, and three: accumulators, dropout, learning rates.

    These fall after the first of two updates, which the trunk and the normals make on either side.
    """
    config = tiny_config.get_config()
    for group in (config.optim.shared, *config.tasks.values()):
        group.decay_at = (0.5,)
    batches = [
        make_batch(config.tasks, np.array([labelled], bool), seed=seed)
        for seed, labelled in enumerate([(1, 1), (1, 0), (1, 0), (0, 1), (1, 1)])
    ]
    state = make_state(config)
    # Compiled ahead, one program serves new and restored states.
    step = jax.jit(make_step(config, updates=2), compiler_options=FAST_COMPILATION)
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


def test_another_configuration_is_refused_and_every_differing_field_is_named(saved):
    config = tiny_config.get_config()
    config.optim.momentum = 0.5
    config.tasks['normals'].decay_at = (0.7, 0.9)
    del config.tasks['segmentation']
    with pytest.raises(UserError) as error:
        Checkpoints(saved).restore(config, 3, make_solver(config))
    lines = str(error.value).splitlines()
    assert str(saved) in lines[0]
    assert lines[1].strip() == 'tasks.normals.decay_at: [0.7, 0.9], not []'
    assert lines[2].startswith('  tasks.segmentation: None, not {')
    assert lines[3].strip() == 'optim.momentum: 0.5, not 0.9'
    assert len(lines) == 5 and '--workdir' in lines[4]


def test_what_changes_no_step_may_differ(saved, capsys):
    config = tiny_config.get_config()
    config.steps *= 2
    config.checkpoint_every = config.log_every = 1
    config.data.directory = 'elsewhere'
    config.data.workers = 2
    assert_bitwise_equal(Checkpoints(saved).restore(config, 3, SOLVER), random_state(3))
    assert 'was to have 6 steps, and has 12 now' in capsys.readouterr().out


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def largest_file(folder: pathlib.Path) -> pathlib.Path:
    return max(folder.rglob('*'), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize(
    ('item', 'damage'),
    [('config', truncate), ('manifest', pathlib.Path.unlink), ('arrays', truncate)],
)
def test_a_damaged_checkpoint_is_refused_and_named(workdir, item, damage):
    folder = workdir / 'checkpoints' / '5'
    path = {
        'config': folder / 'config' / 'metadata',
        'manifest': folder / 'network' / 'manifest.ocdbt',
        'arrays': largest_file(folder / 'network'),
    }[item]
    damage(path)
    with pytest.raises(UserError, match=f'{folder} cannot be read as a checkpoint'):
        Checkpoints(workdir).restore(CONFIG, 5, SOLVER)
    with pytest.raises(UserError, match=f'{folder} cannot be read as a checkpoint'):
        open_checkpoint(workdir)
    # As the message says: without the folder, the one before is used.
    shutil.rmtree(folder)
    assert open_checkpoint(workdir).step == 3


@pytest.mark.parametrize('damage', [truncate, pathlib.Path.unlink])
def test_only_training_needs_the_solver(workdir, damage):
    folder = workdir / 'checkpoints' / '5'
    for path in (folder / 'solver' / '_METADATA', largest_file(folder / 'solver')):
        damage(path)
    assert_bitwise_equal(open_checkpoint(workdir).params, random_state(5).params)
    with pytest.raises(UserError, match=f'{folder} cannot be read as a checkpoint'):
        Checkpoints(workdir).restore(CONFIG, 5, SOLVER)


def test_open_checkpoint_takes_a_workdir_or_a_step(saved):
    for path, step in ((saved, 5), (saved / 'checkpoints' / '3', 3)):
        trained = open_checkpoint(path)
        assert trained.step == step and trained.config == CONFIG
        assert_bitwise_equal(trained.params, random_state(step).params)
        assert_bitwise_equal(trained.batch_stats, random_state(step).batch_stats)


def test_what_is_no_checkpoint_is_refused(saved, tmp_path):
    with pytest.raises(UserError, match='holds no checkpoint: give the --workdir'):
        open_checkpoint(tmp_path)
    with pytest.raises(UserError, match=r'checkpoints/4: no such checkpoint; .*: 3, 5'):
        open_checkpoint(saved / 'checkpoints' / '4')
    with pytest.raises(UserError, match='no such checkpoint; complete ones: none'):
        (tmp_path / 'checkpoints').mkdir()
        open_checkpoint(tmp_path)


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes: what is written to it then fails half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_intact(workdir: pathlib.Path) -> None:
    """The newest checkpoint is still that of step 5, and saving works again."""
    checkpoints = Checkpoints(workdir)
    assert checkpoints.latest_step == 5
    assert_bitwise_equal(checkpoints.restore(CONFIG, 5, SOLVER), random_state(5))
    checkpoints.save(random_state(7), CONFIG)
    checkpoints.finish()
    assert_bitwise_equal(Checkpoints(workdir).restore(CONFIG, 7, SOLVER), random_state(7))


@pytest.mark.parametrize('size', [0, 50_000])  # fails at the first file, and at the arrays
def test_a_failed_write_is_reported_and_the_last_checkpoint_stays(workdir, size):
    checkpoints = Checkpoints(workdir)
    with files_up_to(size):
        checkpoints.save(random_state(6), CONFIG)
        with pytest.raises(UserError, match='could not be saved .* is that of step 5') as error:
            checkpoints.finish()
    assert 'File too large' in str(error.value) and str(workdir) in str(error.value)
    assert_intact(workdir)


def test_a_failed_write_is_reported_by_the_next_save_at_the_latest(workdir):
    checkpoints = Checkpoints(workdir)
    with files_up_to(50_000):
        checkpoints.save(random_state(6), CONFIG)
        with pytest.raises(UserError, match='could not be saved .* is that of step 5'):
            checkpoints.save(random_state(7), CONFIG)
    assert_intact(workdir)


def test_a_disk_without_space_is_reported_before_anything_is_written(workdir, monkeypatch):
    free = sum(leaf.nbytes for leaf in jax.tree.leaves(random_state(6)))
    usage = type(shutil.disk_usage(workdir))(2 * free, free, free)
    before = sorted(workdir.rglob('*'))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'disk_usage', lambda path: usage)
        with pytest.raises(UserError, match=f'step 6 could not be saved .* {free:,} are free'):
            Checkpoints(workdir).save(random_state(6), CONFIG)
    assert sorted(workdir.rglob('*')) == before
    assert_intact(workdir)
