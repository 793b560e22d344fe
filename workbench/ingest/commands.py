"""The verbs of the ingest host: `workbench ingest` and `workbench phantoms`.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.connection import default_account, terminal
from workbench.errors import GatewayUnavailable, IngestRefused, InvalidInput
from workbench.ingest.deidentify.pseudonyms import project_key
from workbench.ingest.pacs.address import is_address
from workbench.ingest.pacs.commands import fetch, pull_arguments
from workbench.ingest.phantoms import write_phantoms
from workbench.ingest.pipeline import Options, check_name, ingest_folder
from workbench.ingest.progress import Bar
from workbench.ingest.summary import IngestReport
from workbench.ingest.tables.suggest import suggest_declaration
from workbench.ingest.telling import tell
from workbench.settings import load_settings


def ingest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench ingest`."""
    parser.add_argument(
        "source", metavar="SRC",
        help="folder of DICOM, NIfTI, MetaImage or declared tables (CSV, Parquet, FHIR), one such file, or an archive: "
        "dicomweb:URL, dicom:AET@HOST:PORT",
    )  # fmt: skip
    parser.add_argument("--dataset", metavar="NAME", help="dataset to make or to add a version to")
    parser.add_argument("--title", help="title of a new dataset")
    parser.add_argument("--split", help="split that the new scans belong to, such as train")
    parser.add_argument("--as", dest="account", help="account that ingests (default: the custodian)")
    parser.add_argument("--profile", default="standard", metavar="NAME", help="what of a header may stay (standard)")
    parser.add_argument("--project", metavar="P", help="whose key makes the pseudonyms (default: the dataset's name)")
    parser.add_argument("--columns", type=Path, metavar="FILE", help="declaration of a table's columns")
    parser.add_argument("--suggest-columns", action="store_true", help="only print a first declaration of a table")
    parser.add_argument(
        "--subjects", type=Path, metavar="CSV", help="file,subject,modality of NIfTI and MetaImage files"
    )
    parser.add_argument("--leave-out-refused", action="store_true", help="ingest the rest, instead of nothing")
    parser.add_argument("--suppress", action="store_true", help="leave FHIR rows of too small groups out")
    pull_arguments(parser)


def ingest(args: argparse.Namespace) -> int:
    """Bring a source in as a new dataset version that waits for its sign-off."""
    if args.suggest_columns:
        _print(suggest_declaration(_folder(args.source)).rstrip())
        return 0
    if not args.dataset:
        raise InvalidInput("Which dataset? Give its name as --dataset NAME.")
    check_name(args.dataset)
    bar = Bar() if sys.stderr.isatty() and not args.json else None
    try:
        with _source(args, bar) as source:
            report = _bring_in(args, source, bar)
    except IngestRefused as error:
        if not args.json:
            raise
        _print(json.dumps({**error.as_dict(), "refusals": list(error.refusals)}, ensure_ascii=False))
        return error.exit_code
    finally:
        if bar:
            bar.clear()
    _print(json.dumps(report.as_dict(), ensure_ascii=False) if args.json else tell(report))
    return 0


def _bring_in(args: argparse.Namespace, source: Path, bar: Bar | None) -> IngestReport:
    settings = load_settings()
    options = Options(
        args.profile, args.project, args.columns, args.subjects, leave_out=args.leave_out_refused,
        suppress=args.suppress,
    )  # fmt: skip
    with terminal(args.account or default_account(settings, "custodian"), settings) as line:
        return ingest_folder(
            line, source, args.dataset, title=args.title, split=args.split, options=options, progress=bar
        )  # fmt: skip


@contextmanager
def _source(args: argparse.Namespace, bar: Bar | None) -> Iterator[Path]:
    """Give the folder or file; what an archive holds is fetched into the quarantine, and leaves it at the end.

    Only what was cut short stays there, so that the same command goes on: a kill, a line that broke.
    """
    if not is_address(args.source):
        yield _folder(args.source)
        return
    wanted = json.dumps([args.source, sorted(args.study), sorted(args.series)])
    key = project_key(load_settings(), "quarantine")
    quarantine = load_settings().home / "quarantine" / hmac.digest(key, wanted.encode(), "sha256").hex()[:32]
    try:
        fetch(args, quarantine, bar)
        yield quarantine
    except (GatewayUnavailable, KeyboardInterrupt):
        raise
    except IngestRefused as refused:
        if refused.code != "pull-incomplete":
            shutil.rmtree(quarantine, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(quarantine, ignore_errors=True)
        raise
    else:
        shutil.rmtree(quarantine, ignore_errors=True)


def _folder(source: str) -> Path:
    path = Path(source)
    # Asked of this process's own rights; a folder that cannot be listed would look empty.
    rights = os.R_OK | (os.X_OK if os.path.isdir(path) else 0)
    if os.path.lexists(path) and not os.access(path, rights, effective_ids=True):
        raise InvalidInput(f"This account may not read “{source}”; ask its owner, or run as who may.")
    if not os.path.exists(path):
        raise InvalidInput(f"There is no folder or file “{source}”; give what holds the images or the table.")
    return path


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


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
