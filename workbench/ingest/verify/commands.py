"""The verb `workbench check`, which says whether anything is left in a de-identified folder that must not leave.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

from workbench.errors import OutputNotClean
from workbench.ingest.progress import Bar
from workbench.ingest.verify.findings import RULES
from workbench.ingest.verify.folder import CheckReport, inspect_folder
from workbench.ingest.verify.heads import DECISIONS
from workbench.settings import load_settings

NAMED_FILES = 5


def check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench check`."""
    parser.add_argument("out", type=Path, metavar="OUT", help="the de-identified folder")
    parser.add_argument("--against", type=Path, required=True, metavar="SRC", help="the source that it was made from")
    parser.add_argument("--profile", metavar="NAME", help="profile it was made with (default: standard)")
    parser.add_argument("--project", metavar="P", help="project whose key made the pseudonyms: makes pairing exact")
    parser.add_argument(
        "--defacing", choices=DECISIONS, help="your decision on head scans: faces were removed, or need not be"
    )
    parser.add_argument("--every-file", action="store_true", help="run dciodvfy on every file, not on one per series")


def check(args: argparse.Namespace) -> int:
    """Check a de-identified folder against its source; exit code 16 when anything is found."""
    bar = Bar() if sys.stderr.isatty() and not args.json else None
    try:
        report = inspect_folder(
            args.out, args.against, profile=args.profile, project=args.project,
            settings=load_settings() if args.project else None, defacing=args.defacing,
            every_file=args.every_file, progress=bar,
        )  # fmt: skip
    finally:
        if bar:
            bar.clear()
    sys.stdout.write((json.dumps(report.as_dict(), ensure_ascii=False) if args.json else _tell(report)) + "\n")
    return OutputNotClean.exit_code if report.findings else 0


def _tell(report: CheckReport) -> str:
    """Say what was found, grouped by rule; never a value."""
    places: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for finding in report.findings:
        places[finding.rule][finding.element].append(finding.file)
    lines = []
    for rule in sorted(places):
        lines.append(f"{rule}: {RULES[rule]}")
        for element, files in places[rule].items():
            more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
            lines.append(f"  {element} in {', '.join(files[:NAMED_FILES])}{more}")
    lines += [f"Note: {note}" for note in report.notes]
    looked = f"{report.files} files against {report.source_files} of the source"
    if report.findings:
        lines.append(f"{len(report.findings)} findings in {looked}: do not let this folder leave.")
    else:
        lines.append(f"No finding in {looked}.")
    return "\n".join(lines)
