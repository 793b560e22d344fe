"""The command `workbench`: each verb is a few lines that call a room.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from workbench.errors import InvalidInput, WorkbenchError


@dataclass(frozen=True)
class Verb:
    """One verb: the room that owns it and the module that holds `NAME_arguments(parser)` and `NAME(args)`."""

    room: str
    name: str
    module: str
    help: str

    @property
    def function(self) -> str:
        """The name of the function behind the verb."""
        return self.name.replace("-", "_")


VERBS = (
    Verb("governance", "datasets", "workbench.governance.commands", "what exists and whether you may use it"),
    Verb("governance", "request", "workbench.governance.commands", "ask for access to a dataset for a purpose"),
    Verb("governance", "requests", "workbench.governance.commands", "list requests and the grants they led to"),
    Verb("governance", "approve", "workbench.governance.commands", "approve an access request (custodian)"),
    Verb("governance", "refuse", "workbench.governance.commands", "refuse an access request (custodian)"),
    Verb("governance", "revoke", "workbench.governance.commands", "end a grant now (custodian)"),
    Verb("governance", "audit", "workbench.governance.record.commands", "read, verify and prove the audit log"),
    Verb("governance", "explain", "workbench.governance.policy.commands", "say why: the policy that decides"),
    Verb("governance", "policy", "workbench.governance.policy.commands", "check, set or show a dataset's own policy"),
    Verb("governance", "checklist", "workbench.governance.evidence.commands", "what you have and lack for a dataset"),
    Verb("governance", "agreement", "workbench.governance.evidence.commands", "read, set or accept an agreement"),
    Verb("governance", "usage", "workbench.governance.evidence.commands", "what a dataset may be used for"),
    Verb("governance", "training", "workbench.governance.evidence.commands", "training records of people"),
    Verb("governance", "visa", "workbench.governance.evidence.commands", "GA4GH visas as evidence, and whom to trust"),
    Verb("governance", "project", "workbench.governance.evidence.commands", "projects and their members"),
    Verb("governance", "purpose", "workbench.governance.evidence.commands", "the purposes that requests may name"),
    Verb("governance", "people", "workbench.governance.people_commands", "list accounts, or add one with its roles"),
    Verb("governance", "packages", "workbench.governance.packages.commands", "packages of your own in notebooks"),
    Verb("ingest", "ingest", "workbench.ingest.commands", "bring DICOM, images or tables in as a new dataset version"),
    Verb("ingest", "sign-off", "workbench.ingest.signing", "publish or reject a version that waits (second person)"),
    Verb("ingest", "withdraw", "workbench.ingest.signing", "make a subject unreadable in every version, for ever"),
    Verb("ingest", "deidentify", "workbench.ingest.deidentify.commands", "write a de-identified copy of DICOM"),
    Verb("ingest", "check", "workbench.ingest.verify.commands", "look for identifiers left in a de-identified folder"),
    Verb("ingest", "crosswalk", "workbench.ingest.deidentify.commands", "look a pseudonym up (ingest host only)"),
    Verb("ingest", "receive", "workbench.ingest.pacs.commands", "take in what a scanner or PACS sends (C-STORE)"),
    Verb("ingest", "push", "workbench.ingest.pacs.commands", "send a checked, de-identified folder to a PACS"),
    Verb("ingest", "phantoms", "workbench.ingest.commands", "write chest-CT phantoms as DICOM series"),
    Verb("vault", "keys", "workbench.vault.commands", "list or rotate the keys that wrap the vault's (owner)"),
    Verb("gateway", "serve", "workbench.gateway.commands", "run the gateway of this home in the foreground"),
    Verb("jupyter", "lab", "workbench.jupyter.commands", "open JupyterLab on this home"),
    Verb(
        "compute", "preprocess", "workbench.compute.preprocess_command", "prepare every scan of a dataset on a cluster"
    ),
    Verb("compute", "train", "workbench.compute.train_command", "learn a task on several ranks, with a checkpoint"),
    Verb("compute", "jobs", "workbench.compute.job_commands", "what runs beside the notebook; follow or cancel it"),
    Verb("compute", "infer", "workbench.compute.infer_command", "run an exported model over a scan: marks or a mask"),
    Verb("compute", "cluster", "workbench.compute.clusters.commands", "start, list and stop clusters; set quotas"),
    Verb("benchmark", "run", "workbench.benchmark.reports.run_command", "run a notebook in a governed kernel"),
    Verb("benchmark", "tasks", "workbench.benchmark.tasks.commands", "list the benchmark tasks, or show one's card"),
    Verb("benchmark", "task", "workbench.benchmark.tasks.commands", "check a task file; publish a task of your own"),
    Verb("benchmark", "score", "workbench.benchmark.metrics.commands", "measure predictions in files by any metric"),
    Verb("benchmark", "metrics", "workbench.benchmark.metrics.commands", "list the metrics, or define one"),
    Verb("benchmark", "submit", "workbench.benchmark.submissions.commands", "submit a file to the hidden test"),
    Verb("benchmark", "submissions", "workbench.benchmark.submissions.commands", "list what you sent, with its state"),
    Verb("benchmark", "leaderboard", "workbench.benchmark.board.commands", "who stands where, and how sure that is"),
    Verb("benchmark", "rescore", "workbench.benchmark.board.commands", "score stored predictions again, byte for byte"),
    Verb("benchmark", "final", "workbench.benchmark.board.commands", "the final test of a task, opened once by two"),
    Verb("benchmark", "report", "workbench.benchmark.reports.run_command", "run a notebook into a report and a crate"),
    Verb("benchmark", "reproduce", "workbench.benchmark.reports.reproduce_command", "run a crate again: the verdict"),
    Verb("airlock", "scan", "workbench.airlock.commands", "check a file as the airlock would (exit code 16: refused)"),
    Verb("airlock", "offer", "workbench.airlock.commands", "offer files for release"),
    Verb("airlock", "review", "workbench.airlock.commands", "vote on a release (output checker)"),
    Verb("airlock", "release", "workbench.airlock.commands", "release what both checkers approved"),
    Verb("airlock", "offers", "workbench.airlock.commands", "list releases and their states"),
    Verb("teaching", "cohort", "workbench.teaching.commands", "create, list and end teaching cohorts"),
    Verb("all", "demo", "workbench.demo", "play the researcher's whole journey on embedded data"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; give 0, or the exit code of the error that stopped it."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(arguments)
    args = parser.parse_args(arguments)
    if not getattr(args, "run_verb", None):
        parser.print_help()
        return 2
    try:
        outcome = args.run_verb(args)
        sys.stdout.flush()
    except WorkbenchError as error:
        return _explain(error, as_json=args.json)
    except KeyboardInterrupt:
        _say("Stopped.", error=True)
        return 130
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has enough; Python must not try to write the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return outcome if isinstance(outcome, int) else 0


class _JsonParser(argparse.ArgumentParser):
    """A parser that explains wrong words as every other error under `--json`; its verbs' parsers are of its class."""

    def error(self, message: str) -> NoReturn:
        """Print the error as JSON and leave."""
        self.exit(_explain(InvalidInput(f"{message}; `{self.prog} --help` says what it takes."), as_json=True))


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; only the chosen verb's module is imported, so that `--help` is quick."""
    parser = (_JsonParser if "--json" in arguments else argparse.ArgumentParser)(
        prog="workbench", usage="workbench VERB …",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_overview(),
        description="A Jupyter-first research workbench for AI in health. `workbench VERB --help` tells more.",
    )  # fmt: skip
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    verbs = parser.add_subparsers(prog="workbench", metavar="VERB", title=argparse.SUPPRESS, help=argparse.SUPPRESS)
    for verb in VERBS:
        sub = verbs.add_parser(verb.name, description=verb.help[0].upper() + verb.help[1:] + ".")
        sub.add_argument("--json", action="store_true", help="print one JSON value instead of text")
        if verb.name == chosen:
            module = importlib.import_module(verb.module)
            getattr(module, f"{verb.function}_arguments")(sub)
            sub.set_defaults(run_verb=getattr(module, verb.function))
    return parser


def _overview() -> str:
    lines, room = [], ""
    for verb in VERBS:
        if verb.room != room:
            room = verb.room
            lines.append(f"\n{room}:")
        lines.append(f"  {verb.name:<13}{verb.help}")
    return "\n".join(lines)


def _explain(error: WorkbenchError, *, as_json: bool) -> int:
    _say(json.dumps(error.as_dict(), ensure_ascii=False) if as_json else error.message, error=not as_json)
    return error.exit_code


def _say(text: Any, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
