"""Routes that give the labels of a scan: what there is, and the voxels by zarr key and range.

Runs in: gateway
Source: OME-NGFF 0.5 (image-label) for the keys; RFC 9110 (ranges, conditional requests).
"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.responses import Response

from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.gateway.reading_routes import READERS, answer_with_object, asked_version, record

# Of a label set's facts, `scans/S0001/labels/rtstruct-1.json`; its zarr keys lie deeper.
_FACTS = re.compile(r"scans/[^/]+/labels/[^/]+\.json")


def list_labels(call: Call) -> dict[str, Any]:
    """Give what is told of each label set of a scan, sorted by name; a scan may have none."""
    version, archive = asked_version(call), call.state.archive
    scan = archive.scan(call.dataset, version, call.path["scan"])["scan"]
    entries = archive.manifest(call.dataset, version).under(f"scans/{scan}/labels/")
    paths = [entry.path for entry in entries if _FACTS.fullmatch(entry.path)]
    labels = [json.loads(archive.read(call.dataset, version, path)) for path in paths]
    record(call, version, f"labels of {scan}", 0)
    return {"version": version, "scan": scan, "labels": sorted(labels, key=lambda facts: str(facts["name"]))}


def read_label_key(call: Call) -> Response:
    """Give one zarr key of a label set, or ranges of it."""
    scan, label, key = (call.path[name] for name in ("scan", "label", "key"))
    return answer_with_object(call, f"scans/{scan}/labels/{label}.zarr/{key}", f"label {label} of {scan}")


_BASE = "/v1/datasets/{dataset}/scans/{scan}/labels"
ROUTES = (
    Route("GET", _BASE, list_labels, READERS, "dataset.read", dataset_in_path),
    Route("GET", _BASE + "/{label}/zarr/{key:path}", read_label_key, READERS, "dataset.read", dataset_in_path),
)
