"""The verbs of the ingest host: `workbench ingest` and `workbench phantoms`.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from workbench.connection import default_account, terminal
from workbench.errors import IngestRefused
from workbench.ingest.phantoms import write_phantoms
from workbench.ingest.pipeline import IngestReport, check_name, ingest_folder
from workbench.ingest.progress import Bar
from workbench.settings import load_settings


def ingest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench ingest`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of DICOM files, any names, any depth")
    parser.add_argument("--dataset", required=True, metavar="NAME", help="dataset to make or to add a version to")
    parser.add_argument("--title", help="title of a new dataset")
    parser.add_argument("--split", help="split that the new scans belong to, such as train")
    parser.add_argument("--as", dest="account", help="account that ingests (default: the custodian)")


def ingest(args: argparse.Namespace) -> int:
    """Bring a folder of DICOM in as a new dataset version."""
    check_name(args.dataset)
    settings = load_settings()
    bar = Bar() if sys.stderr.isatty() and not args.json else None
    try:
        with terminal(args.account or default_account(settings, "custodian"), settings) as line:
            report = ingest_folder(
                line, args.folder, args.dataset, title=args.title, split=args.split, progress=bar
            )  # fmt: skip
    except IngestRefused as error:
        if not args.json:
            raise
        _print(json.dumps({**error.as_dict(), "refusals": list(error.refusals)}, ensure_ascii=False))
        return error.exit_code
    finally:
        if bar:
            bar.clear()
    _print(json.dumps(report.as_dict(), ensure_ascii=False) if args.json else _tell(report))
    return 0


def phantoms_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench phantoms`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder to write into; made when missing")
    parser.add_argument("--count", type=int, default=1, metavar="K", help="number of series (default 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first; the next ones count on")
    parser.add_argument("--size", type=int, default=224, metavar="PIXELS", help="rows and columns (default 224)")


def phantoms(args: argparse.Namespace) -> int:
    """Write chest-CT phantoms as DICOM series, and their nodules as annotations.csv."""
    bar = Bar() if sys.stderr.isatty() and not args.json else None
    try:
        written = write_phantoms(args.folder, count=args.count, seed=args.seed, size=args.size, progress=bar)
    finally:
        if bar:
            bar.clear()
    if args.json:
        _print(json.dumps(written, ensure_ascii=False))
    else:
        _print(f"{len(written['series'])} series and {written['annotations']} lie in {args.folder}.")
    return 0


def _tell(report: IngestReport) -> str:
    scans = f"{len(report.series)} new scan{'' if len(report.series) == 1 else 's'}"
    lines = [f"{report.dataset} has a new version {report.version[:12]} with {scans}:"]
    for one in report.series:
        z, y, x = one["shape"]
        sz, sy, sx = one["spacing_mm"]
        lines.append(
            f"  {one['scan']} of {one['subject']}: {z} × {y} × {x} voxels of {sz:g} × {sy:g} × {sx:g} mm, "
            f"{one['hu']['min']} to {one['hu']['max']} HU, from {one['files']} files"
        )
    for reason in sorted({item["reason"] for item in report.ignored}):
        files = [item["file"] for item in report.ignored if item["reason"] == reason]
        shown = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        lines.append(f"  left out: {shown} ({reason})")
    removed = sum(count for rule, count in report.deidentified.items() if rule.startswith("remove"))
    kept = sum(report.deidentified.values()) - removed
    lines.append(f"  de-identified: {removed} elements removed, {kept} kept or replaced by the profile's rules")
    return "\n".join(lines)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
