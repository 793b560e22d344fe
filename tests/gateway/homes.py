"""A governed home for the tests of gateway and data: small volumes that go in through the real door."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.connection import Connection, operator_secret, sign_in
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.ingest.tables.nodules import DECLARATION, nodule_table
from workbench.settings import Settings
from workbench.vault.names import VERSION_MARK

SHAPE = (40, 70, 100)
MOST_OPEN = 50
REPORT = f"<!doctype html><title>Ingest report</title><p>{VERSION_MARK}".encode()


@dataclass
class Lines:
    """Lines to one gateway, for each kind of token; closed together."""

    settings: Settings
    opened: list[Connection]

    def operator(self) -> Connection:
        return self._keep(Connection(self.settings.socket, operator_secret(self.settings)))

    def person(self, account: str) -> Connection:
        return self._keep(sign_in(self.settings, account))

    def kernel(self, account: str = "researcher", isolation: str = "bubblewrap", purpose: str = "") -> Connection:
        body = {"person": account, "isolation": isolation, "purpose": purpose}
        started = self.operator().post("/v1/kernels", body)
        line = self._keep(Connection(self.settings.socket, started["token"]))
        line.kernel = started["kernel"]  # type: ignore[attr-defined]
        return line

    def with_token(self, token: str) -> Connection:
        return self._keep(Connection(self.settings.socket, token))

    def grant(self, account: str, dataset: str, days: int = 30) -> dict[str, Any]:
        asked = self.person(account).post(
            f"/v1/datasets/{dataset}/requests", {"purpose": "method development", "days": days}
        )
        granted: dict[str, Any] = self.person("custodian").post(f"/v1/requests/{asked['id']}/approve", {"reason": "ok"})
        return granted

    def sign_off(self, dataset: str, account: str = "checker-1", **form: str) -> dict[str, Any]:
        """Have the version that waits published, or rejected, by somebody who did not bring it in."""
        return sign_off(self.person(account), dataset, **form)

    def _keep(self, line: Connection) -> Connection:
        line.home = self  # type: ignore[attr-defined]
        self.opened.append(line)
        if len(self.opened) > MOST_OPEN:
            # It opens again by itself when it is asked once more; a walk over all routes would hold a thousand.
            self.opened.pop(0).close()
        return line


@contextmanager
def lines_of(settings: Settings) -> Iterator[Lines]:
    lines = Lines(settings, [])
    yield lines
    for line in lines.opened:
        line.close()


def volume_of(seed: int, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-1000, 1000, shape).astype(np.int16)


def scan_facts(voxels: NDArray[np.int16], number: int, split: str = "train") -> dict[str, Any]:
    grid = Geometry(voxels.shape, (2.0, 0.7, 0.7), (-10.0, 20.0, 30.0))
    digest = hashlib.sha256(voxels.tobytes()).hexdigest()
    return {
        "scan": f"S{number:04d}", "subject": f"P{number:04d}", "split": split, "modality": "CT", **grid.as_dict(),
        "sha256": digest, "levels": 2, "window": [-600, 1500],
        "series_uid": f"2.25.{number}", "subject_pseudonym": f"pseudonym-{number}",
    }  # fmt: skip


def begin(line: Connection, dataset: str, tier: str = "controlled") -> dict[str, Any]:
    body = {"dataset": dataset, "tier": tier, "title": dataset.title(), "phantoms": tier != "controlled"}
    begun: dict[str, Any] = line.post("/v1/ingests", body)
    return begun


def send(line: Connection, ingest: str, voxels: NDArray[np.int16], facts: dict[str, Any]) -> None:
    objects, facts["levels"] = write_ome_zarr(voxels, Geometry.from_dict(facts))
    for key, data in objects.items():
        path = f"/v1/ingests/{ingest}/objects/scans/{facts['scan']}/image.zarr/{key}?subject={facts['subject']}"
        line.request("PUT", path, body=data)


def sign_off(line: Connection, dataset: str, **form: str) -> dict[str, Any]:
    waiting = {item["dataset"]: item["version"] for item in line.get("/v1/versions/waiting")["versions"]}
    url = f"/v1/datasets/{dataset}/versions/{waiting[dataset]}/sign-off"
    done: dict[str, Any] = line.post(url, {"decision": "publish", "comment": "", **form})
    return done


def fill(
    line: Connection, dataset: str, tier: str = "controlled", *, seeds: tuple[int, ...] = (1,), signed: bool = True
) -> dict[str, Any]:
    """Ingest one scan per seed, with one nodule each, have it signed off, and give the commit's answer."""
    begun = begin(line, dataset, tier)
    scans = []
    url = f"/v1/ingests/{begun['ingest']}"
    for number, seed in enumerate(seeds, begun["next_scan"]):
        voxels = volume_of(seed)
        facts = scan_facts(voxels, number)
        send(line, begun["ingest"], voxels, facts)
        scans.append(facts)
        rows = [{
            "scan": facts["scan"], "nodule": "N0001", "x_mm": 1.0, "y_mm": 2.0, "z_mm": 3.0, "diameter_mm": 8.0,
            "texture": "solid", "place": "isolated", "malignant": False,
        }]  # fmt: skip
        part = f"{url}/objects/tables/nodules/{facts['subject']}.arrow?subject={facts['subject']}"
        line.request("PUT", part, body=nodule_table(rows))
    line.request("PUT", f"{url}/objects/tables/nodules.json", body=json.dumps(DECLARATION).encode())
    line.request("PUT", f"{url}/objects/report.html", body=REPORT)
    made: dict[str, Any] = line.post(f"{url}/commit", {"scans": scans, "card": {}, "note": "test", "findings": []})
    if signed and made["status"] == "waiting":
        line.home.sign_off(dataset)  # type: ignore[attr-defined]
    return made
