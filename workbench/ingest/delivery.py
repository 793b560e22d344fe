"""The line on which objects go to the gateway: all of them become one version, or none is kept.

Runs in: ingest host
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from workbench.connection import Connection
from workbench.errors import WorkbenchError


class Delivery:
    """One open ingest; leaving the block without `commit` drops everything that was sent.

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
    """

    def __init__(
        self, line: Connection, dataset: str, *, title: str | None = None, description: str | None = None,
        tier: str = "controlled", phantoms: bool = False,
    ) -> None:  # fmt: skip
        self._line = line
        self._ask = {"dataset": dataset, "title": title, "description": description, "tier": tier, "phantoms": phantoms}
        self._open = False
        self.id = ""
        self.version: str | None = None
        self.known_subjects: dict[str, str] = {}
        self.known_scans: dict[str, str] = {}
        self.next_subject = self.next_scan = 1

    def __enter__(self) -> Self:
        """Open the ingest and learn what the dataset already holds."""
        answer = self._line.post("/v1/ingests", {name: value for name, value in self._ask.items() if value is not None})
        self.id, self._open = str(answer["ingest"]), True
        self.version = answer.get("version")
        self.known_subjects, self.known_scans = dict(answer["known"]["subjects"]), dict(answer["known"]["scans"])
        self.next_subject, self.next_scan = int(answer["next_subject"]), int(answer["next_scan"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what was sent, unless it was committed."""
        if self._open:
            # The gateway forgets unfinished ingests by itself, so a line that broke does not hide the first error.
            with suppress(WorkbenchError):
                self._line.delete(f"/v1/ingests/{self.id}")
            self._open = False

    def commit(self, scans: list[dict[str, Any]], card: Mapping[str, Any], note: str = "") -> dict[str, Any]:
        """Make the new version: what the dataset held before and what was sent."""
        body = {"scans": scans, "card": dict(card), "note": note}
        answer: dict[str, Any] = self._line.post(f"/v1/ingests/{self.id}/commit", body)
        self._open = False
        return answer


def send_object(line: Connection, ingest: str, path: str, data: bytes, *, subject: str | None = None) -> None:
    """Send one object of an open ingest; a subject's objects are encrypted under the subject's own key."""
    owner = f"?subject={quote(subject)}" if subject else ""
    line.request(
        "PUT", f"/v1/ingests/{ingest}/objects/{quote(path)}{owner}", body=data,
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip


def send_scan(line: Connection, ingest: str, facts: Mapping[str, Any], objects: Mapping[str, bytes]) -> None:
    """Send the zarr objects of one scan."""
    for key, data in objects.items():
        path = f"scans/{facts['scan']}/image.zarr/{key}"
        send_object(line, ingest, path, data, subject=str(facts["subject"]))
