"""A governed home of small phantoms for the tests and the bench of `workbench preprocess`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.imaging.phantom import make_phantom
from workbench.ingest.series.ome_zarr import write_ome_zarr

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import REPORT, Lines, begin, lines_of

__all__ = ["Lines", "fill_scans", "lines_of", "small_phantoms"]

Scan = tuple[NDArray[np.int16], Geometry]


def small_phantoms(count: int) -> list[Scan]:
    """Give phantoms of size 96, each another one: two seeds, turned over."""
    made = [make_phantom(seed, size=96) for seed in range(min(count, 2))]
    scans = []
    for number in range(count):
        one, turn = made[number % 2], number // 2
        voxels = one.hu[:, :, :: (-1 if turn % 2 else 1)]
        voxels = np.roll(voxels, turn // 2, axis=2)
        scans.append((np.ascontiguousarray(voxels), one.geometry))
    return scans


def fill_scans(
    lines: Lines,
    dataset: str,
    scans: Sequence[Scan],
    *,
    damaged: Sequence[int] = (),
    modality: dict[int, str] | None = None,
) -> None:
    """Publish scans S0001, S0002 … as a controlled dataset; `damaged` ones have a chunk that does not decode."""
    line = lines.person("custodian")
    ingest = begin(line, dataset)["ingest"]
    url, told = f"/v1/ingests/{ingest}", []
    for number, (voxels, grid) in enumerate(scans, 1):
        scan, subject = f"S{number:04d}", f"P{number:04d}"
        objects, levels = write_ome_zarr(voxels, grid)
        if number in damaged:
            content = bytearray(objects["0/c/0/0/0"])
            content[:64] = b"\xff" * 64
            objects["0/c/0/0/0"] = bytes(content)
        for key, data in objects.items():
            line.request("PUT", f"{url}/objects/scans/{scan}/image.zarr/{key}?subject={subject}", body=data)
        told.append({
            "scan": scan, "subject": subject, "split": "train" if number % 2 else "validation",
            "modality": (modality or {}).get(number, "CT"), **grid.as_dict(), "sha256": "0" * 64, "levels": levels,
            "window": [-600, 1500], "series_uid": f"2.25.{number}", "subject_pseudonym": f"pseudonym-{number}",
        })  # fmt: skip
    line.request("PUT", f"{url}/objects/report.html", body=REPORT)
    line.post(f"{url}/commit", {"scans": told, "card": {}, "note": "test", "findings": []})
    lines.sign_off(dataset)
