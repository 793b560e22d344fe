"""How far a run is: one step for each cell that starts, ends, fails or is taken from an earlier run.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

STARTING, RUNNING, DONE, CACHED, FAILED, WRITING = "starting", "running", "done", "cached", "failed", "writing"
INJECTED, STAGE = "injected-parameters", "stage:"
LABEL_LENGTH = 80
MARKUP = re.compile(r"[*_`#]+|\]\([^)]*\)|[\[\]]")


@dataclass(frozen=True)
class CellProgress:
    """One step of a run.

    Parameters
    ----------
    state : str
        ``starting`` (the kernel), ``running``, ``done``, ``cached`` (taken from an earlier run), ``failed`` (a cell),
        ``writing`` (report and crate).
    cell : int
        The cell's number, from 1 among all cells of the notebook as given; 0 outside cells.
    ended, total : int
        How many code cells have ended, and how many there are.
    text : str
        The sentence before the cell, else its first line.
    stage : str or None
        The name of the cell's stage.
    seconds : float
        How long the cell took, or that of the run it was taken from; 0 before it ended.
    """

    state: str
    cell: int
    ended: int
    total: int
    text: str = ""
    stage: str | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return asdict(self)


OnCell = Callable[[CellProgress], None]


@dataclass(frozen=True)
class CodeCell:
    """Where a code cell stands in the notebook as given, and what it is called."""

    number: int
    text: str
    stage: str | None


class Reporter:
    """Tells a callback of each code cell of one run; knows how the cells that run are numbered in the notebook.

    Parameters
    ----------
    cells : sequence of mapping
        The cells that run, with the injected parameters.
    on_cell : callable, optional
        What is told; when it raises, the run stops.
    """

    def __init__(self, cells: Sequence[Mapping[str, Any]], on_cell: OnCell | None) -> None:
        self._on_cell = on_cell
        self._cells = code_cells(cells)
        self._ended = 0
        self._began = time.monotonic()

    def tell(self, state: str, index: int | None = None, seconds: float | None = None) -> None:
        """Tell that something happened to the cell at an index of the cells that run; other cells are not told of."""
        if index is not None and index not in self._cells:
            return
        if state == RUNNING:
            self._began = time.monotonic()
        took = 0.0
        if state in (DONE, CACHED, FAILED):
            self._ended += 1
            took = time.monotonic() - self._began if seconds is None else seconds
        if self._on_cell is None:
            return
        cell = CodeCell(0, "", None) if index is None else self._cells[index]
        self._on_cell(
            CellProgress(state, cell.number, self._ended, len(self._cells), cell.text, cell.stage, round(took, 3))
        )


def code_cells(cells: Sequence[Mapping[str, Any]]) -> dict[int, CodeCell]:
    """Give the code cells by their index among the cells that run; the injected parameters are not counted."""
    found: dict[int, CodeCell] = {}
    number, sentence = 0, ""
    for index, cell in enumerate(cells):
        tags = tags_of(cell)
        if INJECTED in tags:
            continue
        number += 1
        source = text_of(cell)
        if cell["cell_type"] == "markdown":
            sentence = _label(source)
        elif cell["cell_type"] == "code" and source.strip():
            found[index] = CodeCell(number, sentence or _label(source), stage_of(tags))
            sentence = ""
    return found


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    """Give a cell's tags."""
    return list(cell.get("metadata", {}).get("tags", []))


def text_of(cell: Mapping[str, Any]) -> str:
    """Give a cell's source as one text; a notebook read as JSON has it in lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def stage_of(tags: Sequence[str]) -> str | None:
    """Give the name behind ``stage:``; None for a cell that is no stage."""
    return next((tag.removeprefix(STAGE) for tag in tags if tag.startswith(STAGE) and tag != STAGE), None)


def _label(source: str) -> str:
    """Give the first sentence of a text, without markup."""
    line = next((line.strip() for line in source.splitlines() if line.strip().strip("#")), "")
    plain = MARKUP.sub("", line).strip()
    sentence = re.split(r"(?<=[.?!])\s", plain, maxsplit=1)[0]
    return sentence if len(sentence) <= LABEL_LENGTH else f"{sentence[: LABEL_LENGTH - 1].rstrip()}…"


class TerminalProgress:
    """Shows a run in a terminal: one line for each cell that ended, on standard error."""

    WORDS = {DONE: "", CACHED: ", from an earlier run", FAILED: ", failed"}

    def __init__(self) -> None:
        self._is_live = sys.stderr.isatty()

    def __call__(self, step: CellProgress) -> None:
        """Show one step; what is under way is overwritten when it has ended."""
        if not self._is_live:
            return
        if step.state in (STARTING, WRITING):
            self._line({STARTING: "starting the kernel", WRITING: "writing report and crate"}[step.state])
        elif step.state == RUNNING:
            self._line(f"{step.ended + 1:>3} of {step.total}  {step.text}")
        else:
            said = f"{step.ended:>3} of {step.total}  {step.text} ({step.seconds:.1f} s{self.WORDS[step.state]})"
            self._line(said, end="\n")

    def close(self) -> None:
        """Leave the line empty."""
        if self._is_live:
            self._line("")

    def _line(self, text: str, end: str = "") -> None:
        # A line that wraps could not be overwritten.
        text = text[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r\x1b[2K{text}{end}")
        sys.stderr.flush()
