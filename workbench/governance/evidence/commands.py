"""The verbs of evidence: agreement, training, usage, visa, checklist, project, purpose.

Each talks to the gateway as one person; nothing here opens the store.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from workbench.connection import default_account, terminal
from workbench.errors import InvalidInput
from workbench.governance.duo.facts import DECLARED, is_choice
from workbench.settings import load_settings

MOST_FILE_BYTES = 512 * 1024
_CHOICES = {"yes": True, "true": True, "no": False, "false": False}
_MARKS = {True: "✓", False: "✗", None: "…"}


def agreement_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench agreement`."""
    parser.add_argument("deed", choices=("show", "set", "accept"), help="read it, ask for one (custodian), accept it")
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("file", nargs="?", help="for set: a text file")
    parser.add_argument("--title", default="Data use agreement", help="for set: its title")
    _account(parser)


def agreement(args: argparse.Namespace) -> None:
    """Show, set or accept the agreement of a dataset."""
    url = f"/v1/datasets/{_part(args.dataset)}/agreement"
    if args.deed == "set":
        body = {"title": args.title, "text": _read(args.file, "workbench agreement set DATASET FILE")}
        answer = _ask(args, "custodian", url, body)
        text = f"“{answer['title']}” is at version {answer['version']}; everybody has to accept it anew."
    elif args.deed == "accept":
        newest = _ask(args, "researcher", url)
        answer = _ask(args, "researcher", f"{url}/accept", {"version": newest.get("version", 0)})
        text = f"You accepted “{answer['title']}”, version {answer['version']}, sha256 {answer['sha256'][:16]}…."
    else:
        answer = _ask(args, "researcher", url)
        text = _agreement_text(answer)
    _report(args, answer, text)


def training_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench training`."""
    parser.add_argument("deed", nargs="?", choices=("list", "record", "end"), default="list")
    parser.add_argument("who", nargs="?", help="for record: the account; for end: the record's id, such as T1")
    parser.add_argument("kind", nargs="?", help="for record: such as gcp or data-protection")
    parser.add_argument("--provider", default="", help="for record: who gave the training")
    parser.add_argument("--issued", default="", metavar="DAY", help="for record: first day, YYYY-MM-DD")
    parser.add_argument("--ends", default="", metavar="DAY", help="for record: last day, YYYY-MM-DD")
    _account(parser)


def training(args: argparse.Namespace) -> None:
    """List training, record that of somebody else, or end a record."""
    if args.deed == "list":
        found = _ask(args, "researcher", "/v1/training")["training"]
        rows = [f"{one['id']:<6}{one['person']:<16}{one['kind']:<20}{_dates(one)}  {one['provider']}" for one in found]
        _report(args, found, "\n".join(rows) or "No training is recorded.")
        return
    if not args.who or (args.deed == "record" and not args.kind):
        raise InvalidInput("Write `workbench training record PERSON KIND --provider …` or `workbench training end ID`.")
    if args.deed == "record":
        body = {"person": args.who, "kind": args.kind, "provider": args.provider}
        answer = _ask(args, "custodian", "/v1/training", {**body, "issued": args.issued, "ends": args.ends})
        text = f"{answer['id']}: {answer['person']} is trained in “{answer['kind']}” until {answer['ends']}."
    else:
        answer = _ask(args, "custodian", f"/v1/training/{_part(args.who)}/end", {})
        text = f"{answer['id']} of {answer['person']} counts no more."
    _report(args, answer, text)


def usage_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench usage`."""
    parser.add_argument("deed", choices=("show", "set"), help="show the terms of use, or replace them (custodian)")
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("terms", nargs="*", metavar="TERM", help="such as GRU NMDS “DS=lung cancer” TS=12")
    parser.add_argument(
        "--training", action="append", metavar="KIND", help="a training that is asked for; several times"
    )
    parser.add_argument("--clear", choices=("terms", "training"), action="append", default=[], help="ask for none")
    _account(parser)


def usage(args: argparse.Namespace) -> None:
    """Show or replace what a dataset may be used for, and the training it asks for."""
    url = f"/v1/datasets/{_part(args.dataset)}/usage"
    body: dict[str, Any] = {name: [] for name in args.clear}
    body |= {name: given for name, given in (("terms", args.terms), ("training", args.training)) if given}
    answer = _ask(args, "custodian", url, body) if args.deed == "set" else _ask(args, "researcher", url)
    lines = []
    for term in answer["terms"]:
        value = f" = {term['value']}" if term["value"] else ""
        lines.append(f"{term['short']:<8}{term['label']}{value}{'  (' + term['note'] + ')' if term['note'] else ''}")
    lines += [f"training: {kind}" for kind in answer["training"]]
    _report(args, answer, "\n".join(lines) or f"“{args.dataset}” has no terms of use and asks for no training.")


def visa_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench visa`."""
    deeds = ("list", "send", "trust", "untrust", "link")
    parser.add_argument("deed", nargs="?", choices=deeds, default="list")
    parser.add_argument(
        "what", nargs="?", help="send: a file with a visa or passport; untrust: an id; link: an account"
    )
    parser.add_argument("--dataset", help="trust, link: for this dataset (default: the whole home, administrator)")
    parser.add_argument("--issuer", default="", help="trust, link: who signs, exactly as visas say it")
    parser.add_argument("--source", default="", help="trust: which organisation says it")
    parser.add_argument("--type", default="ControlledAccessGrants", help="trust: the visa's type")
    parser.add_argument("--value", default="", help="trust: what the visa says, exactly")
    parser.add_argument("--keys", metavar="FILE", help="trust: the issuer's public keys, a JWK set")
    parser.add_argument("--approves", action="store_true", help="trust: stands for the custodian's approval")
    parser.add_argument("--subject", default="", help="link: the person's subject at the issuer")
    _account(parser)


