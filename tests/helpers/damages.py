"""Damages of files: what a failing disk, a full disk or a wrong command leaves."""

import os
import pathlib
import random


def delete(path: pathlib.Path, random: random.Random) -> None:
    path.unlink()


def truncate(path: pathlib.Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def halve(path: pathlib.Path, random: random.Random) -> None:
    truncate(path)


def empty(path: pathlib.Path, random: random.Random) -> None:
    os.truncate(path, 0)


def zero(path: pathlib.Path, random: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_bit(path: pathlib.Path, random: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


DAMAGES = (delete, halve, empty, zero, flip_bit)
