"""Labels are told and read as the scans they lie on: by key and range, for whoever may read the dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from homes import Lines, lines_of
from label_homes import fill_labelled, label_sets

from workbench.connection import running_gateway
from workbench.errors import AccessDenied, NotFound
from workbench.geometry import Geometry
from workbench.ingest.labels.encoding import encode_labels
from workbench.settings import load_settings

LABELS = "/v1/datasets/labelled-ct/scans/S0001/labels"
SHARD = f"{LABELS}/rtstruct-1/zarr/0/c/0/0/0"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    settings = load_settings(tmp_path_factory.mktemp("labelled") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill_labelled(lines.operator(), "labelled-ct")
        fill_labelled(lines.person("custodian"), "clinic-ct", "controlled")
        yield lines


@pytest.fixture(scope="module")
def shard() -> bytes:
    grid = Geometry((40, 70, 100), (2.0, 0.7, 0.7), (-10.0, 20.0, 30.0))
    return encode_labels(label_sets()[0], grid, "S0001")["scans/S0001/labels/rtstruct-1.zarr/0/c/0/0/0"]


def test_labels_of_a_scan_are_told(labelled: Lines) -> None:
    told = labelled.kernel().get(LABELS)
    assert told["scan"] == "S0001"
    assert [one["name"] for one in told["labels"]] == ["rtstruct-1", "rtstruct-1-layer-2"]
    (tumour,) = told["labels"][0]["segments"]
    # 4 × 10 × 15 voxels of 2 × 0.7 × 0.7 mm
    assert (tumour["label"], tumour["voxels"], tumour["volume_ml"]) == ("GTV-1", 600, 0.588)


def test_scan_without_labels_has_an_empty_list(labelled: Lines) -> None:
    assert labelled.kernel().get(LABELS.replace("S0001", "S0002"))["labels"] == []
    with pytest.raises(NotFound):
        labelled.kernel().get(LABELS.replace("S0001", "S0009"))


def test_keys_and_ranges_are_what_was_sent(labelled: Lines, shard: bytes) -> None:
    line = labelled.kernel()
    assert line.request("GET", SHARD)[2] == shard
    assert line.request("GET", SHARD, headers={"Range": "bytes=7-19"})[2] == shard[7:20]
    status, headers, body = line.request("HEAD", SHARD)
    assert (status, int(headers["content-length"]), body) == (200, len(shard), b"")
    assert json.loads(line.request("GET", f"{LABELS}/rtstruct-1/zarr/0/zarr.json")[2])["data_type"] == "uint8"


@pytest.mark.parametrize(
    "end", ["nothing/zarr/zarr.json", "rtstruct-1/zarr/9/zarr.json", "rtstruct-1.zarr/x", "rtstruct-1"]
)
def test_what_is_not_there_is_not_found(labelled: Lines, end: str) -> None:
    with pytest.raises(NotFound):
        labelled.kernel().request("GET", f"{LABELS}/{end}")


def test_labels_of_controlled_data_need_a_grant(labelled: Lines) -> None:
    clinic = LABELS.replace("labelled-ct", "clinic-ct")
    for path in (clinic, f"{clinic}/rtstruct-1/zarr/0/c/0/0/0"):
        with pytest.raises(AccessDenied):
            labelled.kernel("reviewer").request("GET", path)
    labelled.grant("researcher", "clinic-ct")
    assert len(labelled.kernel("researcher").get(clinic)["labels"]) == 2


def test_reading_labels_is_on_record(labelled: Lines) -> None:
    line = labelled.kernel("teacher")
    line.request("GET", SHARD)
    line.get(LABELS)
    events = labelled.person("custodian").get("/v1/audit?limit=500")["events"]
    told = {event["details"].get("scan") for event in events if event["actor"] == "teacher"}
    assert {"label rtstruct-1 of S0001", "labels of S0001"} <= told
