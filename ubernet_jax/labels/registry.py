"""The registered kinds of labels, and their descriptions in JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from ubernet_jax.errors import UserError
from ubernet_jax.labels.kind import LabelKind

KINDS: dict[str, type[LabelKind]] = {}

Kind = TypeVar('Kind', bound=LabelKind)
Registered = TypeVar('Registered')


def register(kind: type[Kind]) -> type[Kind]:
    """Registers a kind of label under its name; a class decorator."""
    KINDS[kind.name] = kind
    return kind


def find_registered(
    kinds: Mapping[str, Registered], plain: Mapping[str, Any], what: str
) -> Registered:
    """Returns the registered kind that a description in JSON names.

    Args:
      kinds: the registered kinds by name.
      plain: the description. A module that it names is not imported.
      what: the subject of error messages, such as a file and a field.

    Raises:
      UserError: the description names no kind, or an unknown kind. If it names the module that
        defines the kind, the message explains how to load that module.
    """
    name = plain.get('kind')
    if isinstance(name, str) and name in kinds:
        return kinds[name]
    known = ', '.join(sorted(kinds))
    if 'kind' not in plain:
        fields = ', '.join(map(repr, plain)) or 'nothing'
        raise UserError(f'{what} has no "kind", but {fields}; add "kind", one of: {known}')
    if isinstance(name, str) and isinstance(plain.get('module'), str):
        raise UserError(
            f'{what} is of kind {name!r}, which is defined in the module {plain["module"]}: give '
            f'--plugin {plain["module"]} (Python must be able to import the module; kinds known '
            f'without it: {known})'
        )
    raise UserError(f'{what} is of kind {name!r:.50}; known kinds: {known}')


def from_json(plain: Any, what: str) -> LabelKind:
    """Converts a description in JSON to a kind of label; the inverse of `LabelKind.to_json`.

    Raises:
      UserError: the description names no known kind, or it has a field or a value that this kind
        does not allow. The message starts with `what`.
    """
    if not isinstance(plain, Mapping):
        raise UserError(f'{what} is {plain!r:.50}; it must be like {{"kind": "soft_mask"}}')
    kind = find_registered(KINDS, plain, what)
    settings = {name: value for name, value in plain.items() if name not in ('kind', 'module')}
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := settings.keys() - known:
        raise UserError(
            f'{what}: labels of kind {kind.name} have no field {sorted(unknown)[0]!r}; known '
            f'fields: {", ".join(sorted(known)) or "none"}'
        )
    try:
        return kind(**settings)
    except UserError as error:
        raise UserError(f'{what}: {error}') from error
