"""What a person at the ingest host's terminal reads of an ingest: scans, labels, tables, what stayed out, what is next.

Runs in: terminal
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from workbench.ingest.refusals import name_files
from workbench.ingest.summary import IngestReport

NAMED_REGIONS = 8


def tell(report: IngestReport) -> str:
    """Give the lines of an ingest.

    Parameters
    ----------
    report : IngestReport
        What was made; the names of source files in it are for this terminal alone.
    """
    brought = [count(len(report.series), "new scan")] if report.series or not report.tables else []
    brought += [count(len(report.labels), "label set")] if report.labels else []
    brought += [count(len(report.tables), "table")] if report.tables else []
    lines = [f"{report.dataset} has a new version {report.version[:12]} with {_joined(brought)}:"]
    lines += [f"  {_scan(one)}" for one in report.series]
    lines += [f"  note on {name_files(scans)}: {note}" for note, scans in _notes(report.series).items()]
    lines += [f"  {one['name']} on {one['scan']}: {_regions(one['segments'])}" for one in report.labels]
    for one in report.tables:
        groups = f", at least {one['k']} subjects in each group" if one.get("k") else ""
        lines.append(
            f"  table {one['name']}: {count(one['rows'], 'row')} of {count(one['subjects'], 'subject')}{groups}"
        )
        if one.get("suppressed_rows"):
            lines.append(f"    {count(one['suppressed_rows'], 'row')} left out, because their groups were too small")
    for reason in sorted({item["reason"] for item in report.ignored}):
        files = [item["file"] for item in report.ignored if item["reason"] == reason]
        lines.append(f"  left out: {name_files(files)} ({reason})")
    lines += [f"  refused: {refusal}" for refusal in report.refusals]
    if report.deidentified:
        removed = sum(times for rule, times in report.deidentified.items() if rule.startswith("remove"))
        kept = sum(report.deidentified.values()) - removed
        lines.append(f"  de-identified: {removed} elements removed, {kept} kept or replaced by the profile's rules")
    if report.status == "waiting":
        lines.append(
            f"Nobody reads it until a second person signs it off: `workbench sign-off {report.dataset} --report "
            f"REPORT.html` saves what to look at, `workbench sign-off {report.dataset}` publishes it."
        )
    return "\n".join(lines)


def count(number: int, thing: str) -> str:
    """Give a number and what it counts.

    >>> count(1, "file"), count(3, "file")
    ('1 file', '3 files')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _scan(one: dict[str, Any]) -> str:
    z, y, x = one["shape"]
    sz, sy, sx = one["spacing_mm"]
    scale, unit = float(one.get("scale") or 1.0), str(one.get("unit") or "arbitrary")
    low, high = (f"{one['hu'][end] * scale:.6g}" for end in ("min", "max"))
    return (
        f"{one['scan']} of {one['subject']}: {one['modality']}, {z} × {y} × {x} voxels of {sz:g} × {sy:g} × {sx:g} mm, "
        f"{low} to {high} {'in arbitrary units' if unit == 'arbitrary' else unit}, from {count(one['files'], 'file')}"
    )


def _notes(series: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Say a note that many scans share once."""
    notes: dict[str, list[str]] = defaultdict(list)
    for one in series:
        for note in one.get("warnings") or ():
            notes[note].append(one["scan"])
    return notes


def _regions(segments: Sequence[dict[str, Any]]) -> str:
    shown = [f"{part['label']} {part['volume_ml']:.2f} ml" for part in segments[:NAMED_REGIONS]]
    hidden = len(segments) - len(shown)
    return ", ".join(shown) + (f" and {hidden} more" if hidden else "") if shown else "no region"


def _joined(parts: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> _joined(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
