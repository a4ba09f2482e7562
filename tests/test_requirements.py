"""The requirements in setup.cfg: bounded, and met by the versions in constraints.txt."""

import configparser

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.paths import ROOT

INSTALLED = ('imagenet', 'test', 'hub', 'dev', 'docs')  # the extras that `make` installs


def read_requirements() -> list[Requirement]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    texts = [setup['options']['install_requires']]
    texts += [setup['options.extras_require'][extra] for extra in INSTALLED]
    lines = [line for text in texts for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith('ubernet_jax')]


def test_every_requirement_has_a_lower_and_an_upper_bound():
    bounded = {requirement.name for requirement in read_requirements() if requirement.specifier}
    for requirement in read_requirements():
        operators = {specifier.operator for specifier in requirement.specifier}
        bounds = operators in ({'>=', '<'}, {'=='})
        assert bounds or requirement.extras and requirement.name in bounded, str(requirement)


def test_the_constraints_meet_the_requirements():
    lines = (ROOT / 'constraints.txt').read_text().splitlines()
    pairs = [line.split('==') for line in lines if not line.startswith('#')]
    versions = {canonicalize_name(name): version for name, version in pairs}
    for requirement in read_requirements():
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f'{requirement}: {version} is installed'
