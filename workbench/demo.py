"""The verb `demo`: the researcher's whole journey on embedded data, each step told in a line with its time.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.airlock.offering import send_offer
from workbench.benchmark.client import read_leaderboard, send, wait_for
from workbench.benchmark.markup import interval_text
from workbench.benchmark.reports.notebook_run import Run, run_notebook
from workbench.benchmark.reports.reproduce import reproduce
from workbench.benchmark.reports.run_command import find_notebook
from workbench.connection import Connection, operator_secret, running_gateway, sign_in
from workbench.errors import InvalidInput, RunFailed, SandboxMissing
from workbench.governance.sandbox import require_bubblewrap
from workbench.ingest.phantoms import ingest_phantoms, write_phantoms
from workbench.ingest.pipeline import ingest_folder
from workbench.ingest.signing import decide_waiting
from workbench.settings import Settings, load_settings

OPEN, HIDDEN, CLINIC, REAL = "chest-ct", "chest-ct-test", "clinic-ct", "real-ct"
TASK = "lung-nodule-detection"
PURPOSE, DAYS = "lung-nodule-detection", 30
# Health research, not commercial; what the demo's researchers declare of their work fits.
TERMS, TRAINING = ["HMB", "NCU"], "research-data-protection"
ATTESTATIONS = {
    "research_kind": "biomedical", "disease": "lung cancer", "is_commercial": False, "is_method_development": True,
}  # fmt: skip
AGREEMENT = "Data use agreement of the demo"
AGREEMENT_TEXT = (
    "I use these data for the purpose that was approved and for no other. I do not try to find out whose they are. "
    "I let results out through the airlock alone, and report at once what should not have happened."
)
RESEARCHERS = ("researcher", "teacher", "reviewer")
# Other patients than those of the embedded data, whose plan counts up from small seeds.
ARRIVAL_SEED = 900_008


@dataclass
class Journey:
    """What the journey has come to so far."""

    settings: Settings
    is_quiet: bool
    lines: dict[str, Connection] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Time a step and tell it in a line; what the block appends to the list is told after the title."""
        started, remarks = time.monotonic(), list[str]()
        yield remarks
        seconds = round(time.monotonic() - started, 1)
        self.steps.append({"step": title, "seconds": seconds, "remark": "; ".join(remarks)})
        self.say(f"{seconds:6.1f} s  {title}" + (f": {'; '.join(remarks)}" if remarks else ""))

    def say(self, text: str) -> None:
        """Tell a line, unless one JSON value is wanted."""
        if not self.is_quiet:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def line(self, account: str) -> Connection:
        """Give the line of an account, signed in once."""
        if account not in self.lines:
            self.lines[account] = sign_in(self.settings, account)
        return self.lines[account]


