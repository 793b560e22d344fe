"""The verbs of the archive's side: `workbench receive`, `workbench push`, and the pull of `workbench ingest`.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from workbench.connection import default_account, terminal
from workbench.errors import InvalidInput
from workbench.ingest.pacs.address import NodeAddress, check_aet, check_uid, is_address, parse_address
from workbench.ingest.pacs.archive import Archive, Pulled, pull
from workbench.ingest.pacs.node import NodeArchive
from workbench.ingest.pacs.push import push_folder
from workbench.ingest.pacs.receive import receiving, wait_for_silence
from workbench.ingest.pacs.web import WebArchive
from workbench.ingest.pipeline import check_name, ingest_folder
from workbench.ingest.progress import Bar, Progress
from workbench.ingest.telling import count, tell
from workbench.settings import load_settings

OWN_AET = "WORKBENCH"


def pull_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that matter only where the source is an archive."""
    group = parser.add_argument_group("from an archive (dicomweb:URL or dicom:AET@HOST:PORT)")
    group.add_argument("--study", action="append", default=[], metavar="UID", help="study to fetch; may be repeated")
    group.add_argument("--series", action="append", default=[], metavar="UID", help="only this series; may be repeated")
    group.add_argument("--move-port", type=int, metavar="PORT", help="fetch by C-MOVE to this port instead of C-GET")
    line_arguments(group)


def line_arguments(parser: Any) -> None:
    """Declare how an archive is spoken to."""
    parser.add_argument("--aet", default=OWN_AET, help=f"how we call ourselves (default {OWN_AET})")
    parser.add_argument("--credentials", type=Path, metavar="FILE", help="DICOMweb: user:password or Bearer TOKEN")
    parser.add_argument("--tls", type=Path, metavar="FILE", help="DICOM: encrypted, with these certificates (PEM)")


def fetch(args: argparse.Namespace, folder: Path, progress: Progress | None) -> Pulled:
    """Fetch what `workbench ingest dicomweb:…` or `dicom:…` asks for into a folder."""
    if not args.study:
        raise InvalidInput("Which study? Give its UID as --study; it may be repeated.")
    studies, series = [check_uid(uid) for uid in args.study], [check_uid(uid) for uid in args.series]
    return pull(_archive(args.source, args), studies, folder, series=series, progress=progress)


def receive_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench receive`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the images are kept (0700); made if missing")
    parser.add_argument("--aet", default=OWN_AET, help=f"title that callers must call (default {OWN_AET})")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
    parser.add_argument("--port", type=int, default=11112, help="TCP port (default 11112; 0: a free one)")
    parser.add_argument("--allow", action="append", default=[], metavar="AET", help="only this caller; may be repeated")
    parser.add_argument("--idle", type=float, metavar="SECONDS", help="stop when nothing came for so long")
    parser.add_argument("--dataset", metavar="NAME", help="then bring what came in as a version of this dataset")
    parser.add_argument("--as", dest="account", help="account that ingests (default: the custodian)")


def receive(args: argparse.Namespace) -> int:
    """Take in what is sent until it is quiet (--idle) or Ctrl-C, and ingest it when a dataset is named."""
    if args.dataset:
        check_name(args.dataset)
        if args.idle is None:
            raise InvalidInput("When should it be ingested? Give --idle SECONDS beside --dataset.")
    if args.idle is not None and not 0 < args.idle <= 86_400:
        raise InvalidInput("--idle takes seconds, more than 0 and at most a day.")
    callers = [check_aet(title) for title in args.allow]
    with receiving(
        args.folder, own_aet=check_aet(args.aet), host=args.host, port=args.port, callers=callers
    ) as (arrivals, port):  # fmt: skip
        _say(f"Listening as {args.aet} at {args.host}:{port}; stop with Ctrl-C.")
        try:
            wait_for_silence(arrivals, args.idle or float("inf"), lambda count: None)
        except KeyboardInterrupt:
            _say("")
    text = f"{count(arrivals.received, 'image')} came; {arrivals.again} more had come before."
    outcome: dict[str, Any] = {"received": arrivals.received, "again": arrivals.again}
    if args.dataset and arrivals.received:
        settings = load_settings()
        with terminal(args.account or default_account(settings, "custodian"), settings) as line:
            report = ingest_folder(line, args.folder, args.dataset)
        outcome["ingest"] = report.as_dict()
        text += f"\n{tell(report)}"
    sys.stdout.write((json.dumps(outcome, ensure_ascii=False) if args.json else text) + "\n")
    return 0


def push_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench push`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that `workbench deidentify` wrote")
    parser.add_argument("archive", metavar="ARCHIVE", help="dicomweb:URL or dicom:AET@HOST:PORT")
    parser.add_argument(
        "--against", type=Path, metavar="SRC", help="the source: search for what may be left of it first"
    )
    line_arguments(parser)


def push(args: argparse.Namespace) -> int:
    """Send a de-identified folder, unless a check finds something in it."""
    bar = Bar() if sys.stderr.isatty() and not args.json else None
    try:
        sent = push_folder(args.folder, _archive(args.archive, args), against=args.against, progress=bar)
    finally:
        if bar:
            bar.clear()
    failed = f"; the archive did not take {len(sent.failed)}: {', '.join(sent.failed[:5])}" if sent.failed else ""
    text = f"{sent.sent} of {sent.files} files were taken{failed}."
    sys.stdout.write((json.dumps(sent.as_dict(), ensure_ascii=False) if args.json else text) + "\n")
    return 1 if sent.failed else 0


def _archive(source: str, args: argparse.Namespace) -> Archive:
    if not is_address(source):
        raise InvalidInput("An archive is written dicomweb:URL or dicom:AET@HOST:PORT; this address is neither.")
    address = parse_address(source)
    if isinstance(address, NodeAddress):
        if args.credentials is not None:
            raise InvalidInput("--credentials belongs to dicomweb: addresses; a DICOM node knows us by --aet.")
        port = getattr(args, "move_port", None)
        return NodeArchive(address, own_aet=check_aet(args.aet), move_port=port, trusted=args.tls)
    return WebArchive(address, args.credentials)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
