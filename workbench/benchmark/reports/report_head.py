"""What the head of a report says: the numbers, the facts of the run, and the verdicts so far, as pieces of HTML.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from workbench.benchmark.reports.recording import Result

SHOWN_PACKAGES = ("python", "ai4h-workbench", "numpy", "scipy", "torch", "onnxruntime", "dask", "papermill")
WORDS = {
    "IDENTICAL": ("identical", "every result and every output was the same"),
    "WITHIN_TOLERANCE": ("within tolerance", "every result was within the tolerance it was declared with"),
    "DIFFERENT": ("different", "results differed by more than their tolerance"),
    "NOT_RUN": ("not run", "there was no run to compare"),
}
CAUSES = {
    "ENV_DRIFT": "packages or code had changed", "DATA_MISSING": "its data are not there",
    "DATA_CHANGED": "its data had changed", "NO_GRANT": "whoever asked may not read the data",
    "TIMEOUT": "a cell took too long", "OOM": "there was not enough memory",
}  # fmt: skip
NAMED = 4
# From here on a number is written with an exponent.
MANY = 1e9


def number(value: float, digits: int = 4) -> str:
    """Give a number as people write it: counts without a point, large ones with fewer digits behind it.

    >>> number(0.71234), number(12.3456), number(1386.0), number(2.5e-7), number(1e12)
    ('0.7123', '12.35', '1386', '2.5e-07', '1e+12')
    """
    if value and not 10**-digits <= abs(value) < MANY:
        return f"{value:.{digits}g}"
    if value == int(value) and abs(value) >= 2:
        return f"{value:.0f}"
    size = abs(value)
    return f"{value:.{digits if size < 10 else 2 if size < 100 else 1}f}"


def headline(results: Sequence[Result]) -> dict[str, str] | None:
    """Give the first declared result, the one that answers the question; None when there is none."""
    if not results:
        return None
    first = results[0]
    around = first.interval
    return {
        "name": escape(first.name),
        "value": number(first.value, 3),
        "interval": f"95 % interval {number(around[0], 3)} to {number(around[1], 3)}" if around else "no interval",
        "bar": _bar(first, wide=True),
        "metric": escape(first.metric or ""),
    }


def result_rows(results: Sequence[Result]) -> list[dict[str, str]]:
    """Give every declared result as the cells of a row."""
    return [
        {
            "name": escape(one.name),
            "value": number(one.value),
            "interval": f"{number(one.interval[0])}–{number(one.interval[1])}" if one.interval else "–",
            "bar": _bar(one),
            "tolerance": f"{one.tolerance:g}",
            "metric": escape(one.metric or ""),
        }
        for one in results
    ]


def _bar(result: Result, *, wide: bool = False) -> str:
    """Draw a value and its interval on the scale 0…1; nothing for numbers that live on another scale."""
    low, high = result.interval or (result.value, result.value)
    if not 0 <= low <= result.value <= high <= 1:
        return ""
    width, height = (440, 34) if wide else (180, 16)
    middle, thick = (9, 8) if wide else (8, 6)
    places = [(at, 6 + (width - 12) * at) for at in (0, 0.25, 0.5, 0.75, 1)]
    ticks = "".join(f'<text x="{x:g}" y="31" text-anchor="middle">{at:g}</text>' for at, x in places)
    marks = "".join(
        f'<line class="tick" x1="{x:g}" x2="{x:g}" y1="{middle - 4}" y2="{middle + 4}"/>' for _, x in places
    )
    label = f"{result.value:.3f}, interval {low:.3f} to {high:.3f}, on a scale from 0 to 1"
    return (
        f'<svg class="bar" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}"><line class="axis" x1="6" y1="{middle}" x2="{width - 6}" y2="{middle}"/>{marks}'
        f'<rect class="range" x="{6 + (width - 12) * low:.1f}" y="{middle - thick / 2:g}" '
        f'width="{max((width - 12) * (high - low), 1):.1f}" height="{thick}" rx="{thick / 2:g}"/>'
        f'<circle class="value" cx="{6 + (width - 12) * result.value:.1f}" cy="{middle}" r="{thick * 0.75:g}"/>'
        f"{ticks if wide else ''}</svg>"
    )  # fmt: skip


def facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the facts of a run: which data, parameters, who, when, where, and how that is proved."""
    data = "<br>".join(
        f"{escape(name)} <code>{escape(str(version)[:16])}</code>" for name, version in sorted(about["data"].items())
    )
    parameters = " ".join(
        f"<code>{escape(name)} = {escape(repr(value))}</code>" for name, value in about["parameters"].items()
    )
    isolated = {"bubblewrap": "in a sandbox without network"}.get(about["isolation"], "not isolated")
    found = [
        ("Data versions", data or "none were read"),
        ("Parameters", parameters or "none"),
        ("Run by", f"{escape(str(about['account']))}, {day(about.get('started'))}{_took(about)}"),
        ("Kernel", f"{escape(str(about['kernel']))}, {isolated}"),
        ("Environment", _environment(about["environment"])),
        ("Notebook", escape(str(about["notebook"]))),
    ]
    asked = [f"{escape(str(one['name']))} {escape(str(one['version']))}" for one in about.get("packages") or []]
    if asked:
        found.append(("Packages on request", ", ".join(asked)))
    cached = [stage for stage in about.get("stages") or [] if stage.get("cached")]
    if cached:
        told = [f"{escape(str(stage['name']))}, of {day(str(stage['made']))}" for stage in cached]
        found.append(("From earlier runs", "stage " + "; stage ".join(told)))
    head = about.get("audit_head")
    if head:
        text = f"event {int(head['seq'])}, <code>{escape(str(head['hash'])[:16])}</code>"
        signed = "; a signed checkpoint is in the crate" if about.get("audit_checkpoint") else ""
        found.append(("Audit log", text + signed))
    return found