def visa(args: argparse.Namespace) -> None:
    """List, send or trust visas, or link an issuer's subject to a person."""
    if args.deed == "list":
        found = _ask(args, "researcher", "/v1/visas")
        lines = [
            f"{one['id']:<6}{one['type']:<26}{one['value']}  until {one['expires'][:10]}" for one in found["visas"]
        ]
        lines += [f"{one['id']:<6}trusted: {one['type']} {one['value']} of {one['source']}" for one in found["trusted"]]
        _report(args, found, "\n".join(lines) or "No visas.")
        return
    if args.deed == "trust":
        facts = {name: getattr(args, name) for name in ("issuer", "source", "type", "value")}
        keys = _json(_read(args.keys, "workbench visa trust --keys FILE …"))
        body = {**facts, "keys": keys, "dataset": args.dataset, "is_approval": args.approves}
        answer = _ask(args, "custodian", "/v1/visas/trusted", body)
        _report(args, answer, f"{answer['id']}: visas of {answer['source']} that say “{answer['value']}” count.")
        return
    if not args.what:
        raise InvalidInput(f"`workbench visa {args.deed}` needs one more word; `workbench visa --help` tells it.")
    if args.deed == "send":
        text = _read(args.what, "workbench visa send FILE").strip()
        answer = _ask(args, "researcher", "/v1/visas", _json(text) if text.startswith("{") else {"visa": text})
        told = "\n".join(
            f"{one['id']}: {one['type']} {one['value']}, until {one['expires'][:10]}" for one in answer["visas"]
        )
        _report(args, answer, told)
    elif args.deed == "untrust":
        answer = _ask(args, "custodian", f"/v1/visas/trusted/{_part(args.what)}/end", {})
        _report(args, answer, f"{answer['id']} counts no more.")
    else:
        body = {"person": args.what, "issuer": args.issuer, "subject": args.subject, "dataset": args.dataset}
        answer = _ask(args, "custodian", "/v1/visas/identities", body)
        _report(args, answer, f"Visas of that subject of {answer['issuer']} are about {answer['person']}.")


def checklist_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench checklist`."""
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("--purpose", default="", help="for which purpose, such as “lung nodule detection”")
    add_facts(parser)
    _account(parser)


def checklist(args: argparse.Namespace) -> None:
    """Show what somebody has and lacks to read a dataset."""
    query = {"purpose": args.purpose, "facts": json.dumps(facts_of(args)) if args.fact else ""}
    given = urlencode({name: value for name, value in query.items() if value})
    answer = _ask(args, "researcher", f"/v1/datasets/{_part(args.dataset)}/checklist?{given}")
    lines = [
        f"{_MARKS[one['met']]} {one['label']}: {one['text']}\n    {one['next']}".rstrip() for one in answer["items"]
    ]
    _report(args, answer, "\n".join(lines) or "Nothing is asked for: everybody who is signed in may read it.")


def project_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench project`."""
    parser.add_argument("deed", nargs="?", choices=("list", "set"), default="list")
    parser.add_argument("id", nargs="?", help="for set: the project's id, such as lung-ai")
    parser.add_argument("--title", default="", help="for set: its title (default: the id)")
    parser.add_argument("--member", action="append", default=[], metavar="ACCOUNT", help="for set; several times")
    _account(parser)


def project(args: argparse.Namespace) -> None:
    """List projects, or make one and name its members (custodian)."""
    if args.deed == "list":
        found = _ask(args, "researcher", "/v1/projects")["projects"]
        lines = [f"{one['id']:<20}{one['title']:<32}{', '.join(one['members'])}" for one in found]
        _report(args, found, "\n".join(lines) or "No projects.")
        return
    if not args.id:
        raise InvalidInput("Write `workbench project set ID --title … --member …`.")
    body = {"id": args.id, "title": args.title or args.id, "members": args.member}
    answer = _ask(args, "custodian", "/v1/projects", body)
    _report(args, answer, f"{answer['id']}: {', '.join(answer['members']) or 'nobody'}.")


def purpose_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench purpose`."""
    parser.add_argument("deed", nargs="?", choices=("list", "add"), default="list")
    parser.add_argument("id", nargs="?", help="for add: such as copd-screening")
    parser.add_argument("--label", default="", help="for add: how people read it")
    parser.add_argument("--duo", default="", help="for add: its kind of study in the Data Use Ontology, such as DCR")
    add_facts(parser)
    _account(parser)


