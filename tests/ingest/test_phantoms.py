"""The embedded data go through the same door as any patient, and every machine gets the same versions."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zarr
from pydicom import dcmread
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from workbench.connection import Connection, operator_secret, sign_in
from workbench.errors import AccessDenied, Conflict, InvalidInput
from workbench.imaging.phantom import make_phantom
from workbench.ingest.phantoms import ingest_phantoms, write_phantoms
from workbench.ingest.pipeline import ingest_folder

PLAN = [("train", 3), ("validation", 4), ("public_test", 5)]
VERSIONS: set[tuple[str, str]] = set()
SIZE = 96


def bring_in(gateway: Any, **options: Any) -> Any:
    line = Connection(gateway.socket, operator_secret(gateway))
    try:
        return ingest_phantoms(line, plan=PLAN, size=SIZE, **options)
    finally:
        line.close()


@pytest.fixture(params=[1, 2])
def filled(gateway: Any, request: Any) -> Any:
    learn, test = bring_in(gateway, processes=request.param)
    VERSIONS.add((learn.version, test.version))
    return gateway, (learn, test)


@pytest.mark.parametrize("filled", [2], indirect=True)
def test_phantoms_are_split_between_an_open_and_an_undisclosed_dataset(filled: Any) -> None:
    gateway, (learn, test) = filled
    assert [(one["scan"], one["subject"], one["split"]) for one in learn.series] == [
        ("S0001", "P0001", "train"),
        ("S0002", "P0002", "validation"),
    ]
    assert [one["split"] for one in test.series] == ["public_test"]
    line = sign_in(gateway, "researcher")
    assert line.get("/v1/datasets/chest-ct")["tier"] == "open"
    with pytest.raises(AccessDenied):
        line.get("/v1/datasets/chest-ct-test/scans")
    # Bringing the same phantoms in again makes nothing and says which versions are there.
    again, _ = bring_in(gateway)
    assert again.version == learn.version and again.series == ()
    line.close()


def test_every_home_gets_the_voxels_and_nodules_that_were_made(filled: Any) -> None:
    assert len(VERSIONS) == 1  # every home, with one process or two
    line, phantom = sign_in(filled[0], "researcher"), make_phantom(3, size=SIZE)
    keys = ["zarr.json", "0/zarr.json", "0/c/0/0/0"]
    base, prototype = "/v1/datasets/chest-ct/scans/S0001/zarr/", default_buffer_prototype()
    store = MemoryStore({key: prototype.buffer.from_bytes(line.request("GET", base + key)[2]) for key in keys})
    group: Any = zarr.open_group(store, mode="r")
    np.testing.assert_array_equal(group["0"][...], phantom.hu)
    table = pa.ipc.open_stream(line.request("GET", "/v1/datasets/chest-ct/tables/nodules")[2]).read_all()
    rows = [row for row in table.to_pylist() if row["scan"] == "S0001"]
    assert [(row["x_mm"], row["y_mm"], row["z_mm"]) for row in rows] == [n.centre_mm for n in phantom.nodules]
    assert [row["malignant"] for row in rows] == [n.malignant for n in phantom.nodules]
    scan = line.get("/v1/datasets/chest-ct/scans")["scans"][0]
    assert scan["origin_mm"] == pytest.approx(phantom.geometry.origin_mm, abs=1e-9)
    assert scan["spacing_mm"] == pytest.approx(phantom.geometry.spacing_mm, abs=1e-9)
    line.close()


@pytest.mark.parametrize("filled", [2], indirect=True)
def test_the_lungs_come_as_labels_on_the_grid_of_their_scan(filled: Any) -> None:
    line, phantom = sign_in(filled[0], "researcher"), make_phantom(3, size=SIZE)
    (facts,) = line.get("/v1/datasets/chest-ct/scans/S0001/labels")["labels"]
    assert [(one["value"], one["label"], one["code"]["value"]) for one in facts["segments"]] == [
        (1, "Right lung", "3341006"), (2, "Left lung", "44029006"),
    ]  # fmt: skip
    assert [one["voxels"] for one in facts["segments"]] == [int((phantom.lungs == side).sum()) for side in (1, 2)]
    assert facts["sha256"] == hashlib.sha256(phantom.lungs.tobytes()).hexdigest()
    with pytest.raises(AccessDenied):
        line.get("/v1/datasets/chest-ct-test/scans/S0001/labels")
    line.close()


def test_only_phantoms_of_the_owner_may_be_open(gateway: Any, draw_series: Any) -> None:
    line = sign_in(gateway, "custodian")
    with pytest.raises(AccessDenied, match="controlled"):
        ingest_folder(line, draw_series().folder, "clinic-ct", tier="open", phantoms=True)
    line.close()


def test_written_phantoms_come_with_their_annotations(tmp_path: Path) -> None:
    written = write_phantoms(tmp_path / "out", count=2, seed=6, size=SIZE)
    rows = list(csv.reader((tmp_path / "out" / "annotations.csv").read_text().splitlines()))
    assert rows[0] == ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"]
    assert len(rows) == 1 + sum(one["nodules"] for one in written["series"])
    expected = []
    for seed in (6, 7):
        file = next((tmp_path / "out" / f"phantom-{seed:05d}").iterdir())
        uid = str(dcmread(file).SeriesInstanceUID)
        expected += [[uid, *map(str, (*n.centre_mm, n.diameter_mm))] for n in make_phantom(seed, size=SIZE).nodules]
    assert rows[1:] == expected
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        "annotations.csv", "phantom-00006", "phantom-00007",
    ]  # fmt: skip


def test_phantoms_never_overwrite_a_series(tmp_path: Path) -> None:
    write_phantoms(tmp_path, count=1, seed=6, size=SIZE)
    with pytest.raises(Conflict, match="there already"):
        write_phantoms(tmp_path, count=1, seed=6, size=SIZE)


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_an_absurd_count_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(InvalidInput):
        write_phantoms(tmp_path, count=count, seed=0)