def day(stamp: str | None) -> str:
    """Give a time as people write it.

    >>> day("2026-05-03T10:00:00+00:00")
    '3 May 2026, 10:00 UTC'
    """
    return datetime.fromisoformat(stamp).strftime("%-d %B %Y, %H:%M UTC") if stamp else "at an unknown time"


def _took(about: Mapping[str, Any]) -> str:
    if not about.get("started") or not about.get("ended"):
        return ""
    seconds = (datetime.fromisoformat(about["ended"]) - datetime.fromisoformat(about["started"])).total_seconds()
    return f", in {seconds:.0f} s" if seconds < 120 else f", in {seconds / 60:.0f} min"


def _environment(lock: Sequence[str]) -> str:
    versions = dict(line.split("==", 1) for line in lock if "==" in line)
    named = ", ".join(f"{name} {versions[name]}" for name in SHOWN_PACKAGES if name in versions)
    digest = hashlib.sha256("\n".join(lock).encode()).hexdigest()[:16]
    return f"{escape(named)}; {len(lock)} entries in all, <code>{digest}</code>"


def verdict_rows(verdicts: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Give the verdicts so far as the cells of a row, newest first."""
    return [
        {
            "kind": str(one["verdict"]) if one["verdict"] in WORDS else "NOT_RUN",
            "word": WORDS.get(str(one["verdict"]), (str(one["verdict"]), ""))[0],
            "who": escape(str(one["account"])),
            "when": day(one["ended"]),
            "said": escape(_said(one)),
        }
        for one in reversed(verdicts)
    ]


def _said(one: Mapping[str, Any]) -> str:
    """Say in words what a verdict found."""
    cause = str(one.get("cause") or "")
    if one["verdict"] == "NOT_RUN":
        told = CAUSES.get(cause, f"it stopped: {cause}" if cause else "")
        return f"{told}. {one.get('message') or ''}".strip(". ").strip() + "."
    found = [str(row.get("verdict")) for row in one.get("results", [])]
    cell = one.get("first_diverging_cell")
    if one["verdict"] == "WITHIN_TOLERANCE" and cell and set(found) == {"IDENTICAL"}:
        return f"every result was the same; a text or a picture of cell {cell} was not"
    if one["verdict"] != "DIFFERENT":
        return WORDS[str(one["verdict"])][1]
    differ = [str(row.get("name")) for row in one.get("results", []) if row.get("verdict") == "DIFFERENT"]
    named = ", ".join(differ[:NAMED]) + (" and others" if len(differ) > NAMED else "")
    return (named or "outputs") + (f"; the first cell that differs is cell {cell}" if cell else "")


def verdict_summary(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what came of running it again so far."""
    if not verdicts:
        return "Nobody has run this report again yet."
    counts = Counter(str(one["verdict"]) for one in verdicts)
    told = ", ".join(f"{counts[kind]} {words[0]}" for kind, words in WORDS.items() if counts[kind])
    return f"Run again {len(verdicts)} time{'s' if len(verdicts) > 1 else ''}: {told}."


def css_text(text: str) -> str:
    """Give a text so that it may stand between quotes in a style sheet, whatever it holds."""
    return "".join(letter if letter.isascii() and letter.isalnum() else f"\\{ord(letter):x} " for letter in text[:90])
