"""Any value of --config.FIELD= gives a configuration of the right types or an error message."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed: pip install .[test]')

from absl import flags  # noqa: E402
from hypothesis import example, given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from ml_collections import config_flags  # noqa: E402

from helpers import tiny_config  # noqa: E402
from helpers.fuzz.effort import effort  # noqa: E402
from ubernet_jax.config import Config  # noqa: E402
from ubernet_jax.config.flags import check_config, parse_flags  # noqa: E402
from ubernet_jax.config.validation import validate  # noqa: E402
from ubernet_jax.errors import UserError  # noqa: E402

pytestmark = pytest.mark.slow

CONFIG_FILE = pathlib.Path(tiny_config.__file__)


def _fields(value: Any, path: str) -> Iterator[str]:
    yield path
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _fields(getattr(value, field.name), f'{path}.{field.name}')
    elif isinstance(value, dict):
        for name in value:
            yield from _fields(value[name], f'{path}.{name}')
    elif isinstance(value, list):
        for index in range(len(value) + 1):
            yield f'{path}[{index}].name'


FIELDS = [path.removeprefix('.') for path in _fields(tiny_config.get_config(), '') if path]
PATHS = st.sampled_from(FIELDS) | st.text(max_size=20)
VALUES = st.text(max_size=10) | st.sampled_from(
    ['-1', '0', '1', '33', '1e999', 'nan', 'inf', '-inf', '1e39',
     '9223372036854775808', '4294967296', '1.5', 'None', 'True', '()', '(1,)', '(1, 2)', '[]',
     '{}', '((33, 65),)', '((33,),)', "(('a', 1),)", 'random', 'sgd', '9' * 400, "('a',)", '1j',
     '"', '(']
)  # fmt: skip


def parse(path: str, value: str) -> Config:
    """Parses a flag as `train` does."""
    words = ['train', f'--config={CONFIG_FILE}', f'--config.{path}={value}']
    values = flags.FlagValues()
    config_flags.DEFINE_config_file('config', flag_values=values, sys_argv=words)
    parse_flags(words, values)
    config = check_config(values['config'].value)
    validate(config)
    return config


@effort(share=0.02)
@given(PATHS, VALUES)
@example('data.scale', '(1,)')
@example('data.buckets', "(('a', 1),)")
@example('model.mean', "('a', 'b', 'c')")
def test_a_flag_is_accepted_or_refused(path, value):
    try:
        config = parse(path, value)
    except UserError:
        return
    assert isinstance(config, Config)
