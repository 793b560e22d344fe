"""The verbs `workbench deidentify` and `workbench crosswalk`.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import NotFound, WorkbenchError
from workbench.ingest.deidentify.crosswalk import Crosswalk
from workbench.ingest.deidentify.job import deidentify_folder
from workbench.ingest.deidentify.job_report import JobReport
from workbench.ingest.deidentify.profile import profile_names
from workbench.ingest.progress import Bar
from workbench.ingest.refusals import NAMED_FILES, Refusal
from workbench.settings import load_settings


def deidentify_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench deidentify`."""
    parser.add_argument("source", type=Path, metavar="SRC", help="folder of DICOM, any names and depth, or one file")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the copy; new, empty, or to be continued")
    profiles = ", ".join(profile_names())
    parser.add_argument(
        "--profile", default="standard", metavar="NAME",
        help=f"what may stay: {profiles}, or the path of a profile (default standard)",
    )  # fmt: skip
    parser.add_argument(
        "--project",
        default="default",
        metavar="P",
        help="pseudonyms of two projects cannot be joined (default default)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes (default 2)")
    parser.epilog = (
        "Writes OUT/<patient>/<series>/<instance>.dcm under pseudonyms. Every file of SRC is written or refused by "
        "name. After a kill the same command continues; OUT then holds exactly what SRC holds."
    )


def deidentify(args: argparse.Namespace) -> int:
    """De-identify a folder of DICOM; 0 when every file was written or refused by name."""
    bar = Bar() if sys.stderr.isatty() and not args.json else None
    try:
        report = deidentify_folder(
            args.source, args.out, profile=args.profile, project=args.project, settings=load_settings(),
            progress=bar, processes=args.workers,
        )  # fmt: skip
    finally:
        if bar:
            bar.clear()
    _print(json.dumps(as_json(report), ensure_ascii=True) if args.json else tell(report, args.out))
    return 0 if report.is_complete else WorkbenchError.exit_code


def crosswalk_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench crosswalk`."""
    parser.description = (
        "Tell whom a pseudonym stands for. This prints the source's own identifiers, works only on the ingest host for "
        "who may read the keys of this home, and notes in the encrypted crosswalk that it was asked."
    )
    parser.add_argument("what", choices=["find"], metavar="find", help="look one pseudonym up")
    parser.add_argument("pseudonym", metavar="PSEUDONYM", help="patient ID, study, series or instance UID of an output")
    parser.add_argument("--project", default="default", metavar="P", help="the project it was made in")


def crosswalk(args: argparse.Namespace) -> int:
    """Print what a pseudonym stands for."""
    walk = Crosswalk(load_settings(), args.project)
    found = walk.find(args.pseudonym)
    walk.note_question(args.pseudonym, getpass.getuser())
    if not found:
        raise NotFound(
            f"The crosswalk of project {args.project} does not know this pseudonym; check --project and the spelling."
        )
    told = [{"kind": one.kind, "source": one.source, "pseudonym": one.pseudonym} for one in found]
    if args.json:
        _print(json.dumps({"project": args.project, "found": told}))
    else:
        _print("\n".join(f"{one.kind}: {_readable(one.source)}" for one in found))
    return 0


def as_json(report: JobReport) -> dict[str, Any]:
    """Give the one JSON value of a job."""
    return {
        "files": report.files,
        "written": report.written,
        "resumed": report.resumed,
        "removed": report.removed,
        "refused": len(report.refusals),
        "refusals": [
            {"file": _readable(one.files[0]), "code": one.code, "reason": one.reason} for one in report.refusals
        ],
        "actions": report.actions,
        "per_file": [
            {"file": one.file, "source": _readable(one.source), "actions": dict(one.actions)} for one in report.per_file
        ],
        "profile": report.profile.name,
        "profile_sha256": report.profile.digest,
        "project": report.project,
        "seconds": round(report.seconds, 3),
        "files_per_s": round(report.files_per_s, 1),
    }


def tell(report: JobReport, out: Path) -> str:
    """Say what a job did, in lines for a person."""
    done = report.written + report.resumed
    lines = [
        f"{done} of {report.files} files lie de-identified in {out} "
        f"({report.files_per_s:.0f} files a second, profile {report.profile.name}, project {report.project})."
    ]
    if report.resumed:
        lines.append(f"  {report.resumed} of them were there from an earlier run.")
    if report.removed:
        lines.append(
            f"  {report.removed} outputs of an earlier run were removed: source or rules are no longer the same."
        )
    lines += _rules(report.actions)
    if report.refusals:
        lines.append(f"  {len(report.refusals)} refused, nothing of them was copied:")
        lines += _refused(report.refusals)
    return "\n".join(lines)


def _rules(actions: Mapping[str, int]) -> list[str]:
    width = len(f"{max(actions.values(), default=0):,}")
    frequent = sorted(actions.items(), key=lambda one: (-one[1], one[0]))
    return [f"    {number:>{width},}  {rule}" for rule, number in frequent]


def _refused(refusals: Sequence[Refusal]) -> list[str]:
    lines = []
    for code, reason in dict.fromkeys((one.code, one.reason) for one in refusals):
        names = [_readable(one.files[0]) for one in refusals if (one.code, one.reason) == (code, reason)]
        more = f" and {len(names) - NAMED_FILES} more" if len(names) > NAMED_FILES else ""
        lines.append(f"    {', '.join(names[:NAMED_FILES])}{more}: {reason} [{code}]")
    return lines


def _readable(name: str) -> str:
    """Give a file's name without what a terminal would obey or cannot show."""
    told = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in told)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
