"""The verb `workbench audit`: list, verify, prove, check-proof, checkpoint.

Each asks the gateway as one person, but for two things that must work without it: a proof is checked from its file
alone, and a log whose gateway cannot start any more is verified from the home's files.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from workbench.connection import default_account, gateway_answers, terminal
from workbench.errors import GatewayUnavailable, IntegrityError, InvalidInput, NotSignedIn
from workbench.governance.canonical import day
from workbench.governance.record.audit import verify_home
from workbench.governance.record.checkpoints import read_checkpoint, read_key
from workbench.governance.record.proofs import check_proof
from workbench.settings import load_settings

MOST_FILE_BYTES = 4 * 1024 * 1024
_NO_GATEWAY = "The gateway of this home cannot be asked, so the log was checked from its files."
_FILTERS = ("person", "action", "dataset", "outcome")


def audit_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench audit`."""
    deeds = ("verify", "list", "prove", "check-proof", "checkpoint")
    parser.add_argument("deed", choices=deeds, help="check the whole log, show its events, prove one, check a proof")
    parser.add_argument("what", nargs="?", help="for prove: the event's number; for check-proof: the proof's file")
    parser.add_argument("--limit", type=int, default=50, help="how many events to list (default 50)")
    parser.add_argument("--since", type=int, default=0, metavar="N", help="list events after number N")
    for name, text in zip(_FILTERS, ("who did it", "such as dataset.read, or dataset for all", "", ""), strict=True):
        parser.add_argument(f"--{name}", default="", help=text or f"list the events of this {name}")
    parser.add_argument("--against", metavar="FILE", help="for verify: also a checkpoint kept elsewhere")
    parser.add_argument("--key", metavar="FILE", help="for check-proof: the log's public key, known from elsewhere")
    parser.add_argument("--out", metavar="FILE", help="write the proof or checkpoint to a new file")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def audit(args: argparse.Namespace) -> int:
    """Do one of the deeds; a log or proof that does not hold gives the exit code of an integrity error."""
    return _DEEDS[args.deed](args)


def _verify(args: argparse.Namespace) -> int:
    answer, remark = _verdict(args)
    if answer["ok"] and args.against:
        answer |= _against(args, Path(args.against))
    exported = f"; {answer['exported']} are vouched for by exported checkpoints" if answer["exported"] else ""
    text = f"The audit log is whole: {answer['events']} events, newest {answer['head'][:16]}…{exported}."
    if not answer["ok"]:
        text = f"The audit log does not verify. {answer['reason']}"
    _say(args, answer, f"{remark} {text}".strip())
    return 0 if answer["ok"] else IntegrityError.exit_code


def _verdict(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    try:
        return _ask(args, "/v1/audit/verify"), ""
    except (GatewayUnavailable, IntegrityError, NotSignedIn):
        settings = load_settings()
        # Without its keys a home lets nobody in, not even its owner: what is left is to look at its files.
        if (settings.keys / "operator.key").is_file() and gateway_answers(settings):
            raise
        return {**verify_home(settings), "gateway": _NO_GATEWAY}, _NO_GATEWAY


def _against(args: argparse.Namespace, file: Path) -> dict[str, Any]:
    """Hold the log against a checkpoint that somebody kept."""
    try:
        kept = read_checkpoint(_note_in(file), _ask(args, "/v1/audit/checkpoint")["key"])
        proof = _ask(args, f"/v1/audit/consistency?first={kept.size}") if kept.size else None
        if proof and (proof["first"]["root"] != kept.root.hex() or not check_proof(proof)["ok"]):
            raise IntegrityError(f"The first {kept.size} events are not those that this checkpoint was signed for.")
    except (IntegrityError, InvalidInput) as error:
        return {"ok": False, "first_bad": None, "reason": f"{file.name}: {error.message}"}
    return {"against": kept.as_dict()}


def _list(args: argparse.Namespace) -> int:
    asked = {"limit": args.limit, "since": args.since, "person": args.person, "action": args.action}
    asked |= {"resource": args.dataset, "outcome": args.outcome}
    events = _ask(args, f"/v1/audit?{urlencode(asked)}")["events"]
    rows = [("SEQ", "TIME", "ACTOR", "ACTION", "OUTCOME", "RESOURCE"), *(_cells(event) for event in events)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[5]]) for row in rows]
    _say(args, events, "\n".join(lines) if events else "No such events.")
    return 0


