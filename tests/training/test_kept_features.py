"""Heads that are trained on kept features: results as without, files, refusals."""

import dataclasses
import pathlib

import jax
import numpy as np
import pytest

from helpers import tiny_config
from ubernet_jax import config as c
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.models.trunks import TRUNKS, describe_vit
from ubernet_jax.models.vit_specs import VITS
from ubernet_jax.network import SHARED, Network
from ubernet_jax.train import train
from ubernet_jax.training.state import TrainState
from ubernet_jax.weights.exported import save_exported
from ubernet_jax.weights.trained import open_checkpoint

pytestmark = pytest.mark.slow

TRUNK = c.Trunk.VIT_SMALL_PATCH14_REG4_DINOV2


@pytest.fixture
def config(monkeypatch, prepared, tmp_path) -> c.Config:
    """Two tasks on a frozen trunk of two blocks with one head."""
    spec = dataclasses.replace(VITS[TRUNK], heads=1, depth=2, taps=(0, 1), table=3)
    monkeypatch.setitem(TRUNKS, TRUNK, describe_vit(spec))
    (tmp_path / 'data').mkdir()
    for path in prepared.iterdir():
        (tmp_path / 'data' / path.name).symlink_to(path)
    config = tiny_config.get_config()
    config.model = c.ModelConfig(
        trunk=TRUNK,
        scales=1,
        frozen_blocks=2,
        initialisation=c.Initialisation.RANDOM,
        statistics=c.Statistics.RUNNING,
    )
    config.data.directory, config.data.buckets = str(tmp_path / 'data'), ((28, 56),)
    config.data.images_per_micro_batch = 2
    config.checkpoint_every = config.pictures_every = config.evaluate_every = 1000
    return config


def run(config: c.Config, workdir: pathlib.Path, keep: bool) -> TrainState:
    config.data.keep_features = keep
    return train(config, workdir)


def test_heads_learn_the_same_on_kept_features(config, tmp_path, monkeypatch, capsys):
    without = run(config, tmp_path / 'without', keep=False)
    kept = run(config, tmp_path / 'kept', keep=True)
    assert SHARED not in kept.groups  # a frozen trunk has no state of the solver
    for name in config.tasks:
        one, other = (jax.tree.leaves(state.params[name]) for state in (without, kept))
        for first, second in zip(one, other, strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-2, atol=1e-4)
    for first, second in zip(
        *map(jax.tree.leaves, (without.batch_stats, kept.batch_stats)), strict=True
    ):
        np.testing.assert_allclose(first, second, rtol=1e-2, atol=1e-3)

    files = sorted(pathlib.Path(config.data.directory, 'features').rglob('*.npy'))
    assert 4 < len(files) <= 4 * 2 + 1  # four images, flipped or not, and one of padding
    assert {np.load(file).shape for file in files} == {(2 * 2 * 4 * 64,)}
    files[0].write_bytes(files[0].read_bytes()[:40])  # damaged: computed again, and nothing else
    computed = []
    monkeypatch.setattr(
        Network, 'frozen', lambda *x, frozen=Network.frozen: computed.append(1) or frozen(*x)
    )
    again = run(config, tmp_path / 'again', keep=True)
    assert str(files[0]) in capsys.readouterr().err
    assert len(computed) <= 2  # traced for the size of the features and for the damaged file
    jax.tree.map(np.testing.assert_array_equal, kept.params, again.params)


def test_the_last_block_learns_the_same_on_kept_features(config, tmp_path):
    config.model.frozen_blocks = 1
    without = run(config, tmp_path / 'without', keep=False)
    kept = run(config, tmp_path / 'kept', keep=True)
    trunks = [state.params[SHARED]['trunk'] for state in (without, kept)]
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-2, atol=1e-4), *trunks)
    moved = [not np.array_equal(x, y) for x, y in zip(*map(jax.tree.leaves, trunks), strict=True)]
    assert any(moved)  # float16 is not exact: the kept features were used
    (file, *_) = pathlib.Path(config.data.directory, 'features').rglob('*.npy')
    # A tap of 2x4 patches, and all tokens: class, 4 registers, patches.
    assert np.load(file).shape == (2 * 4 * 64 + (1 + 4 + 2 * 4) * 64,)


def test_a_stem_that_changes_does_not_make_features_out_of_date(config, tmp_path):
    config.model.stem = 2
    state = run(config, tmp_path / 'first', keep=True)
    assert SHARED in state.groups
    folders = list(pathlib.Path(config.data.directory, 'features').iterdir())
    config.model.weights = str(tmp_path / 'first.safetensors')
    trained = open_checkpoint(tmp_path / 'first')
    save_exported(trained, tmp_path / 'first.safetensors')
    run(config, tmp_path / 'second', keep=True)
    assert list(pathlib.Path(config.data.directory, 'features').iterdir()) == folders


def test_features_that_take_too_much_space_are_refused(config, tmp_path):
    config.data.keep_gigabytes = 1e-5
    with pytest.raises(UserError, match='data.keep_gigabytes is 1e-05.*0.0 GB'):
        run(config, tmp_path, keep=True)


@pytest.mark.parametrize(
    ('change', 'field'),
    [
        ({'frozen_blocks': 0}, 'model.frozen_blocks is 0.*1 to 2'),
        ({'trunk': c.Trunk.RESNET50, 'frozen_blocks': 5}, 'model.trunk is resnet50'),
        ({'scale': (0.5, 1.0)}, 'data.scale'),
        ({'photometric': 0.5}, 'data.photometric is 0.5, but must be 0'),
        ({'rotations': 4}, r'data.train\[0\].rotations'),
    ],
)
def test_what_cannot_be_kept_is_refused(config, change, field):
    config.data.keep_features = True
    for owner in (config.model, config.data, config.data.train[0]):
        for name, value in change.items():
            if hasattr(owner, name):
                setattr(owner, name, value)
    if config.model.trunk is not TRUNK:
        config.data.buckets = ((33, 65),)
    with pytest.raises(UserError, match=field):
        validate(config)
