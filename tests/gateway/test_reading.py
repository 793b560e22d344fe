"""Bytes by key and range, tables and slices, as the standards say and as they were ingested."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from homes import SHAPE, Lines, volume_of

from workbench.errors import NotFound, RangeNotSatisfiable
from workbench.gateway.ranges import read_ranges
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import write_ome_zarr

SHARD = "/v1/datasets/open-ct/scans/S0001/zarr/0/c/0/0/0"


@pytest.fixture(scope="module")
def shard() -> bytes:
    grid = Geometry(SHAPE, (2.0, 0.7, 0.7), (-10.0, 20.0, 30.0))
    return write_ome_zarr(volume_of(1), grid)[0]["0/c/0/0/0"]


def test_whole_key_is_what_was_ingested(shared: Lines, shard: bytes) -> None:
    status, headers, body = shared.kernel().request("GET", SHARD)
    assert (status, body, headers["accept-ranges"]) == (200, shard, "bytes")


@pytest.mark.parametrize(("spec", "start", "stop"), [
    ("bytes=0-0", 0, 1), ("bytes=10-99", 10, 100), ("bytes=65530-65550", 65530, 65551), ("bytes=-7", -7, None),
    ("bytes=100-", 100, None), ("bytes=-999999999", 0, None), ("bytes=5-99999999999", 5, None), ("BYTES=3-4", 3, 5),
])  # fmt: skip
def test_a_range_is_that_part(shared: Lines, shard: bytes, spec: str, start: int, stop: int | None) -> None:
    status, headers, body = shared.kernel().request("GET", SHARD, headers={"Range": spec})
    assert (status, body) == (206, shard[start:stop])
    first = start % len(shard)
    assert headers["content-range"] == f"bytes {first}-{first + len(body) - 1}/{len(shard)}"


def test_several_ranges_come_as_parts_of_one_answer(shared: Lines, shard: bytes) -> None:
    _, headers, body = shared.kernel().request("GET", SHARD, headers={"Range": "bytes=0-9, 100-70000,-5"})
    boundary = headers["content-type"].partition("boundary=")[2].encode()
    parts = [part.partition(b"\r\n\r\n") for part in body.split(b"\r\n--" + boundary)[1:-1]]
    assert [part[2] for part in parts] == [shard[:10], shard[100:70001], shard[-5:]]
    assert parts[0][0].strip() == f"Content-Range: bytes 0-9/{len(shard)}".encode()


def test_head_tells_the_size_and_sends_nothing(shared: Lines, shard: bytes) -> None:
    status, headers, body = shared.kernel().request("HEAD", SHARD)
    assert (status, int(headers["content-length"]), body) == (200, len(shard), b"")


def test_unchanged_key_is_not_sent_again(shared: Lines) -> None:
    line = shared.kernel()
    etag = line.request("GET", SHARD)[1]["etag"]
    status, headers, body = line.request("GET", SHARD, headers={"If-None-Match": f'"other", {etag}'})
    assert (status, headers["etag"], body) == (304, etag, b"")


def test_if_range_with_another_etag_gives_everything(shared: Lines, shard: bytes) -> None:
    status, _, body = shared.kernel().request("GET", SHARD, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (status, body) == (200, shard)


def test_other_versions_and_scans_are_not_found(shared: Lines) -> None:
    line = shared.kernel()
    for path in (f"{SHARD}?version={'0' * 64}", SHARD.replace("S0001", "S0009"), "/v1/datasets/open-ct/tables/card"):
        with pytest.raises(NotFound):
            line.request("GET", path)


def test_table_is_an_arrow_stream(shared: Lines) -> None:
    _, headers, body = shared.kernel().request("GET", "/v1/datasets/open-ct/tables/scans")
    table = pa.ipc.open_stream(pa.BufferReader(body)).read_all()
    assert headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert table["scan"].to_pylist() == ["S0001", "S0002"]


def test_scans_are_told_by_split_and_without_pseudonyms(shared: Lines) -> None:
    line = shared.kernel()
    scans = line.get("/v1/datasets/open-ct/scans?split=train")["scans"]
    assert [scan["shape"] for scan in scans] == [list(SHAPE)] * 2
    assert "pseudonym" not in str(scans)
    assert line.get("/v1/datasets/open-ct/scans?split=validation")["scans"] == []


def test_table_zarr_and_slices_agree(shared: Lines) -> None:
    line, voxels = shared.kernel(), volume_of(1)
    facts = line.get("/v1/datasets/open-ct/scans")["scans"][0]
    row = pa.ipc.open_stream(line.request("GET", "/v1/datasets/open-ct/tables/scans")[2]).read_all().to_pylist()[0]
    assert (row["slices"], row["rows"], row["columns"]) == tuple(facts["shape"]) == SHAPE
    assert row["sha256"] == facts["sha256"]
    view = line.post("/v1/views", {"dataset": "open-ct", "scan": "S0001"})
    for plane, axis in (("axial", 0), ("coronal", 1), ("sagittal", 2)):
        for index in (0, 33, SHAPE[axis] - 1):
            _, headers, body = line.request("GET", f"/v1/views/{view['view']}/slices/{plane}/{index}")
            shape = tuple(int(n) for n in headers["x-shape"].split(","))
            assert np.array_equal(np.frombuffer(body, "<i2").reshape(shape), np.take(voxels, index, axis))


def test_slice_is_not_sent_again_and_outside_there_is_none(shared: Lines) -> None:
    line = shared.kernel()
    url = "/v1/views/" + line.post("/v1/views", {"dataset": "open-ct", "scan": "S0001"})["view"] + "/slices"
    etag = line.request("GET", f"{url}/axial/3")[1]["etag"]
    assert line.request("GET", f"{url}/axial/3", headers={"If-None-Match": etag})[0] == 304
    for end in ("axial/40", "axial/99999999999", "axial/x", "oblique/3"):
        with pytest.raises(NotFound):
            line.request("GET", f"{url}/{end}")


def test_ranges_are_read_as_rfc_9110_counts_them() -> None:
    assert read_ranges(None, 10) is None
    assert read_ranges("bytes=0-0,-1", 10) == [(0, 1), (9, 10)]
    with pytest.raises(RangeNotSatisfiable):
        read_ranges("bytes=0-", 0)
