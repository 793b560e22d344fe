"""A dataset whose scan has labels, sent in through the real door."""

from __future__ import annotations

import numpy as np
from homes import SHAPE, begin, scan_facts, send, volume_of
from numpy.typing import NDArray

from workbench.connection import Connection
from workbench.geometry import Geometry
from workbench.ingest.labels.encoding import encode_labels
from workbench.ingest.labels.label_set import LabelSet
from workbench.ingest.labels.layers import Piece, Region, make_label_sets

TUMOUR, LUNG = (slice(10, 14), slice(20, 30), slice(40, 55)), (slice(5, 30), slice(10, 60), slice(30, 80))


def label_sets() -> list[LabelSet]:
    """Give two layers: a tumour, and the lung that it lies in."""
    regions = [
        Region(label, None, (Piece(box, np.ones([s.stop - s.start for s in box], dtype=bool)),))
        for label, box in (("Lung_L", LUNG), ("GTV-1", TUMOUR))
    ]
    made = make_label_sets("RTSTRUCT", regions, Geometry(SHAPE, (2.0, 0.7, 0.7), (0, 0, 0)), ["drawn for a test."])
    return [labels.named(f"rtstruct-1{end}") for labels, end in zip(made or (), ("", "-layer-2"), strict=True)]


def mask_of(box: tuple[slice, slice, slice]) -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[box] = True
    return mask


def fill_labelled(line: Connection, dataset: str, tier: str = "open") -> None:
    """Ingest two scans, of which the first has labels."""
    begun = begin(line, dataset, tier)
    url, scans = f"/v1/ingests/{begun['ingest']}", []
    for number in (1, 2):
        voxels = volume_of(number)
        facts = scan_facts(voxels, number)
        send(line, begun["ingest"], voxels, facts)
        scans.append(facts)
    for labels in label_sets():
        for path, data in encode_labels(labels, Geometry.from_dict(scans[0]), "S0001").items():
            line.request("PUT", f"{url}/objects/{path}?subject=P0001", body=data)
    line.request("PUT", f"{url}/objects/report.html", body=b"<p>report</p>")
    line.post(f"{url}/commit", {"scans": scans, "card": {}, "note": "labels", "findings": []})
    if tier == "controlled":
        line.home.sign_off(dataset)  # type: ignore[attr-defined]
