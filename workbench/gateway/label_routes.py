"""Routes that give the labels of a scan: what there is, and the voxels by zarr key and range.

Runs in: gateway
Source: OME-NGFF 0.5 (image-label) for the keys; RFC 9110 (ranges, conditional requests).
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.gateway.reading_routes import READERS, answer_with_object, asked_version, record


def list_labels(call: Call) -> dict[str, Any]:
    """Give what is told of each label set of a scan, sorted by name; a scan may have none."""
    version, scan = asked_version(call), call.path["scan"]
    labels = call.shown(version).labels(scan)
    record(call, version, f"labels of {scan}", 0)
    return {"version": version, "scan": scan, "labels": labels}


def read_label_key(call: Call) -> Response:
    """Give one zarr key of a label set, or ranges of it."""
    scan, label, key = (call.path[name] for name in ("scan", "label", "key"))
    return answer_with_object(call, scan, f"labels/{label}.zarr/{key}", f"label {label} of {scan}")


_BASE = "/v1/datasets/{dataset}/scans/{scan}/labels"
ROUTES = (
    Route("GET", _BASE, list_labels, READERS, "dataset.read", dataset_in_path),
    Route("GET", _BASE + "/{label}/zarr/{key:path}", read_label_key, READERS, "dataset.read", dataset_in_path),
)
