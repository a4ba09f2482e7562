"""A checkpoint with a damaged file is read, or refused with a message that names the workdir.

It has no digests, as earlier versions wrote it, so that the damaged files are read.
"""

import pathlib
import shutil

import jax
import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed: pip install .[test]')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from helpers import tiny_config  # noqa: E402
from helpers.fuzz.damage import any_file  # noqa: E402
from helpers.fuzz.effort import effort  # noqa: E402
from helpers.networks import make_solver  # noqa: E402
from ubernet_jax.errors import UserError  # noqa: E402
from ubernet_jax.training.checkpoint import Checkpoints  # noqa: E402
from ubernet_jax.training.state import abstract_state  # noqa: E402
from ubernet_jax.weights.checkpoint_digests import DIGESTS  # noqa: E402
from ubernet_jax.weights.exported import TrainedNetwork  # noqa: E402
from ubernet_jax.weights.trained import open_checkpoint  # noqa: E402

# Orbax abandons coroutines when a read fails.
pytestmark = [
    pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
    pytest.mark.filterwarnings('ignore:coroutine .* was never awaited:RuntimeWarning'),
]


@pytest.fixture(scope='module')
def saved(tmp_path_factory) -> pathlib.Path:
    config = tiny_config.get_config()
    workdir = tmp_path_factory.mktemp('saved')
    checkpoints = Checkpoints(workdir)
    abstract = abstract_state(config, make_solver(config))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), abstract)
    checkpoints.save(zeros, config)
    checkpoints.finish()
    (workdir / 'checkpoints' / '0' / DIGESTS).unlink()
    return workdir


def test_a_damaged_checkpoint_is_read_or_refused(saved, tmp_path):
    workdir = tmp_path / 'run'
    contents = {
        path.relative_to(saved): path.read_bytes()
        for path in sorted((saved / 'checkpoints').rglob('*'))
        if path.is_file()
    }
    files = st.sampled_from(sorted(contents))

    @effort(share=0.0025)
    @given(files.flatmap(lambda name: st.tuples(st.just(name), any_file([contents[name] or b'0']))))
    def check(damaged: tuple[pathlib.Path, bytes]) -> None:
        name, content = damaged
        shutil.copytree(saved, workdir, dirs_exist_ok=True)
        (workdir / name).write_bytes(content)
        try:
            trained = open_checkpoint(workdir)
        except UserError as error:
            assert str(workdir) in str(error)
        else:
            assert isinstance(trained, TrainedNetwork)

    check()
