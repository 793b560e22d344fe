"""What ingest sends is searched as a reader would read it, and honest objects pass."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydicom import dcmread

from tests.ingest.verify.conftest import Cleaned
from workbench.ingest.silence import silent_pydicom
from workbench.ingest.verify.findings import Finding
from workbench.ingest.verify.identity import SourceIdentity
from workbench.ingest.verify.objects import check_objects

HONEST = {
    "scans/S0001/image.zarr/zarr.json": json.dumps(
        {"shape": [107, 512, 512], "zarr_format": 3, "attributes": {"ome": {"axes": [{"name": "z"}]}}}
    ).encode(),
    "card.json": json.dumps(
        {"title": "Chest CT of adults", "modality": "CT", "bodyPart": "CHEST", "origin_mm": [-250.112, -171.25, 12.04]}
    ).encode(),
    "report.html": b"<html><style>.head{color:red}</style><h1>Ingest of 4 files</h1><p>CHEST, 2019-06-01</p></html>",
}  # fmt: skip


def from_path(one: Cleaned) -> SourceIdentity:
    identity = SourceIdentity()
    for path in one.source.iterdir():
        identity.add(path)
    return identity


def from_dataset(one: Cleaned) -> SourceIdentity:
    identity = SourceIdentity()
    with silent_pydicom():
        for path in one.source.iterdir():
            identity.add(dcmread(path, stop_before_pixels=True))
    return identity


def table(**columns: list[object]) -> bytes:
    made = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, made.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(made)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("collect", [from_path, from_dataset])
def test_honest_objects_pass(honest: Cleaned, collect: type) -> None:
    voxels = np.random.default_rng(1).integers(-1024, 3071, 200_000).astype("<i2").tobytes()
    objects = {**HONEST, "scans/S0001/image.zarr/0/c/0": voxels, "tables/nodules.arrow": table(x=[1.5], scan=["S0001"])}
    assert check_objects(collect(honest), objects) == []


@pytest.mark.parametrize("collect", [from_path, from_dataset])
@pytest.mark.parametrize(
    "text",
    ["Okonkwo", "adaeze okonkwo", "MRN-5550199", "born 12.04.1961", "on 2019-05-23", "ACC77120455", "Gr\u00fcber",
     "Rosenweg 3, 10115 Berlin", "Lindenallee Chest Clinic", "+49 (30) 5550199", "SN-48213-77"],
)  # fmt: skip
def test_a_source_value_in_json_is_found(honest: Cleaned, collect: type, text: str) -> None:
    data = json.dumps({"note": f"scan of {text}."}).encode()
    assert check_objects(collect(honest), {"a.json": data}) == [Finding("a.json", "content", "source-value")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tables/t.arrow", table(who=["Okonkwo, Adaeze"])),
        ("tables/Okonkwo.arrow", table(x=[1])),
        ("tables/t.arrow", table(Okonkwo=[1])),
        ("report.html", b"<p>Gr&uuml;ber</p>"),
        ("report.html", b"<img alt='Okonkwo'>"),
        ("notes.txt.gz", gzip.compress(b"seen by Okonkwo", mtime=0)),
        ("scans/S0001/image.zarr/0/c/0", b"\0" * 999 + b"Okonkwo^Adaeze" + b"\0" * 999),
        ("scans/S0001/image.zarr/0/c/0", b"\0" * 998 + "Okonkwo^Adaeze".encode("utf-16-le") + b"\0" * 999),
    ],
)
def test_a_source_value_is_found_in_every_kind_of_object(honest: Cleaned, name: str, data: bytes) -> None:
    assert [one.rule for one in check_objects(from_path(honest), {name: data})] == ["source-value"]


def test_a_source_uid_is_told_apart(honest: Cleaned) -> None:
    found = check_objects(from_path(honest), {"a.json": b'{"uid": "1.2.826.0.1.3680043.8.498.7"}'})
    assert [one.rule for one in found] == ["uid-source"]


def test_expected_values_pass(honest: Cleaned) -> None:
    data = b'{"day": "2019-05-23"}'
    assert check_objects(from_path(honest), {"a.json": data}, expected=["2019-05-23"]) == []


def test_further_checks_add_their_findings(honest: Cleaned, tmp_path: Path) -> None:
    small = Finding("t.arrow", "content", "small-group")
    assert check_objects(from_path(honest), {"t.arrow": table(x=[1])}, checks=[lambda name, data: [small]]) == [small]
