"""The pages of the documentation and their code blocks."""

import re

from helpers.paths import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')),
        *(ROOT / name for name in ('benchmarks/README.md', 'data/README.md')),
        *(ROOT / 'docs').rglob('*.md'),
    )
)


def code_blocks(path: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language; '' for those without one."""
    text = (ROOT / path).read_text()
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.DOTALL | re.MULTILINE)
