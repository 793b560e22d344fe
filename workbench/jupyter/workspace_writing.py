"""Files laid into a workspace by the server, which has more rights than the kernels that own the folder.

A kernel may put a link in the way at any moment, so no path is followed: every folder is opened inside the one
before it, and a file comes into being under a name of its own before it takes its place.

Runs in: Jupyter server
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath

from workbench.errors import AccessDenied, InvalidInput
from workbench.jupyter.accounts import workspace_of
from workbench.settings import Settings

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def lay_files(settings: Settings, account: str, folder: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Write files into a folder of an account's workspace, each whole or not at all.

    Parameters
    ----------
    folder : str
        Path inside the workspace, made when it is not there; empty for the workspace itself.
    files : mapping of str to bytes
        Plain names and what they shall hold; a file that is there already is replaced.

    Returns
    -------
    dict
        Each name's path in the file browser.

    Raises
    ------
    AccessDenied
        When a part of the path is a link or no folder.
    """
    place = PurePosixPath(folder)
    if place.is_absolute() or ".." in place.parts or any(not name or "/" in name or "\0" in name for name in files):
        raise InvalidInput("Files are laid into folders of the workspace only, under plain names.")
    with _opened(settings, account, place) as descriptor:
        for name, content in files.items():
            _write(descriptor, name, content)
    return {name: str(place / name) for name in files}


@contextmanager
def _opened(settings: Settings, account: str, place: PurePosixPath) -> Iterator[int]:
    """Hold a folder of the workspace open, reached step by step without following a link."""
    descriptor = os.open(workspace_of(settings, account), _FOLDER)
    try:
        for part in place.parts:
            deeper = _step(descriptor, part)
            os.close(descriptor)
            descriptor = deeper
        yield descriptor
    finally:
        os.close(descriptor)


def _step(descriptor: int, part: str) -> int:
    try:
        os.mkdir(part, 0o755, dir_fd=descriptor)
    except FileExistsError:
        pass
    try:
        return os.open(part, _FOLDER, dir_fd=descriptor)
    except OSError:
        raise AccessDenied(f"“{part}” in your workspace is not a folder of it; move it away, then try again.") from None


def _write(descriptor: int, name: str, content: bytes) -> None:
    draft = f".{name[:60]}.{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=descriptor)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(draft, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
    except OSError:
        os.unlink(draft, dir_fd=descriptor)
        raise
