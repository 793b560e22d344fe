"""Two runs of a notebook side by side, cell by cell: what the first said, what the second said, what differs.

Everything comes as plain text, split where it differs, and as pictures drawn anew: a crate may come from anybody,
and nothing of it runs in the browser of whoever reads the verdict.

Runs in: Jupyter server
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from workbench.benchmark.reports.comparing import first_diverging_cell
from workbench.benchmark.reports.recording import RESULT_MIME
from workbench.jupyter.pictures import compare_pictures, redrawn

Cell = Mapping[str, Any]
Block = tuple[str, str]
MOST_CHARACTERS = 20_000
# Beyond this many words a change is marked whole; comparing word by word takes the square of their number.
MOST_WORDS = 1_500
WORD = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\w+|\s+|[^\w\s]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MARKUP = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.DOTALL)


def compare_runs(first: Sequence[Cell], second: Sequence[Cell]) -> list[dict[str, Any]]:
    """Give the cells of two runs in order; what a cell that differs holds comes along.

    Returns
    -------
    list of dict
        `number` (from 1, as verdicts count), `kind` (``code``, ``markdown`` …), `source`, `is_same`, and for a cell
        that differs `parts` as `compare_cell` gives them.
    """
    pairs = _paired(first, second)
    return [
        {
            "number": number, "kind": (before or after or {})["cell_type"], "source": _source(before or after)[:500],
            "is_same": is_same, "parts": [] if is_same else compare_cell(before, after),
        }
        for number, (before, after) in enumerate(pairs, start=1)
        for is_same in [_is_same(before, after)]
    ]  # fmt: skip


def cell_of(first: Sequence[Cell], second: Sequence[Cell], number: int) -> list[dict[str, Any]]:
    """Give the parts of one cell, by its number; nothing for a number that no cell has."""
    pairs = _paired(first, second)
    return compare_cell(*pairs[number - 1]) if 1 <= number <= len(pairs) else []


def compare_cell(first: Cell | None, second: Cell | None) -> list[dict[str, Any]]:
    """Give the parts of a cell: its source where that differs, then each output of both runs.

    Returns
    -------
    list of dict
        ``text`` parts hold `first` and `second` as lists of `[is_changed, text]`, or None where a run has no such
        output; ``picture`` parts hold PNG in base64, the picture of the difference, and how much differs.
    """
    parts: list[dict[str, Any]] = []
    if first is None or second is None or _source(first) != _source(second):
        parts.append(_text_part("source", *(None if cell is None else _source(cell) for cell in (first, second))))
    one, other = _blocks(first), _blocks(second)
    if _is_same(first, second):
        # Differences that mean nothing, such as the address of an object, would only be noise here.
        other = one
    for index in range(max(len(one), len(other))):
        parts.append(_part(*(blocks[index] if index < len(blocks) else None for blocks in (one, other))))
    return parts


def _paired(first: Sequence[Cell], second: Sequence[Cell]) -> list[tuple[Cell | None, Cell | None]]:
    one, other = ([cell for cell in cells if not _is_injected(cell)] for cells in (first, second))
    size = max(len(one), len(other))
    return [
        (one[place] if place < len(one) else None, other[place] if place < len(other) else None)
        for place in range(size)
    ]


def _is_injected(cell: Cell) -> bool:
    tags = cell.get("metadata", {}).get("tags", [])
    return "injected-parameters" in tags or "papermill-error-cell-tag" in tags


def _is_same(first: Cell | None, second: Cell | None) -> bool:
    return first is not None and second is not None and first_diverging_cell([first], [second]) is None


def _source(cell: Cell | None) -> str:
    source = (cell or {}).get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _blocks(cell: Cell | None) -> list[Block]:
    """Give the outputs of a cell as texts and pictures; what is printed in pieces is one text."""
    blocks: list[Block] = []
    for output in (cell or {}).get("outputs", []):
        match output.get("output_type"):
            case "stream" if output.get("name") == "stdout":
                text = _joined(output.get("text", ""))
                if blocks and blocks[-1][0] == "printed":
                    text = blocks.pop()[1] + text
                blocks.append(("printed", text))
            case "display_data" | "execute_result":
                blocks += _shown(output.get("data", {}))
            case "error":
                lines = [f"{output.get('ename', '')}: {output.get('evalue', '')}"]
                blocks.append(("error", COLOUR.sub("", "\n".join(lines))))
    return blocks


def _shown(data: Mapping[str, Any]) -> list[Block]:
    if "image/png" in data and RESULT_MIME not in data:
        return [("picture", _joined(data["image/png"]))]
    for mime in ("text/markdown", "text/plain"):
        text = _joined(data.get(mime, ""))
        if text and not text.startswith("<IPython.core.display."):
            return [("text", text)]
    return [("text", MARKUP.sub(" ", _joined(data.get("text/html", ""))).strip() or ", ".join(sorted(data)))]


def _part(first: Block | None, second: Block | None) -> dict[str, Any]:
    kinds = {block[0] for block in (first, second) if block is not None}
    if kinds == {"picture"}:
        pictures = (None if block is None else _decoded(block[1]) for block in (first, second))
        return {"kind": "picture", "label": "picture", **_pictures(*pictures)}
    texts = (None if block is None else "(a picture)" if block[0] == "picture" else block[1]
             for block in (first, second))  # fmt: skip
    return _text_part("error" if "error" in kinds else "printed" if kinds == {"printed"} else "output", *texts)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (ValueError, binascii.Error):
        return b""


def _pictures(first: bytes | None, second: bytes | None) -> dict[str, Any]:
    if first is not None and second is not None:
        return compare_pictures(first, second)
    return {
        "first": first and redrawn(first), "second": second and redrawn(second), "difference": None, "changed": None,
        "largest": None, "is_same": False,
    }  # fmt: skip


def _text_part(label: str, first: str | None, second: str | None) -> dict[str, Any]:
    one, other = (None if text is None else text[:MOST_CHARACTERS] for text in (first, second))
    spans = ([[True, one]] if one else one, [[True, other]] if other else other)
    if one is not None and other is not None:
        spans = marked(one, other)
    return {
        "kind": "text", "label": label, "first": spans[0], "second": spans[1], "is_same": first == second,
        "is_cut": max(len(first or ""), len(second or "")) > MOST_CHARACTERS,
    }  # fmt: skip


def marked(first: str, second: str) -> tuple[list[list[Any]], list[list[Any]]]:
    """Split two texts where they differ.

    >>> marked("AUC 0.81 of 20", "AUC 0.83 of 20")[1]
    [[False, 'AUC '], [True, '0.83'], [False, ' of 20']]
    """
    one, other = first.splitlines(keepends=True), second.splitlines(keepends=True)
    left: list[list[Any]] = []
    right: list[list[Any]] = []
    for kind, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        before, after = "".join(one[i:j]), "".join(other[k:m])
        if kind == "equal":
            _add(left, False, before)
            _add(right, False, after)
        else:
            _mark_words(left, right, before, after)
    return left, right


def _mark_words(left: list[list[Any]], right: list[list[Any]], before: str, after: str) -> None:
    one, other = WORD.findall(before), WORD.findall(after)
    if max(len(one), len(other)) > MOST_WORDS:
        _add(left, True, before)
        _add(right, True, after)
        return
    for kind, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        _add(left, kind != "equal", "".join(one[i:j]))
        _add(right, kind != "equal", "".join(other[k:m]))


def _add(spans: list[list[Any]], is_changed: bool, text: str) -> None:
    if text and spans and spans[-1][0] == is_changed:
        spans[-1][1] += text
    elif text:
        spans.append([is_changed, text])


def _joined(text: Any) -> str:
    return "".join(str(piece) for piece in text) if isinstance(text, list) else str(text)