def demo_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench demo`."""
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="a folder with a real DICOM series, as “real-ct”")
    parser.add_argument("--data-only", action="store_true", help="only fill the catalogue, as `make lab` needs it")


def demo(args: argparse.Namespace) -> int:
    """Play the journey; gives 0 when the re-run of the report is identical."""
    settings, started = load_settings(), time.monotonic()
    if not settings.demo_accounts:
        raise InvalidInput("This home has real people (demo_accounts = false); set WORKBENCH_HOME to another folder.")
    if args.real is not None and not args.real.is_dir():
        raise InvalidInput(f"There is no folder “{args.real}”; --real takes a folder of DICOM files.")
    journey = Journey(settings, is_quiet=args.json)
    with running_gateway(settings):
        try:
            prepare_data(journey)
            if args.real is not None:
                bring_in(journey, args.real, REAL, "A real series")
            if not args.data_only:
                _journey(journey, REAL if args.real is not None else CLINIC)
        finally:
            for line in journey.lines.values():
                line.close()
    journey.outcome["seconds"] = round(time.monotonic() - started, 1)
    _finish(journey, as_json=args.json)
    return 0 if journey.outcome.get("verdict", "IDENTICAL") in ("IDENTICAL", "WITHIN_TOLERANCE") else 1


def prepare_data(journey: Journey, plan: Sequence[tuple[str, int]] | None = None) -> None:
    """Fill the catalogue: the embedded phantoms, and a folder of DICOM as it would arrive from a scanner.

    Parameters
    ----------
    journey : Journey
        Of a running gateway.
    plan : sequence of (split, seed), optional
        Fewer phantoms than the embedded ones, for tests.
    """
    present = {row["name"] for row in journey.line("custodian").get("/v1/datasets")["datasets"] if row["version"]}
    if not {OPEN, HIDDEN} <= present:
        with journey.step("Make the embedded phantoms and bring them in as DICOM") as remarks:
            # Open data may only be made by the owner of the home, out of phantoms.
            owner = Connection(journey.settings.socket, operator_secret(journey.settings))
            learn, test = ingest_phantoms(owner, OPEN, HIDDEN, plan=plan)
            owner.close()
            remarks.append(f"{len(learn.series)} scans to learn on, {len(test.series)} hidden")
    if CLINIC not in present:
        with tempfile.TemporaryDirectory() as folder:
            write_phantoms(Path(folder), count=2, seed=ARRIVAL_SEED)
            bring_in(journey, Path(folder), CLINIC, "Chest CT from the clinic")
    set_terms(journey, CLINIC)


def bring_in(journey: Journey, folder: Path, dataset: str, title: str) -> None:
    """Ingest a folder as a controlled dataset and have it signed off, unless it is there already."""
    rows = {row["name"]: row for row in journey.line("custodian").get("/v1/datasets")["datasets"]}
    found = rows.get(dataset, {})
    if found.get("version"):
        return
    if not found.get("waiting"):
        with journey.step(f"Bring in a folder of DICOM as “{dataset}”, de-identified") as remarks:
            report = ingest_folder(journey.line("custodian"), folder, dataset, title=title)
            for one in report.series:
                remarks.append(f"{one['scan']} {' × '.join(map(str, one['shape']))} from {one['files']} files")
    with journey.step("Have a second person sign it off, who did not bring it in") as remarks:
        signed = decide_waiting(journey.line("checker-1"), dataset, "publish", "the demo's second person")
        remarks.append(f"published, signed off by {signed['signed_by']}")


def _journey(journey: Journey, looked_at: str) -> None:
    try:
        require_bubblewrap()
    except SandboxMissing as missing:
        journey.say(f"          Without a sandbox only open data can be used: {missing.message}")
        is_isolated = False
    else:
        is_isolated = True
        _get_access(journey, looked_at)
        _explore(journey, looked_at)
    report = _benchmark(journey)
    if is_isolated:
        _submit(journey)
    _release(journey)
    _reproduce(journey, report)
    with journey.step("Verify the audit log") as remarks:
        log = journey.line("custodian").get("/v1/audit/verify")
        remarks.append(f"{log['events']} events, {'whole' if log['ok'] else 'BROKEN: ' + str(log['reason'])}")


def set_terms(journey: Journey, dataset: str) -> None:
    """Have the custodian say what the dataset may be used for, and the demo's researchers bring what it asks for."""
    custodian = journey.line("custodian")
    if custodian.get(f"/v1/datasets/{dataset}/usage")["terms"]:
        return
    with journey.step(f"Set terms of use, agreement and training for “{dataset}”, as its custodian") as remarks:
        terms = custodian.post(f"/v1/datasets/{dataset}/usage", {"terms": TERMS, "training": [TRAINING]})["terms"]
        agreement = custodian.post(f"/v1/datasets/{dataset}/agreement", {"title": AGREEMENT, "text": AGREEMENT_TEXT})
        today = datetime.now(UTC).date()
        for person in RESEARCHERS:
            journey.line(person).post(
                f"/v1/datasets/{dataset}/agreement/accept", {"version": agreement["version"]}
            )  # fmt: skip
            facts = {"provider": "the demo", "issued": str(today), "ends": str(today + timedelta(days=365))}
            custodian.post("/v1/training", {"person": person, "kind": TRAINING, **facts})
        remarks.append(", ".join(term["label"] for term in terms))


def _get_access(journey: Journey, dataset: str) -> None:
    researcher = journey.line("researcher")
    with journey.step(f"Browse the catalogue as researcher: may I read “{dataset}”?") as remarks:
        row = researcher.get(f"/v1/datasets/{dataset}")
        remarks.append(row["reason"])
    if row["allowed"] or row["status"] == "granted":
        return
    with journey.step(f"Ask for {DAYS} days: what is still missing?") as remarks:
        url = f"/v1/datasets/{dataset}/checklist?purpose={PURPOSE}"
        remarks += [item["text"] for item in researcher.get(url)["items"] if item["met"] is not True]
        waiting = row["request"] if row["status"] == "submitted" else None
        form = {"purpose": PURPOSE, "days": DAYS, "note": "the demo's journey", "attestations": ATTESTATIONS}
        request = waiting or researcher.post(f"/v1/datasets/{dataset}/requests", form)["id"]
    with journey.step("Approve it, as the custodian who sees how the purpose fits the terms") as remarks:
        asked = {one["id"]: one for one in journey.line("custodian").get("/v1/requests")["requests"]}[request]
        if asked.get("match"):
            remarks.append(f"terms of use: {asked['match']['answer']}")
        journey.line("custodian").post(f"/v1/requests/{request}/approve", {"reason": "fits the purpose"})
        remarks.append(researcher.get(f"/v1/datasets/{dataset}")["reason"])


def _explore(journey: Journey, dataset: str) -> None:
    with journey.step("Explore it in a governed notebook") as remarks:
        run = _run(journey, "explore-a-dataset", {"dataset": dataset})
        remarks.append(str(run.report))
        journey.outcome["explored"] = str(run.report)


def _benchmark(journey: Journey) -> Run:
    with journey.step("Train on a cluster and score on validation, in the benchmark notebook") as remarks:
        run = _run(journey, TASK, {})
        results = [result.as_dict() for result in run.results]
        journey.outcome.update(report=str(run.report), crate=str(run.crate), results=results)
        remarks += [f"{result.name} {interval_text(result.value, result.interval)}" for result in run.results[:1]]
    return run


def _submit(journey: Journey) -> None:
    model = journey.settings.workspace("researcher") / "model.onnx"
    with journey.step("Submit the model to the hidden test, scored without network or labels in reach") as remarks:
        line = journey.line("researcher")
        entry = wait_for(line, send(line, TASK, model.read_bytes(), note="demo baseline"))
        if entry.state != "scored":
            raise RunFailed(f"The submission ended as {entry.state}: {entry.message}", code=entry.code)
        remarks.append(f"{entry.submission} {entry.state}")
    journey.outcome["leaderboard"] = line.get(f"/v1/tasks/{TASK}/leaderboard")
    journey.say(str(read_leaderboard(line, TASK)))


def _release(journey: Journey) -> None:
    figure = journey.settings.workspace("researcher") / "figures" / "froc.png"
    with journey.step("Offer the FROC figure, seen by two output checkers, and release it") as remarks:
        line = journey.line("researcher")
        offer = send_offer(line, (figure,), reason="figure of the demo report", controls="an aggregate curve")
        for checker in ("checker-1", "checker-2"):
            journey.line(checker).post(f"/v1/offers/{offer.id}/votes", {"vote": "approve", "comment": ""})
        remarks.append(f"{offer.id} {line.post(f'/v1/offers/{offer.id}/release')['state']}")


def _reproduce(journey: Journey, report: Run) -> None:
    with journey.step("Run the report again from its crate, as reviewer") as remarks:
        verdict = reproduce(report.crate, "reviewer", settings=journey.settings)
        journey.outcome["verdict"] = verdict.verdict
        remarks.append(verdict.verdict + (f" ({verdict.cause})" if verdict.cause else ""))


def _run(journey: Journey, notebook: str, parameters: dict[str, Any]) -> Run:
    out = journey.settings.home / "reports" / f"{notebook}.ipynb"
    return run_notebook(find_notebook(notebook), out, parameters, "researcher", settings=journey.settings)


def _finish(journey: Journey, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({**journey.outcome, "steps": journey.steps}) + "\n")
        return
    for name in ("report", "crate", "verdict"):
        if name in journey.outcome:
            journey.say(f"{name:>9}: {journey.outcome[name]}")
    journey.say(f"  in all: {journey.outcome['seconds']:.0f} s")
