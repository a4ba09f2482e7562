"""The documentation site: it is built without a warning, and has every page and setting."""

import html
import importlib.util
import re
import subprocess
import sys

import pytest

from helpers.paths import ROOT
from ubernet_jax.config.documentation import list_sections

MISSING = [name for name in ('sphinx', 'furo', 'myst_parser') if not importlib.util.find_spec(name)]


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The folder of the site, built as by `make docs`, with broken links and warnings as errors."""
    if MISSING:
        pytest.skip(f'needs {", ".join(MISSING)}: pip install ubernet_jax[docs]')
    folder = tmp_path_factory.mktemp('site')
    (command,) = re.findall(r'-m (sphinx .*)', (ROOT / 'Makefile').read_text())
    words = [word.replace('build/', f'{folder}/') for word in command.split()]
    done = subprocess.run(
        [sys.executable, '-m', *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return folder / 'site'


@pytest.mark.slow
def test_the_pages_of_the_repository_are_pages_of_the_site(site):
    pages = [*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md'), ROOT / 'docs/first_network.ipynb']
    for page in pages:
        assert (site / page.relative_to(ROOT)).with_suffix('.html').is_file(), page
    assert (site / 'index.html').read_text() == (site / 'README.html').read_text()
    assert '<img alt="the output' in (site / 'docs/first_network.html').read_text()


@pytest.mark.slow
def test_the_page_of_settings_has_every_setting_with_its_description(site):
    text = re.sub(r'<[^>]+>', '', (site / 'docs/settings.html').read_text())
    text = ' '.join(html.unescape(text).split())
    for section in list_sections():
        assert section.title in text
        for setting in section.settings:
            assert f'--config.{setting.path}' in text and setting.allowed in text
            for description in (setting.text, *setting.options.values()):
                assert description.replace('`', '') in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ('page', 'name'),
    [
        ('network', 'UberNet.predict'),
        ('network', 'Predictions.save'),
        ('config', 'Config'),
        ('tasks', 'Segmentation'),
        ('labels', 'LabelKind.read'),
        ('metrics', 'BoundaryMetric'),
    ],
)
def test_the_reference_describes_the_public_names(site, page, name):
    text = (site / f'docs/reference/{page}.html').read_text()
    assert re.search(rf'id="ubernet_jax[\w.]*\.{name}"', text)
