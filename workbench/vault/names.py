"""What a dataset, a subject and an object may be called, so that no name can leave its folder.

Runs in: anywhere
"""

from __future__ import annotations

import re

from workbench.errors import InvalidInput

_DATASET = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_OBJECT = re.compile(r"[0-9a-f]{64}")
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]{0,127}")
MAX_PATH = 512
# Stands in an ingest report for the version's id, which nobody knows before the commit.
VERSION_MARK = "{{the id of this version}}"


def check_dataset(name: str) -> str:
    """Give the name back when it is a dataset's name."""
    if not isinstance(name, str) or not _DATASET.fullmatch(name):
        raise InvalidInput("A dataset is named with lower-case letters, digits and hyphens; this name is not usable.")
    return name


def check_subject(name: str) -> str:
    """Give the name back when it is a subject's pseudonym."""
    if not isinstance(name, str) or not _SUBJECT.fullmatch(name):
        raise InvalidInput(
            "A subject is named with letters, digits and hyphens, such as P0001; this name is not usable."
        )
    return name


def check_object(name: str) -> str:
    """Give the name back when it is an object's id."""
    if not isinstance(name, str) or not _OBJECT.fullmatch(name):
        raise InvalidInput("An object's id is 64 hexadecimal digits; this one is not usable.")
    return name


def check_path(path: str) -> str:
    """Give the path back when it is relative, forward and made of plain names."""
    if isinstance(path, str) and len(path) <= MAX_PATH and all(map(_SEGMENT.fullmatch, path.split("/"))):
        return path
    raise InvalidInput(
        "An object's path is made of plain names joined by “/”, without “..” and at most 512 characters; "
        "this path is not usable."
    )
