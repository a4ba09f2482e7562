"""A configuration as Python source."""

import ast
import dataclasses
import sys

from ubernet_jax import config as c
from ubernet_jax.config.flags import load_config
from ubernet_jax.configure.source import write_source
from ubernet_jax.labels.standard import VOC_CLASSES


@dataclasses.dataclass(kw_only=True)
class Other(c.Segmentation):
    """A kind of task outside the package."""


def read(text: str, path) -> c.Config:
    path.write_text(text)
    return load_config(str(path))


def test_the_source_gives_the_same_configuration(tmp_path):
    config = c.Config(
        name="it's",
        epochs=1.5,
        tasks={
            'pets': c.Segmentation(classes=VOC_CLASSES, decay_at=(0.75,)),
            'boxes': c.Detection(detector=c.DetectionConfig(anchor_scales=(1.0, 2.0))),
        },
        model=c.ModelConfig(trunk=c.Trunk.RESNET50, remat=False),
        optim=c.OptimConfig(shared=c.GroupConfig(batch_size=30)),
        data=c.DataConfig(
            train=[c.DatasetConfig(name='folder/a', labels={'pets': 'cats'}), c.DatasetConfig()],
            buckets=((33, 65),),
        ),
    )
    comments = {'data.train[1]': 'the second', 'tasks.pets': 'long ' * 40, 'epochs': 'length'}
    text = write_source(config, comments, 'A title.\n\n    a command\n\nA paragraph.')
    assert read(text, tmp_path / 'my.py') == config
    assert max(map(len, text.splitlines())) <= 100
    assert '                # the second\n                c.DatasetConfig(),\n' in text
    assert text.count("'aeroplane', 'bicycle', 'bird'") == 1  # several classes in a line
    assert 'seed' not in text  # a default value
    assert ast.get_docstring(ast.parse(text)) == 'A title.\n\n    a command\n\nA paragraph.'


def test_a_kind_of_task_of_the_user_is_imported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'kinds_of_mine', sys.modules[__name__])
    monkeypatch.setattr(Other, '__module__', 'kinds_of_mine')
    config = c.Config(steps=1, tasks={'a': Other(batch_size=3), 'b': c.Normals()})
    text = write_source(config, {}, 'A title.')
    assert 'import kinds_of_mine\n' in text and "'a': kinds_of_mine.Other(batch_size=3)" in text
