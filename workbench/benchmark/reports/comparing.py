"""Compares two runs of a notebook: declared results by their tolerance, outputs cell by cell.

Runs in: anywhere
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.benchmark.reports.recording import Result

IDENTICAL, WITHIN, DIFFERENT, NOT_RUN = "IDENTICAL", "WITHIN_TOLERANCE", "DIFFERENT", "NOT_RUN"
# What differs between runs without meaning anything: widget ids, addresses of objects.
IGNORED_MIMES = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
# Not every number of such a form: a checksum that a cell prints does mean something.
ADDRESS = re.compile(r"(?<=\bat )0x[0-9a-f]{6,16}\b")
WIDGET_ID = re.compile(r"(?<=\bIPY_MODEL_)[0-9a-f]{32}\b|(?<=\bid=[\"'])[0-9a-f]{32}\b")


def compare_results(first: Sequence[Result], second: Sequence[Result]) -> list[dict[str, Any]]:
    """Compare declared results by name; one that is missing on a side is different.

    Returns
    -------
    list of dict
        `name`, `first`, `second`, `first_interval`, `second_interval`, `difference` (the largest of value and bounds,
        None when a side lacks them), `tolerance` (that of the first run) and `verdict`.
    """
    before, after = ({result.name: result for result in results} for results in (first, second))
    return [_compared(name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])]


def _compared(name: str, first: Result | None, second: Result | None) -> dict[str, Any]:
    tolerance = first.tolerance if first is not None else 0.0
    apart: float | None = None
    if first is None or second is None or (first.interval is None) != (second.interval is None):
        verdict = DIFFERENT
    else:
        pairs = zip((first.value, *(first.interval or ())), (second.value, *(second.interval or ())), strict=True)
        apart = max(abs(one - other) for one, other in pairs)
        verdict = IDENTICAL if apart == 0 else WITHIN if apart <= tolerance else DIFFERENT
    return {
        "name": name,
        "first": None if first is None else first.value,
        "second": None if second is None else second.value,
        "first_interval": _listed(first),
        "second_interval": _listed(second),
        "difference": apart,
        "tolerance": tolerance,
        "verdict": verdict,
    }


def _listed(result: Result | None) -> list[float] | None:
    return None if result is None or result.interval is None else list(result.interval)


def first_diverging_cell(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> int | None:
    """Give the number, from 1, of the first cell whose source or outputs differ; None when none does."""
    one, other = ([_plain_cell(cell) for cell in cells if not _is_injected(cell)] for cells in (first, second))
    for number, (before, after) in enumerate(zip(one, other, strict=False), start=1):
        if before != after:
            return number
    return None if len(one) == len(other) else min(len(one), len(other)) + 1


def verdict(results: Sequence[Mapping[str, Any]], diverging: int | None) -> str:
    """Give the verdict on a whole run.

    The same results with another picture or text count as within tolerance; without results the outputs decide.
    """
    verdicts = {result["verdict"] for result in results}
    if DIFFERENT in verdicts or (not results and diverging is not None):
        return DIFFERENT
    return WITHIN if WITHIN in verdicts or diverging is not None else IDENTICAL


def _is_injected(cell: Mapping[str, Any]) -> bool:
    return "injected-parameters" in cell.get("metadata", {}).get("tags", [])


def _plain_cell(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    return cell["cell_type"], cell["source"], _plain_outputs(cell.get("outputs", []))


def _plain_outputs(outputs: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Give outputs without what means nothing; text that came in pieces is joined, standard error is left out."""
    plain: list[tuple[Any, ...]] = []
    for output in outputs:
        match output["output_type"]:
            case "stream" if output["name"] == "stdout":
                if plain and plain[-1][0] == "text":
                    plain[-1] = ("text", plain[-1][1] + _plain_text(output["text"]))
                else:
                    plain.append(("text", _plain_text(output["text"])))
            case "display_data" | "execute_result":
                data = {
                    kind: _plain_text(value) if isinstance(value, str) and kind.startswith("text/") else value
                    for kind, value in output["data"].items()
                    if kind not in IGNORED_MIMES
                }
                plain.append(("data", data))
            case "error":
                plain.append(("error", output["ename"], output["evalue"]))
    return plain


def _plain_text(text: str) -> str:
    return WIDGET_ID.sub("…", ADDRESS.sub("0x…", text))
