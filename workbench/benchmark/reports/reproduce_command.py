"""The verb `reproduce`: a crate is run again, and its exit code is the verdict.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.benchmark.reports.reproduce import Verdict

DIGITS = 6


def reproduce_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the crate."""
    parser.epilog = "Exit codes: 0 identical or within tolerance, 1 different, 2 not run (the cause is told)."
    parser.add_argument("crate", type=Path, help="a .crate.zip that `workbench run` or `workbench report` wrote")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="longest time for one cell")
    parser.add_argument("--any-environment", action="store_true", help="run it although packages or code changed")
    parser.add_argument("--unrecorded", action="store_true", help="do not add this re-run to the crate")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def reproduce(args: argparse.Namespace) -> int:
    """Run a crate again and give the verdict; exit code 0 the results stand, 1 they differ, 2 there was no run."""
    from workbench.benchmark.reports.progress import TerminalProgress  # noqa: PLC0415 - the same
    from workbench.benchmark.reports.reproduce import reproduce as run_again  # noqa: PLC0415 - papermill, on first use

    progress = TerminalProgress()
    try:
        found = run_again(
            args.crate, args.account, timeout_s=args.timeout, any_environment=args.any_environment,
            on_cell=progress, is_added=not args.unrecorded,
        )  # fmt: skip
    finally:
        progress.close()
    sys.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False) if args.json else "\n".join(_told(found)))
    sys.stdout.write("\n")
    return found.exit_code


def _told(found: Verdict) -> list[str]:
    lines = [found.verdict + (f" ({found.cause})" if found.cause else "")]
    if found.message:
        lines.append(found.message)
    lines += _table(found.results)
    if found.first_diverging_cell is not None and not found.cause:
        lines.append(f"The first cell that differs is cell {found.first_diverging_cell}.")
    lines += found.notes
    if found.number is not None:
        lines.append(f"Added to the crate as re-run {found.number}.")
    return lines


def _table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    if not results:
        return []
    head = ("result", "first", "second", "apart by", "tolerance", "verdict")
    rows = [head, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    first, second = (_number(result[side], result[f"{side}_interval"]) for side in ("first", "second"))
    apart = "" if result["difference"] is None else f"{result['difference']:.3g}"
    return str(result["name"]), first, second, apart, f"{result['tolerance']:.3g}", str(result["verdict"])


def _number(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "none"
    around = "" if interval is None else f" ({interval[0]:.{DIGITS}g} to {interval[1]:.{DIGITS}g})"
    return f"{value:.{DIGITS}g}{around}"
