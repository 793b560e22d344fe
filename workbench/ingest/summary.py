"""What an ingest came to: for the command line as JSON, and for the report that a second person signs.

Runs in: ingest host
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.ingest.refusals import Refusal
from workbench.ingest.report import LabelFacts, ReportFacts, SeriesFacts, TableFacts
from workbench.ingest.sending import Shipment
from workbench.ingest.tables.prepared import PreparedTable

REPORTED = (
    "scan", "subject", "split", "modality", "shape", "spacing_mm", "origin_mm", "direction", "sha256", "hu", "unit",
    "scale", "warnings",
)  # fmt: skip
# What was done to a column of a table, for the person who signs.
DONE = {
    "pseudonym": "replaced by a pseudonym", "generalised": "written as groups", "shifted": "dates moved",
    "capped": "above 89 written as 90", "declared codes": "only declared codes", "kept": "kept",
}  # fmt: skip


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Parameters
    ----------
    dataset, version, status : str
        What was made; `waiting` until a second person has signed it off.
    series : tuple of dict
        Per new scan: ids, modality, grid, digest of its voxels, range, warnings and number of files.
    ignored : tuple of dict
        `{file, reason}` of every file that was left out; on the ingest host only.
    deidentified : dict of str to int
        How often each rule of the profile was applied.
    labels : tuple of dict
        Per label set: scan, name, kind and the names and volumes of its segments.
    tables : tuple of dict
        Per table: its name and what was done to it.
    refusals : tuple of Refusal
        What was refused and left out, because a person chose so.
    findings : tuple of dict
        Of the verifier; a version with any is never made.
    """

    dataset: str
    version: str
    series: tuple[dict[str, Any], ...]
    ignored: tuple[dict[str, str], ...]
    deidentified: dict[str, int]
    status: str = "published"
    labels: tuple[dict[str, Any], ...] = ()
    tables: tuple[dict[str, Any], ...] = ()
    refusals: tuple[Refusal, ...] = ()
    findings: tuple[dict[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {
            **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()},
            "refusals": [refusal.as_dict() for refusal in self.refusals],
        }


def report_facts(report: IngestReport, shipment: Shipment, title: str, tier: str) -> ReportFacts:
    """Give what the page for the second person tells; nothing of it names a source file."""
    profile, gathered = shipment.choices.profile, shipment.gathered
    labels = {
        one["scan"]: [
            LabelFacts(str(part["label"]), str(each["kind"]), float(part["volume_ml"]))
            for each in report.labels
            if each["scan"] == one["scan"]
            for part in each["segments"]
        ]
        for one in report.series
    }
    return ReportFacts(
        dataset=report.dataset, title=title, tier=tier, uploader=shipment.delivery.uploader,
        date=f"{datetime.now(UTC):%Y-%m-%d}", profile=profile.name, profile_digest=profile.digest,
        options=sorted(profile.switches), counts=report.deidentified,
        series=[
            SeriesFacts(one, int(one["files"]), shipment.sheets.get(one["scan"], ()), labels[one["scan"]])
            for one in report.series
        ],
        tables=[_table(table) for table in gathered.tables],
        refused=Counter(refusal.code for refusal in gathered.refusals for _ in refusal.files),
        ignored=Counter(item["reason"] for item in gathered.found.ignored), findings=report.findings,
    )  # fmt: skip


def _table(table: PreparedTable) -> TableFacts:
    told = table.report
    done = told.get("done") or {}
    columns = [{**column, "done": DONE.get(done.get(column["name"], ""), "kept")} for column in table.schema["columns"]]
    return TableFacts(
        table.name, str(table.schema.get("title") or table.name), int(told["rows"]), int(told["subjects"]),
        columns, int(told["actions"].get("removed", 0)), told.get("k"), told.get("l"),
    )  # fmt: skip
