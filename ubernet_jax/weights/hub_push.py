"""Uploads an exported file to the Hugging Face hub, with a model card."""

import hashlib
import pathlib

from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import SUFFIX, read_file
from ubernet_jax.weights.hub import FORM, explaining, is_hub_name, parse_address
from ubernet_jax.weights.hub_card import write_card

CARD = 'README.md'


def push(file: pathlib.Path, to: str, private: bool) -> None:
    """Uploads a file in one commit, and creates the repository if there is none.

    The repository gets a model card unless it has one. Prints the commit and the SHA-256.

    Args:
      file: a file that `ubernet weights` wrote.
      to: see `hub.FORM`; the revision is a branch.
      private: whether only its owner can see a new repository.

    Raises:
      UserError: the file is not of this package or is damaged, `to` is no name in the hub, the
        extra `hub` is not installed, or the hub refuses the upload or cannot be reached.
    """
    if file.suffix != SUFFIX:
        raise UserError(
            f'{file} must be a {SUFFIX} file: write it with ubernet weights export or import'
        )
    if not is_hub_name(to):
        raise UserError(f'{to} is not the name of a network in the hub: give {FORM}')
    address, exported = parse_address(to), read_file(file)
    from huggingface_hub import (  # pyright: ignore[reportMissingImports]
        CommitOperationAdd,
        HfApi,
    )

    repository, branch, name = address.repository, address.revision, address.file or file.name
    with file.open('rb') as content:
        sha256 = hashlib.file_digest(content, 'sha256').hexdigest()
    api = HfApi()
    with explaining(address):
        api.create_repo(repository, private=private or None, exist_ok=True)
        operations = [CommitOperationAdd(name, file)]
        if api.file_exists(repository, CARD, revision=branch):
            print(f'{CARD} of {repository} is left as it is')
        else:
            card = write_card(exported, repository, name, sha256)
            operations.append(CommitOperationAdd(CARD, card.encode()))
        commit = api.create_commit(
            repository, operations, commit_message=f'Upload {name}', revision=branch
        )
    print(f'pushed: hf://{repository}@{commit.oid}/{name}, SHA-256 {sha256}')