def purpose(args: argparse.Namespace) -> None:
    """List the purposes that may be named, or add one with the facts it settles (administrator)."""
    if args.deed == "list":
        found = _ask(args, "researcher", "/v1/purposes")
    elif not args.id:
        raise InvalidInput("Write `workbench purpose add ID --label …`.")
    else:
        body = {"id": args.id, "label": args.label or args.id, "duo": args.duo, "facts": facts_of(args)}
        found = _ask(args, "administrator", "/v1/purposes", body)["purposes"]
    lines = [f"{one['id']:<24}{one['label']:<28}{one['duo'] or '':<14}{_facts_text(one['facts'])}" for one in found]
    _report(args, found, "\n".join(line.rstrip() for line in lines))


def add_facts(parser: argparse.ArgumentParser) -> None:
    """Describe `--fact NAME=VALUE`, which declares something of a planned use."""
    told = f"declare one of {', '.join(DECLARED)}; yes or no where it is a question"
    parser.add_argument("--fact", action="append", default=[], metavar="NAME=VALUE", help=told)


def facts_of(args: argparse.Namespace) -> dict[str, Any]:
    """Give the declared facts of a command line."""
    found: dict[str, Any] = {}
    for text in args.fact:
        name, given, value = text.partition("=")
        if not given:
            raise InvalidInput(f"“{text[:40]}” is no fact; write NAME=VALUE, such as is_commercial=no.")
        found[name.strip()] = _CHOICES.get(value.strip().lower(), value) if is_choice(name.strip()) else value.strip()
    return found


def _account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def _ask(args: argparse.Namespace, role: str, url: str, body: object = None) -> Any:
    """Ask the gateway as the named account, or as the one that usually does this; with a body it is a change."""
    with terminal(args.account or default_account(load_settings(), role)) as line:
        return line.get(url) if body is None else line.post(url, body)


def _read(name: str | None, form: str) -> str:
    if not name:
        raise InvalidInput(f"Write `{form}`.")
    try:
        path = Path(name)
        text = sys.stdin.read(MOST_FILE_BYTES + 1) if name == "-" else path.read_bytes()[: MOST_FILE_BYTES + 1].decode()
    except (OSError, UnicodeDecodeError):
        raise InvalidInput("The file cannot be read as text; check its name.") from None
    if len(text) > MOST_FILE_BYTES:
        raise InvalidInput(f"The file is larger than {MOST_FILE_BYTES} bytes.")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("The file is not JSON.") from None


def _agreement_text(answer: Mapping[str, Any]) -> str:
    if "version" not in answer:
        return f"“{answer['dataset']}” asks for no agreement."
    state = f"accepted by you on {answer['accepted'][:10]}" if answer["accepted"] else "not accepted by you yet"
    body = "\n".join(textwrap.fill(line, 100) for line in answer["text"].splitlines())
    return f"{answer['title']}, version {answer['version']} of {answer['created'][:10]} ({state})\n\n{body}"


def _dates(record: Mapping[str, Any]) -> str:
    over = "  ended" if record["ended"] else ""
    return f"{record['issued']} – {record['ends']}{over}"


def _facts_text(facts: Mapping[str, Any]) -> str:
    words = {True: "yes", False: "no"}
    return ", ".join(
        f"{name}={words.get(value, value) if isinstance(value, bool) else value}" for name, value in facts.items()
    )


def _part(text: str) -> str:
    return quote(text, safe="")


def _report(args: argparse.Namespace, answer: Any, text: str | Sequence[str]) -> None:
    sys.stdout.write((json.dumps(answer, ensure_ascii=False) if args.json else str(text)) + "\n")