def _cells(event: dict[str, Any]) -> tuple[str, ...]:
    why = f" ({event['reason']})" if event["outcome"] == "denied" else ""
    names = ("actor", "action", "outcome")
    return (str(event["seq"]), event["time"][:19], *(event[name] for name in names), f"{event['resource']}{why}")


def _prove(args: argparse.Namespace) -> int:
    number = args.what or ""
    if not (number.isascii() and number.isdecimal()):
        raise InvalidInput("`workbench audit prove EVENT` needs the number of an event, as `audit list` shows it.")
    proof = _ask(args, f"/v1/audit/proof/{number}")
    _give(args, proof, f"The proof that event {number} is among {proof['size']} events is in “{{}}”.")
    return 0


def _check_proof(args: argparse.Namespace) -> int:
    if not args.what:
        raise InvalidInput("`workbench audit check-proof FILE` needs the file of a proof.")
    found = check_proof(_read_json(Path(args.what)), read_key(Path(args.key)) if args.key else None)
    signed = found["checkpoint"]
    subject = f"The log of {signed['size']} events begins with that of {found.get('first', {}).get('size')} events"
    if event := found.get("event"):
        deed = f"{event['time'][:19]} {event['actor']} {event['action']} {event['resource']} ({event['outcome']})"
        subject = f"Event {event['seq']} is in the log of {signed['size']} events: {deed}"
    text = f"{subject}. Signed {day(signed['time'])} with the key {signed['key_id']}."
    if not found["trusted"]:
        text += " That key came with the proof: ask the custodian whether it is theirs, or give it with --key."
    _say(args, found, text)
    return 0


def _checkpoint(args: argparse.Namespace) -> int:
    answer = _ask(args, "/v1/audit/checkpoint")
    if args.out or args.json:
        _give(args, answer, f"The signed checkpoint of {answer['size']} events is in “{{}}”.")
    else:
        _say(args, answer, f"{answer['note']}\nPublic key: {answer['key']}")
    return 0


def _ask(args: argparse.Namespace, url: str) -> Any:
    """Ask the gateway as the named account, or as the one that usually does this."""
    with terminal(args.account or default_account(load_settings(), "custodian")) as line:
        return line.get(url)


def _give(args: argparse.Namespace, answer: dict[str, Any], sentence: str) -> None:
    """Write an answer to the file that was named, never over another, or to the terminal."""
    text = json.dumps(answer, ensure_ascii=False, indent=1)
    if not args.out:
        _say(args, answer, text)
        return
    try:
        with os.fdopen(os.open(args.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as output:
            output.write(f"{text}\n")
    except OSError as error:
        raise InvalidInput(f"“{Path(args.out).name}” cannot be written ({error.strerror}); name a new file.") from None
    _say(args, answer, sentence.format(Path(args.out).name))


def _read(file: Path) -> str:
    try:
        with file.open() as text:
            return text.read(MOST_FILE_BYTES)
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"The file “{file.name}” cannot be read as text.") from None


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read(file))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(f"“{file.name}” holds no JSON object; `workbench audit prove EVENT --out FILE` writes one.")
    return value


def _note_in(file: Path) -> str:
    """Give the checkpoint in a file: the note itself, or the JSON of a checkpoint, a proof or a release."""
    text = _read(file)
    if not text.lstrip().startswith("{"):
        return text
    value: Any = _read_json(file)
    for name in ("checkpoint", "note"):
        value = value.get(name, value) if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""


def _say(args: argparse.Namespace, answer: Any, text: str) -> None:
    sys.stdout.write(f"{json.dumps(answer, ensure_ascii=False) if args.json else text}\n")


_DEEDS = {
    "verify": _verify,
    "list": _list,
    "prove": _prove,
    "check-proof": _check_proof,
    "checkpoint": _checkpoint,
}
