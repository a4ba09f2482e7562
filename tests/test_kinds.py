"""Kinds of labels and tasks are only known in their folders: no other code depends on a kind."""

import ast
import pathlib

import pytest

import ubernet_jax
from ubernet_jax import labels, tasks
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import FOLDERS, STANDARD
from ubernet_jax.tasks.class_boundaries import ClassBoundaryMap
from ubernet_jax.tasks.detections import Detections

ROOT = pathlib.Path(ubernet_jax.__file__).parent
# Tables of named items: public datasets and formats, the official benchmarks, the files of the
# release.
TABLES = (
    *(
        f'datasets/builders/{name}.py'
        for name in (
            'bsds500', 'cityscapes', 'coco', 'coco_json', 'ecssd', 'instances',
            'masked_photographs', 'msra10k', 'mtan', 'nyud_mt', 'nyudv2', 'pascal_mt',
            'pascal_context', 'pascal_s', 'person_part', 'sbd', 'synthetic', 'voc', 'scenes/scene',
        )
    ),
    'training/label_lists.py', 'weights/layers.py',
    'scoring/arguments.py', 'scoring/command.py', 'scoring/evaluators.py',
    'scoring/paired_files.py', 'scoring/protocols.py', 'scoring/readers.py',
)  # fmt: skip
OUTSIDE = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
    for path in sorted(ROOT.rglob('*.py'))
    # The metrics implement protocols, not kinds: they import nothing else from the package.
    if path.relative_to(ROOT).parts[0] not in ('labels', 'tasks', 'metrics')
}
STRUCTURES = {kind.__name__ for kind in (BoxSet, LineMap, ClassBoundaryMap, Detections)}
CONCRETE = {
    kind.__name__
    for kind in (*labels.KINDS.values(), *tasks.KINDS.values())
    if kind.__module__.startswith('ubernet_jax.')
}


def test_the_tables_exist_and_are_few():
    assert set(TABLES) <= set(OUTSIDE) and len(TABLES) < len(OUTSIDE) / 6


def strings_in(tree: ast.Module) -> set[str]:
    """All string literals of a file except docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    }


@pytest.mark.parametrize('file', sorted(set(OUTSIDE) - set(TABLES)))
def test_the_code_contains_no_name_of_a_task_or_a_kind(file):
    kinds = {kind for kind in (*labels.KINDS, *tasks.KINDS) if '_' in kind}
    assert not strings_in(OUTSIDE[file]) & ({*STANDARD, *FOLDERS} | kinds)


@pytest.mark.parametrize('file', sorted(OUTSIDE))
def test_no_code_checks_for_the_type_of_a_label_or_a_result(file):
    for node in ast.walk(OUTSIDE[file]):
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'isinstance':
            names = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
            assert not names & (STRUCTURES | CONCRETE), ast.unparse(node)
        if isinstance(node, ast.MatchClass):
            assert ast.unparse(node.cls).split('.')[-1] not in STRUCTURES | CONCRETE


@pytest.mark.parametrize('file', sorted(set(OUTSIDE) - set(TABLES)))
def test_no_code_imports_a_single_kind(file):
    for node in ast.walk(OUTSIDE[file]):
        if isinstance(node, ast.ImportFrom) and node.module:
            package = node.module.removeprefix('ubernet_jax.').split('.')[0]
            if package in ('labels', 'tasks'):
                assert not {alias.name for alias in node.names} & (CONCRETE | STRUCTURES)
