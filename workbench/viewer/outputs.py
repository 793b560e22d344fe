"""A drawn picture or animation: it shows itself in a notebook, stays in the exported one, and can be saved.

Runs in: kernel
"""

from __future__ import annotations

import base64
import html
import os
import tempfile
from pathlib import Path
from typing import Self

from workbench.errors import InvalidInput
from workbench.viewer.file_names import check_place, could_not_write, read_path

Bundle = tuple[dict[str, str], dict[str, dict[str, str]]]


class Output:
    """Bytes of an image file, and words that say what is seen.

    Parameters
    ----------
    data : bytes
        The whole file.
    size : tuple of 2 int
        Width and height, px.
    description : str
        What it shows, for those who cannot see it.
    """

    ending = ""

    def __init__(self, data: bytes, size: tuple[int, int], description: str) -> None:
        self.data = data
        self.size = size
        self.description = description

    def save(self, path: str | Path) -> Path:
        """Write the file, whole or not at all; one of that name is replaced, so that a notebook can run again.

        Raises
        ------
        InvalidInput
            When the name has another ending, its folder does not exist, or the file cannot be written.
        """
        check_path(path, (self.ending,))
        path = read_path(path, f"figure{self.ending}")
        try:
            self._write(path)
        except OSError as problem:
            raise could_not_write(path, problem) from None
        return path

    def _write(self, path: Path) -> None:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.data)
            # As any file that a person makes; mkstemp lets nobody else read.
            Path(draft).chmod(0o666 & ~_umask())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def saved(self, path: str | Path | None) -> Self:
        """Save it where a path is given, and give it back."""
        if path is not None:
            self.save(path)
        return self

    def __bytes__(self) -> bytes:
        """Give the file."""
        return self.data

    def __eq__(self, other: object) -> bool:
        """Whether it is the same file to the last byte."""
        return isinstance(other, Output) and self.data == other.data

    def __hash__(self) -> int:
        """Give the hash that goes with equality."""
        return hash(self.data)

    def __repr__(self) -> str:
        """Say what is seen, and how large it is."""
        width, height = self.size
        return f"{type(self).__name__} of {width} × {height} px, {len(self.data) / 1000:.0f} KB: {self.description}"


class Picture(Output):
    """A PNG."""

    ending = ".png"

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        data = {"image/png": base64.b64encode(self.data).decode("ascii"), "text/plain": repr(self)}
        return data, {"image/png": {"alt": self.description}}


class Animation(Output):
    """A WebP or GIF that plays by itself, with its first frame as a PNG for readers that cannot play it.

    Parameters
    ----------
    data, size, description
        As for every output.
    ending : str
        .webp or .gif.
    frames : int
        How many pictures it holds.
    first : bytes
        The first one, PNG.
    """

    def __init__(
        self, data: bytes, size: tuple[int, int], description: str, *, ending: str, frames: int, first: bytes
    ) -> None:
        super().__init__(data, size, description)
        self.ending, self.frames, self.first = ending, frames, first

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        source = f"data:image/{self.ending[1:]};base64,{base64.b64encode(self.data).decode('ascii')}"
        words = html.escape(self.description, quote=True)
        shown = f'<img src="{source}" width="{self.size[0]}" height="{self.size[1]}" alt="{words}">'
        first = base64.b64encode(self.first).decode("ascii")
        data = {"text/html": shown, "image/png": first, "text/plain": repr(self)}
        return data, {"image/png": {"alt": self.description}}


def check_path(path: str | Path | None, endings: tuple[str, ...]) -> None:
    """Refuse a file name before anything is drawn; none is fine.

    Raises
    ------
    InvalidInput
        When it is no name, has none of the endings, is a folder, or its folder does not exist.
    """
    if path is None:
        return
    example = f"figure{endings[0]}"
    path = read_path(path, example)
    if path.suffix.lower() not in endings:
        raise InvalidInput(f"“{path.name}” does not end in {' or '.join(endings)}; give the file such a name.")
    check_place(path, example)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
