"""The documentation site: Sphinx reads the pages of the repository where they lie.

`make docs` builds it into `build/site`.
"""

import json
import pathlib
import shutil

from docutils import nodes
from sphinx.application import Sphinx

import ubernet_jax
from ubernet_jax.config.documentation import Section, Setting, list_sections

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ('benchmarks', 'data', 'docs')  # that have pages, beside those in `ROOT`
# Every page except the README, with a short title in place of its heading: TITLE <PAGE>.
NAVIGATION = {
    'Guides': """
        docs/first_network
        Import of annotations <docs/import>
        docs/adding_a_dataset
        docs/adding_a_task
        Partial labels <docs/partial_labels>
        Teaching <docs/teaching>
        docs/python
        docs/reference_network
        Weights <docs/weights>
        docs/comparing
        docs/detection
        docs/recipe
        docs/balancing
        docs/scaling
        docs/faults
        docs/paper
        """,
    'Reference': """
        docs/settings
        docs/reference/network
        docs/reference/config
        docs/reference/tasks
        docs/reference/labels
        docs/reference/metrics
        docs/glossary
        Protocols <docs/protocols>
        Datasets <data/README>
        """,
    'Results': """
        Overview <docs/results>
        Seven tasks <docs/results/mini>
        One task against seven <docs/results/small>
        docs/interference
        Boundaries <docs/results/boundaries>
        Detection <docs/results/detection>
        Depth and normals <docs/results/kitchen>
        Partial labels <docs/results/partial>
        Scarce labels <docs/results/scarce>
        Seven tasks and seven networks <docs/results/interference>
        Training and test recipe <docs/results/recipe>
        Decisions <docs/results/decisions>
        Multi-task benchmarks <docs/results/multitask>
        Quickstart <docs/results/quickstart>
        Time and memory <benchmarks/README>
        docs/what_did_not_help
        """,
    'Project': """
        docs/architecture
        CONTRIBUTING
        CHANGELOG
        """,
}

project = html_title = 'ubernet_jax'
version = release = ubernet_jax.__version__
root_doc = 'README'
source_suffix = {'.md': 'markdown', '.ipynb': 'markdown'}  # see `complete`
include_patterns = ['*.md', *(f'{folder}/**.md' for folder in FOLDERS), 'docs/*.ipynb']
exclude_patterns = [path.name for path in ROOT.iterdir() if path.is_dir()]
exclude_patterns = [name for name in exclude_patterns if name not in FOLDERS] + ['data/[!R]*']
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']

html_theme = 'furo'
html_static_path = html_css_files = ['style.css']
html_copy_source = html_show_copyright = False
highlight_language = 'text'
smartquotes = False  # it would replace the two hyphens of options

myst_enable_extensions = ['colon_fence']
myst_heading_anchors = 4  # for links to headings, with the names that GitHub gives them

default_role = 'code'  # docstrings have code in single backticks
napoleon_use_ivar = True
autodoc_default_options = {'members': True, 'member-order': 'bysource'}
autodoc_typehints_format = 'short'
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = 'hide'


def setup(app: Sphinx) -> None:
    """Registers the functions below, which Sphinx calls."""
    app.connect('source-read', complete)
    app.connect('autodoc-process-signature', shorten_signature)
    app.connect('doctree-read', replace_words)
    app.connect('build-finished', write_index)


def complete(app: Sphinx, page: str, source: list[str]) -> None:
    """Adds what GitHub would show as text, and converts the notebook to Markdown."""
    if page == root_doc:
        source[0] += ''.join(map(write_navigation, NAVIGATION))
    if page == 'docs/settings':
        source[0] += ''.join(map(write_section, list_sections()))
    if page == 'docs/first_network':
        source[0] = '\n\n'.join(map(write_cell, json.loads(source[0])['cells']))


def shorten_signature(
    app: Sphinx, what: str, name: str, thing: object, options: object, text: str | None, result: str
) -> tuple[str, str] | None:
    """Writes the default of fields with a factory so that Sphinx can parse the signature."""
    return (text.replace('<factory>', '...'), result) if text else None


def replace_words(app: Sphinx, page: nodes.document) -> None:
    """Uses the words of the docstrings in the descriptions of classes and functions."""
    words = {'Variables': 'Attributes', ' -- ': ': '}
    for text in list(page.findall(nodes.Text)):
        if text in words:
            text.parent.replace(text, nodes.Text(words[text]))


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Copies the README to the name under which servers look for the first page."""
    if exception is None:
        folder = pathlib.Path(app.outdir)
        shutil.copy(folder / 'README.html', folder / 'index.html')


def write_navigation(caption: str) -> str:
    """A part of the navigation, in MyST."""
    pages = '\n'.join(line.strip() for line in NAVIGATION[caption].splitlines())
    return f'\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n{pages}```'


def write_section(section: Section) -> str:
    """The settings of a part of the configuration, in MyST."""
    settings = ''.join(map(write_setting, section.settings))
    return f'\n\n## {section.title}\n\n{section.text}{settings}'


def write_setting(setting: Setting) -> str:
    """A setting as an option of the command line, in MyST."""
    default = '' if setting.default in ('None', '{}') else f'={setting.default}'
    values = ', '.join(filter(None, (setting.type, setting.allowed)))
    options = '\n'.join(f'- `{name}`: {text}' for name, text in setting.options.items())
    return (
        f'\n\n:::{{option}} --config.{setting.path}{default}\n\n'
        f'{setting.text}\\\n*{values}*\n\n{options}\n:::'
    )


def write_cell(cell: dict) -> str:
    """A cell of the notebook with its pictures, in MyST."""
    source = ''.join(cell['source'])
    if cell['cell_type'] == 'markdown':
        return source
    pictures = [
        f'<img alt="the output of the cell" src="data:image/png;base64,{data.strip()}">'
        for output in cell['outputs']
        if (data := ''.join(output.get('data', {}).get('image/png', '')))
    ]
    return '\n\n'.join([f'```python\n{source}\n```', *pictures])
