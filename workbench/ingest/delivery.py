"""The line on which objects go to the gateway: all of them become one version, or none is kept.

Runs in: ingest host
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from workbench.connection import Connection
from workbench.errors import GatewayUnavailable, WorkbenchError


class Delivery:
    """One open ingest; what leaves the block in a refusal drops everything that was sent.

    With a resume key the gateway keeps each scan that has arrived whole. A process that is killed, or a gateway that
    goes away, then costs at most the scan that was on its way: opening a delivery with the same key goes on with the
    same ingest, whose `done_scans` need not be sent again. A commit whose answer got lost is answered again.

    Parameters
    ----------
    line : Connection
        Signed in as somebody who may ingest.
    dataset : str
        Its name; it is made when it does not exist.
    title, description : str, optional
        For a new dataset.
    tier : str
        `controlled`; phantoms alone may be `open` or `undisclosed`.
    phantoms : bool
        Whether these are the embedded phantoms.
    resume_key : str, optional
        Says of another process that it brings in the same: a digest of the source and of every choice that changes
        what is sent, up to 128 characters.

    Attributes
    ----------
    done_scans : dict
        By series pseudonym, the facts of each scan that has arrived whole.
    known_labels : dict
        By scan of the dataset: the name of each of its labels, and the SHA-256 of its voxels as they are stored.
    withdrawn : frozenset of str
        Pseudonyms of patients who withdrew; the gateway refuses them.
    uploader : str
        Who counts as having brought this in.
    committed : dict or None
        The answer to the commit, when an earlier process made it and never heard of it.
    """

    def __init__(
        self, line: Connection, dataset: str, *, title: str | None = None, description: str | None = None,
        tier: str = "controlled", phantoms: bool = False, resume_key: str = "",
    ) -> None:  # fmt: skip
        self._line = line
        self._ask = {
            "dataset": dataset, "title": title, "description": description, "tier": tier, "phantoms": phantoms,
            "resume_key": resume_key,
        }  # fmt: skip
        self._open = False
        self.id = self.uploader = ""
        self.version: str | None = None
        self.known_subjects: dict[str, str] = {}
        self.known_scans: dict[str, str] = {}
        self.done_scans: dict[str, dict[str, Any]] = {}
        self.known_labels: dict[str, dict[str, str]] = {}
        self.withdrawn: frozenset[str] = frozenset()
        self.committed: dict[str, Any] | None = None
        self.next_subject = self.next_scan = 1

    def __enter__(self) -> Self:
        """Open the ingest and learn what the dataset already holds and what has arrived."""
        answer = self._line.post("/v1/ingests", {name: value for name, value in self._ask.items() if value is not None})
        self.id, self._open = str(answer["ingest"]), True
        self.version, self.uploader = answer.get("version"), str(answer.get("uploader", ""))
        known = answer["known"]
        self.known_subjects, self.known_scans = dict(known["subjects"]), dict(known["scans"])
        self.known_labels = dict(known.get("labels", {}))
        self.withdrawn = frozenset(known.get("withdrawn", ()))
        self.next_subject, self.next_scan = int(answer["next_subject"]), int(answer["next_scan"])
        self.done_scans = {str(facts["series_uid"]): facts for facts in answer.get("scans_done", ())}
        self.committed = answer.get("committed")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what was sent, unless it was committed or the same command can go on with it."""
        if self._open and not self._can_go_on(problem):
            # The gateway forgets unfinished ingests by itself, so a line that broke does not hide the first error.
            with suppress(WorkbenchError):
                self._line.delete(f"/v1/ingests/{self.id}")
        self._open = False

    def commit(
        self, scans: list[dict[str, Any]], card: Mapping[str, Any], note: str = "", *,
        findings: Sequence[Any] | None = None, subjects: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Make the new version: what the dataset held before and what was sent.

        Parameters
        ----------
        scans : list of dict
            What is known of each new scan; empty when only labels or tables were sent.
        card : mapping
            What goes onto the dataset's card.
        note : str, default ""
            What changed, in a few words.
        findings : sequence, optional
            What the verifier found, which must be nothing; without it nobody can sign the version off.
        subjects : mapping, optional
            Pseudonym to subject of patients who have rows in tables but no scan.

        Returns
        -------
        dict
            `dataset, version, scans, subjects, status`; the status is ``waiting`` until a second person signed.
        """
        answer = self.committed
        if answer is None:
            body = {"scans": scans, "card": dict(card), "note": note, "subjects": dict(subjects or {})}
            if findings is not None:
                body["findings"] = [vars(one) if hasattr(one, "__dict__") else one for one in findings]
            answer = dict(self._line.post(f"/v1/ingests/{self.id}/commit", body))
        self._open = False
        if self._ask["resume_key"]:
            # The answer has arrived, so it need not be kept for another process.
            with suppress(WorkbenchError):
                self._line.delete(f"/v1/ingests/{self.id}")
        return answer

    def _can_go_on(self, problem: BaseException | None) -> bool:
        """Whether the same command may succeed later: the process or the gateway was stopped, nothing was refused."""
        if not self._ask["resume_key"]:
            return False
        refused = isinstance(problem, WorkbenchError) and not isinstance(problem, GatewayUnavailable)
        return problem is not None and not refused


def send_object(line: Connection, ingest: str, path: str, data: bytes, *, subject: str | None = None) -> None:
    """Send one object of an open ingest; a subject's objects are encrypted under the subject's own key."""
    owner = f"?subject={quote(subject)}" if subject else ""
    line.request(
        "PUT", f"/v1/ingests/{ingest}/objects/{quote(path)}{owner}", body=data,
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip


def send_scan(
    line: Connection, ingest: str, facts: Mapping[str, Any], objects: Mapping[str, bytes], *,
    labels: Mapping[str, bytes] | None = None,
) -> None:  # fmt: skip
    """Send a scan whole: its zarr objects, its labels by path below `labels/`, and the word that nothing is missing."""
    subject, folder = str(facts["subject"]), f"scans/{facts['scan']}"
    for key, data in objects.items():
        send_object(line, ingest, f"{folder}/image.zarr/{key}", data, subject=subject)
    for key, data in (labels or {}).items():
        send_object(line, ingest, f"{folder}/labels/{key}", data, subject=subject)
    line.post(f"/v1/ingests/{ingest}/scans", dict(facts))


def send_table(
    line: Connection, ingest: str, name: str, declaration: Mapping[str, Any], parts: Mapping[str, bytes]
) -> None:
    """Send a table: what its columns mean, and each subject's rows as an Arrow IPC file, under the subject's key."""
    send_object(line, ingest, f"tables/{name}.json", json.dumps(dict(declaration), ensure_ascii=False).encode())
    for subject, data in parts.items():
        send_object(line, ingest, f"tables/{name}/{subject}.arrow", data, subject=subject)
