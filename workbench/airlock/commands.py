"""The verbs of the airlock: scan, offer, offers, review, release.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.airlock.findings import Finding, ScanContext
from workbench.airlock.kinds import kind_of
from workbench.airlock.membership import ENDING
from workbench.airlock.offering import read_files, send_offer
from workbench.airlock.preparing import evaluation_of, write_clean
from workbench.airlock.scan import scan_file
from workbench.airlock.states import VOTES
from workbench.connection import Connection, default_account, terminal
from workbench.errors import Conflict, InvalidInput, OutputNotClean
from workbench.settings import load_settings


def scan_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench scan`."""
    parser.add_argument("file", metavar="FILE", help="a picture, table, notebook, model or text")
    parser.add_argument("--members", metavar="FILE", help="records an ONNX model was trained on (.npz or .csv)")
    parser.add_argument("--others", metavar="FILE", help="comparable records it has not seen; tests for membership")
    parser.add_argument("--subjects", type=int, metavar="N", help="how many subjects the model was trained on")
    parser.add_argument("--save", action="store_true", help="keep the membership test beside the model")
    parser.add_argument(
        "--clean", metavar="OUT", help="also write the file as it may leave; of a notebook, less what stops"
    )


def scan(args: argparse.Namespace) -> int:
    """Check one file as the airlock would, on this machine alone; a finding that stops it gives exit code 16."""
    path = Path(args.file)
    files = read_files([path])
    content = files.pop(path.name)
    if args.members or args.others:
        files[path.name + ENDING] = evaluation_of(path, content, args)
    findings = scan_file(path.name, content, ScanContext(files=files, subjects=args.subjects))
    if args.clean:
        write_clean(path, content, Path(args.clean))
    allowed = not any(finding.is_stop for finding in findings)
    if args.json:
        digest = hashlib.sha256(content).hexdigest()
        body = {"file": path.name, "kind": kind_of(path.name), "sha256": digest, "allowed": allowed}
        _say(json.dumps({**body, "findings": [finding.as_dict() for finding in findings]}, ensure_ascii=False))
    else:
        verdict = "the automatic checks let it pass to the output checkers" if allowed else "refused as it is"
        _say(f"{path.name} ({kind_of(path.name)}): {verdict}")
        _say_findings(findings)
    return 0 if allowed else OutputNotClean.exit_code


def offer_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench offer`."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="pictures, tables, notebooks, models or text")
    parser.add_argument("--reason", default="", help="what the files are for")
    parser.add_argument("--controls", default="", help="what was done against disclosure, such as rounding")
    parser.add_argument("--project", default="", help="the project that they are results of")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--draft", action="store_true", help="keep the offer for later")
    what.add_argument("--replace", metavar="ID", help="put the files into this offer; its votes no longer count")
    what.add_argument("--remove", metavar="ID", help="take the files of these names out of this offer")
    what.add_argument("--submit", metavar="ID", help="hand in a draft, or what was returned")
    _account(parser)


def offer(args: argparse.Namespace) -> None:
    """Offer files for release, or change an offer."""
    changed = args.replace or args.remove or args.submit
    if not args.files and not args.submit:
        raise InvalidInput("Name the files: workbench offer FILE… --reason … --controls ….")
    if not changed and not args.draft and not (args.reason.strip() and args.controls.strip()):
        raise InvalidInput("Say what the files are for (--reason) and what was done against disclosure (--controls).")
    with _line(args, "researcher") as line:
        if args.replace:
            coded = {name: base64.b64encode(content).decode() for name, content in read_files(args.files).items()}
            body = line.post(_offer(args.replace, "/files"), {"files": coded})
        elif args.remove:
            for name in args.files:
                body = line.delete(_file(args.remove, name))
        elif args.submit:
            texts = {"reason": args.reason, "controls": args.controls}
            body = line.post(_offer(args.submit, "/submit"), texts)
        else:
            body = send_offer(
                line, args.files, reason=args.reason, controls=args.controls, project=args.project,
                is_draft=args.draft,
            ).body  # fmt: skip
    _show(args, body)


def offers_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench offers`."""
    _account(parser)


def offers(args: argparse.Namespace) -> None:
    """List the releases this person may see."""
    with _line(args, "researcher") as line:
        bodies = line.get("/v1/offers")["offers"]
    if args.json:
        _say(json.dumps(bodies))
        return
    for body in bodies:
        _show(args, body)
    if not bodies:
        _say("No releases yet; `workbench offer FILE… --reason … --controls …` offers files.")


def review_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench review`."""
    parser.add_argument("id", metavar="ID", help="the release, such as X1")
    parser.add_argument("--vote", choices=tuple(VOTES), help="without it, the release is shown")
    parser.add_argument("--comment", default="", help="needed unless the vote is to approve; the author reads it")
    parser.add_argument("--look", metavar="FOLDER", help="write the files there to look at them; each look is recorded")
    _account(parser)


