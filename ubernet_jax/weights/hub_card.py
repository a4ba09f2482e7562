"""Writes the model card of a network for the Hugging Face hub, from an exported file."""

from collections.abc import Iterator

from ubernet_jax.config import Config
from ubernet_jax.weights.exported import ExportedFile

_HEADER = """\
---
library_name: ubernet_jax
tags:
- multi-task
- jax
---

# {title}

One network for several tasks, trained with
[ubernet_jax](https://arxiv.org/abs/1609.02132 "UberNet, Kokkinos 2016").

```
pip install 'ubernet_jax[hub]'
```

```python
from ubernet_jax import UberNet

out = UberNet.load('hf://{repository}').predict('PHOTO.jpg')
```
"""


def write_card(exported: ExportedFile, repository: str, file: str, sha256: str) -> str:
    """Returns the text of README.md.

    Args:
      exported: the network.
      repository: OWNER/NAME.
      file: its name in the repository.
      sha256: of the file, so that its scores are not taken for those of a later file.
    """
    config = exported.config
    lines = [
        f'{file}: SHA-256 `{sha256}`, step {exported.step}, trunk {config.model.trunk.value}.',
        *_list_tasks(config),
    ]
    if data := exported.card.get('training_data'):
        lines += ['', '## Training data', '', *(f'- {name}' for name in data)]
    if scores := exported.card.get('scores'):
        lines += ['', f'## Scores of {file}', '', *_list_scores(scores)]
    title = config.name or repository.rpartition('/')[2]
    return '\n'.join([_HEADER.format(title=title, repository=repository), *lines, ''])


def _list_tasks(config: Config) -> Iterator[str]:
    yield from ('', '| task | kind | classes |', '|---|---|---|')
    for name, task in config.tasks.items():
        yield f'| {name} | {task.kind} | {", ".join(task.classes)} |'


def _list_scores(scores: list[dict]) -> Iterator[str]:
    yield from ('| task | benchmark | images | scores |', '|---|---|---|---|')
    for result in scores:
        values = ', '.join(f'{name} {value}' for name, value in result['scores'].items())
        benchmark = f'{result.get("dataset", "")}:{result.get("split", "")}'
        yield f'| {result.get("task", "")} | {benchmark} | {result.get("images", "")} | {values} |'
