"""Every name below a source folder, so that each one ends as written or refused.

Runs in: ingest host
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.ingest.refusals import Refusal


@dataclass(frozen=True)
class SourceFile:
    """One file to read.

    Parameters
    ----------
    name : str
        Its path below the source folder.
    stat : os.stat_result
        Its state when the job started.
    """

    name: str
    stat: os.stat_result


def list_source(source: Path) -> list[SourceFile | Refusal]:
    """Give what lies below a folder, or the one file, in the same order on every machine.

    Parameters
    ----------
    source : Path
        A folder or a file, resolved.

    Returns
    -------
    list of SourceFile or Refusal
        Links that lead out of the folder or to folders, folders that may not be opened, and what is no regular file
        are refusals; nothing is left out silently.
    """
    if not source.is_dir():
        return [_judge(source.parent, source.name)]
    return sorted(
        _entries(source), key=lambda one: os.fsencode(one.name if isinstance(one, SourceFile) else one.files[0])
    )


def _entries(source: Path) -> Iterator[SourceFile | Refusal]:
    refused: list[Refusal] = []

    def cannot_open(problem: OSError) -> None:
        name = os.path.relpath(problem.filename, source)
        refused.append(Refusal("unreadable", "this folder may not be opened by you; ask for the right to it.", (name,)))

    for parent, folders, names in os.walk(source, onerror=cannot_open):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in (*names, *links):
            yield _judge(source, os.path.relpath(os.path.join(parent, name), source))
    yield from refused


def _judge(source: Path, name: str) -> SourceFile | Refusal:
    path = source / name
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(source):
            return Refusal("link-not-followed", "it is a link that leads out of the folder; copy the file in.", (name,))
        found = path.stat()
    # Python 3.11 reports a circle of links as a RuntimeError.
    except (OSError, RuntimeError):
        return Refusal("unreadable", "it cannot be opened, or it is a link to nothing.", (name,))
    if stat.S_ISDIR(found.st_mode):
        reason = "it is a link to a folder, which is not followed; give that folder by its own name."
        return Refusal("link-not-followed", reason, (name,))
    if not stat.S_ISREG(found.st_mode):
        return Refusal("not-a-file", "it is a device, pipe or socket, not a file.", (name,))
    return SourceFile(name, found)