def review(args: argparse.Namespace) -> None:
    """Look at a release and vote on it."""
    with _line(args, "checker-1") as line:
        body = line.get(_offer(args.id))
        if args.look:
            _write(line, body, Path(args.look), [file["name"] for file in (*body["files"], *body["evidence"])])
        if args.vote == "reject" and "reject" in body["may"]:
            body = line.post(_offer(args.id, "/reject"), {"comment": args.comment})
        elif args.vote:
            vote = {"vote": args.vote, "comment": args.comment, "revision": body["revision"]}
            body = line.post(_offer(args.id, "/votes"), vote)
    _show(args, body, in_full=True)


def release_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench release`."""
    parser.add_argument("id", metavar="ID", help="the release, such as X1")
    parser.add_argument("--to", default=".", metavar="FOLDER", help="where to put the files (default: here)")
    parser.add_argument("--withdraw", action="store_true", help="take the offer back instead")
    _account(parser)


def release(args: argparse.Namespace) -> None:
    """Take an approved release out and write its files, and the ledger's entry, to a folder."""
    with _line(args, "researcher") as line:
        if args.withdraw:
            _show(args, line.post(_offer(args.id, "/withdraw")))
            return
        body = line.get(_offer(args.id))
        names = [file["name"] for file in body["files"]]
        if body["state"] != "released" and "release" not in body["may"]:
            # The state forbids it: the gateway's refusal says why, before anything is said of the folder.
            line.post(_offer(args.id, "/release"))
        there = [name for name in (*names, _entry(args.id)) if (Path(args.to) / name).exists()]
        if there:
            raise Conflict(f"“{there[0]}” exists in the folder already; nothing was released. Name another with --to.")
        if body["state"] != "released":
            body = line.post(_offer(args.id, "/release"))
        _write(line, body, Path(args.to), names)
        (Path(args.to) / _entry(args.id)).write_text(json.dumps(body["ledger"], ensure_ascii=False, indent=1) + "\n")
    _show(args, body)


def _account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


@contextmanager
def _line(args: argparse.Namespace, role: str) -> Iterator[Connection]:
    with terminal(args.account or default_account(load_settings(), role)) as line:
        yield line


def _offer(offer_id: str, deed: str = "") -> str:
    return f"/v1/offers/{quote(offer_id, safe='')}{deed}"


def _file(offer_id: str, name: str) -> str:
    return _offer(offer_id, f"/files/{quote(name, safe='')}")


def _entry(offer_id: str) -> str:
    return f"{offer_id}.release.json"


def _write(line: Connection, body: dict[str, Any], folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(line.request("GET", _file(body["id"], name))[2])


def _show(args: argparse.Namespace, body: dict[str, Any], *, in_full: bool = False) -> None:
    if args.json:
        _say(json.dumps(body))
        return
    votes = f"{body['votes_given']}/{body['votes_needed']} votes"
    files = ", ".join(file["name"] for file in body["files"])
    _say(f"{body['id']}  {body['state']}  {votes}  {body['person']}  {files}  {body['reason']}")
    if in_full:
        _say(f"    against disclosure: {body['controls']}")
    _say_findings(Finding(**finding) for file in body["files"] for finding in file["findings"])
    for vote in body["votes"]:
        _say(f"    {vote['person']}: {vote['vote']}{'. ' + vote['comment'] if vote['comment'] else ''}")
    if body["may"] and in_full:
        _say(f"    you may: {', '.join(body['may'])}")


def _say_findings(findings: Any) -> None:
    for finding in findings:
        _say(f"    {'STOP' if finding.is_stop else 'look'}  {finding.file}, {finding.place}: {finding.reason}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
