"""A dataset as a notebook sees it: its card, whether and why it may be read, its tables and its scans.

Runs in: kernel
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from workbench.data import cards
from workbench.data.boxes import Box
from workbench.data.labels import LabelVolume, label_table
from workbench.data.line import line
from workbench.data.volume import Volume
from workbench.errors import AccessDenied, NotFound
from workbench.governance.decision import Decision

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AccessRequest:
    """Somebody's request for access; `status` is ``submitted``, ``granted``, ``refused`` or ``ended``."""

    id: str
    dataset: str
    purpose: str
    days: int
    status: str
    reason: str = ""
    until: str | None = None
    note: str = ""

    def refresh(self) -> AccessRequest:
        """Ask again how the request stands.

        Raises
        ------
        NotFound
            When it is not this person's.
        """
        for row in line().get("/v1/requests")["requests"]:
            if row["id"] == self.id:
                return read_request(row)
        raise NotFound(f"Request {self.id} is not one of yours; `dataset.requests` lists them.")

    def _repr_html_(self) -> str:
        return cards.request_card(vars(self))


class Dataset:
    """One dataset at one version; `wb.dataset(name)` gives it.

    Parameters
    ----------
    row : dict
        What the gateway tells of it. Access is asked live; the rest is as it was then.
    """

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self._scans: list[dict[str, Any]] | None = None
        self.name = str(row["name"])
        self.title = str(row["title"])
        self.tier = str(row["tier"])
        self.version = row["version"]
        self.card: dict[str, Any] = row["card"]

    @property
    def access(self) -> Decision:
        """Whether this notebook may read it now, and why (not)."""
        row = line().get(self._url())
        return Decision(row["allowed"], row["reason"], row["status"])

    @property
    def requests(self) -> list[AccessRequest]:
        """One's own requests for the dataset, newest first."""
        return [read_request(row) for row in line().get(self._url())["requests"]]

    def checklist(self, purpose: str = "", **facts: str | bool) -> pd.DataFrame:
        """Give a table of what one has and lacks to read it: `item, met, state, until, next`.

        Parameters
        ----------
        purpose : str, optional
            A purpose of this workbench; the terms of use are held against it.
        **facts
            What one would declare of the planned use, such as ``is_commercial=False``.
        """
        import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

        query = {"purpose": purpose, "facts": json.dumps(facts) if facts else ""}
        given = urlencode({name: value for name, value in query.items() if value})
        items = line().get(f"/v1/datasets/{quote(self.name, safe='')}/checklist?{given}")["items"]
        rows = [[one["label"], one["met"], one["text"], one["until"], one["next"]] for one in items]
        return pd.DataFrame(rows, columns=["item", "met", "state", "until", "next"])

    def request(self, purpose: str, days: int, note: str = "", **facts: str | bool) -> AccessRequest:
        """Ask its custodian for access.

        Parameters
        ----------
        purpose : str
            A purpose of this workbench, such as ``"lung nodule detection"``.
        days : int
            How long, 1 to 365.
        note : str, optional
            Anything the custodian should know.
        **facts
            What one declares of the planned use, such as ``is_commercial=False``; the terms of use ask for it.

        Raises
        ------
        InvalidInput
            When the purpose or a fact is unknown, or the days are out of range.
        AccessDenied
            When the terms of use forbid the purpose.
        Conflict
            When nothing needs asking.
        """
        body = {"purpose": purpose, "days": days, "note": note, "attestations": facts}
        return read_request(line().post(f"{self._url()}/requests", body))

    def scans(self, split: str | None = None) -> pd.DataFrame:
        """Give a table of the scans, of one split or all: `scan, subject, split`, shape and spacing."""
        table = self.table("scans")
        if split is None:
            return table
        self._require(table, "split")
        return table[table["split"] == split].reset_index(drop=True)

    def table(self, name: str) -> pd.DataFrame:
        """Give a table of the dataset, such as ``"scans"`` or ``"nodules"``."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use

        data = line().request("GET", self._url(f"/tables/{quote(name, safe='')}"))[2]
        frame: pd.DataFrame = pa.ipc.open_stream(pa.BufferReader(data)).read_pandas()
        return frame

    def volume(self, scan_id: str) -> Volume:
        """Give a scan, such as ``"S0001"``; its voxels are read when they are used.

        Raises
        ------
        AccessDenied
            When this notebook may not read the dataset.
        NotFound
            When it has no such scan.
        """
        known = self._known_scans()
        for facts in known:
            if facts["scan"] == scan_id:
                return Volume(self.name, self.version, facts)
        raise NotFound(f"“{self.name}” has no scan {scan_id!r}; `dataset.scans()` lists its {len(known)} scans.")

    def volumes(self) -> list[Volume]:
        """Give every scan, in the order of the version; their voxels are read when they are used.

        Raises
        ------
        AccessDenied
            When this notebook may not read the dataset.
        """
        return [Volume(self.name, self.version, facts) for facts in self._known_scans()]

    def _known_scans(self) -> list[dict[str, Any]]:
        if self._scans is None:
            self._scans = list(line().get(self._url("/scans"))["scans"])
        return self._scans

    def labels(self, scan_id: str) -> pd.DataFrame:
        """Give a table of the regions marked in a scan: `name, kind, value, label, volume_ml, voxels`."""
        return label_table(self._labels(scan_id))

    def label_volume(self, scan_id: str, name: str | None = None) -> LabelVolume:
        """Give the labels of a scan; their voxels are read when they are used.

        Parameters
        ----------
        scan_id : str
            Such as ``"S0001"``.
        name : str, optional
            As `labels` names them, such as ``"rtstruct-1"``; the first when left out.

        Raises
        ------
        NotFound
            When the scan has no such labels.
        """
        found = self._labels(scan_id)
        for facts in found:
            if name in (None, facts["name"]):
                return LabelVolume(self.volume(scan_id), facts)
        known = ", ".join(f"“{facts['name']}”" for facts in found) or "none"
        raise NotFound(f"Scan {scan_id} has no labels {name!r}; it has {known}.")

    def _labels(self, scan_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = line().get(self._url(f"/scans/{quote(scan_id, safe='')}/labels"))["labels"]
        return found

    def boxes(self, scan_id: str) -> list[Box]:
        """Give a box around each known nodule of a scan."""
        try:
            nodules = self.table("nodules")
        except NotFound:
            return []
        places = ["x_mm", "y_mm", "z_mm", "diameter_mm"]
        self._require(nodules, "scan", "nodule", *places)
        found = nodules[nodules["scan"] == scan_id].dropna(subset=places).to_dict("records")
        return [
            Box(
                (n["x_mm"], n["y_mm"], n["z_mm"]), (n["diameter_mm"],) * 3, f"{n['nodule']} · {n['diameter_mm']:.0f} mm"
            )
            for n in found
        ]

    def _require(self, table: pd.DataFrame, *columns: str) -> None:
        """Refuse to go on without columns that the policy leaves out or empties for this person."""
        may_be_empty = len(table) == 0 or not self._row.get("obligations")
        for name in columns:
            if name not in table.columns or (not may_be_empty and table[name].isna().all()):
                raise AccessDenied(
                    f"The policy of “{self.name}” does not show you the column “{name}”, which this needs; "
                    "use `dataset.table(…)` and go on without it.", code="column-withheld",
                )  # fmt: skip

    def __repr__(self) -> str:
        """Say which dataset it is and where this person stood when it was fetched."""
        return (
            f"Dataset({self.name!r}: {self._row['scans']} scans of {self._row['subjects']} subjects, "
            f"{self.tier}, {self._row['status']})"
        )

    def _repr_html_(self) -> str:
        seen = {name: self._row[name] for name in ("version", "scans", "subjects")}
        return cards.dataset_card({**line().get(self._url()), **seen})

    def _url(self, end: str = "") -> str:
        version = f"?{urlencode({'version': self.version})}" if end and self.version and end != "/requests" else ""
        return f"/v1/datasets/{quote(self.name, safe='')}{end}{version}"


def read_request(row: dict[str, Any]) -> AccessRequest:
    """Read what the gateway tells of a request."""
    return AccessRequest(**{name: row[name] for name in AccessRequest.__dataclass_fields__})
