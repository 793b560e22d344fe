"""Whatever form a slice has, it is given to whom the view belongs, while the grant lives, and it is on record."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from homes import Lines, lines_of
from label_homes import fill_labelled

from workbench.connection import Connection, running_gateway
from workbench.data.shard import Shard, read_layout
from workbench.errors import AccessDenied, NotFound
from workbench.gateway import slices
from workbench.gateway.slice_query import SliceQuery
from workbench.gateway.slices import SliceReader
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.settings import Settings, load_settings

GRID = quote(json.dumps({"shape": [4, 9, 9], "spacing_mm": [2, 2, 2], "origin_mm": [0, 25, 40]}))
FORMS = (
    "slices/axial/3", "slices/coronal/3?level=1", "slices/sagittal/3?slab_mm=9&mode=mip", f"slices/axial/3?grid={GRID}",
    f"slices/axial/3?grid={GRID}&slab_mm=5", "slices/axial/3?pack=1", "labels/rtstruct-1/slices/axial/3",
    f"labels/rtstruct-1/slices/coronal/3?grid={GRID}", "labels/rtstruct-1/slices/axial/3?level=1&pack=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give lines to a gateway whose controlled `clinic-ct` has a scan with labels; the researcher holds a grant."""
    settings = load_settings(tmp_path_factory.mktemp("rights") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill_labelled(lines.person("custodian"), "clinic-ct", "controlled")
        lines.grant("researcher", "clinic-ct")
        yield lines


def open_view(kernel: Connection) -> str:
    return "/v1/views/" + str(kernel.post("/v1/views", {"dataset": "clinic-ct", "scan": "S0001"})["view"])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_slice_is_its_persons_alone(clinic: Lines, form: str) -> None:
    kernel = clinic.kernel()
    url = f"{open_view(kernel)}/{form}"
    etag = clinic.person("researcher").request("GET", url)[1]["etag"]
    assert kernel.request("GET", url)[0] == 200
    for line in (clinic.person("custodian"), clinic.kernel("reviewer"), clinic.kernel("researcher")):
        with pytest.raises(NotFound, match="not yours"):
            line.request("GET", url, headers={"If-None-Match": etag})


def test_every_form_of_a_slice_ends_with_the_grant_and_the_browsers_copy_with_it(gateway: Settings) -> None:
    with lines_of(gateway) as lines:
        fill_labelled(lines.person("custodian"), "clinic-ct", "controlled")
        grant = lines.grant("researcher", "clinic-ct")["grant"]
        kernel, person = lines.kernel(), lines.person("researcher")
        view = open_view(kernel)
        etags = {form: person.request("GET", f"{view}/{form}")[1]["etag"] for form in FORMS}
        assert person.request("GET", f"{view}/{FORMS[0]}", headers={"If-None-Match": etags[FORMS[0]]})[0] == 304
        lines.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "withdrawn"})
        for form, etag in etags.items():
            with pytest.raises(AccessDenied, match="revoked"):
                person.request("GET", f"{view}/{form}", headers={"If-None-Match": etag})


def test_what_was_seen_is_on_record_with_the_labels_named(clinic: Lines) -> None:
    kernel = clinic.kernel()
    view = open_view(kernel)
    for form in FORMS:
        kernel.request("GET", f"{view}/{form}")
    events = clinic.person("custodian").get("/v1/audit?limit=500&action=dataset.read")["events"]
    mine = [event["details"] for event in events if event["details"].get("token") == kernel.kernel]  # type: ignore[attr-defined]
    assert {one["scan"] for one in mine} == {"S0001", "label rtstruct-1 of S0001"}
    # The first of each is on record at once, the others are counted each second.
    assert sum(one["reads"] for one in mine) >= 2


class Held:
    """One scan in memory, in place of a version in the vault, which counts what is read of it."""

    dataset, version = "held-ct", "1"

    def __init__(self, voxels: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        self.grid = Geometry(voxels.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
        keys, _ = write_ome_zarr(voxels, self.grid)
        self.data = keys["0/c/0/0/0"]
        layout = read_layout(json.loads(keys["0/zarr.json"]))
        self.index = Shard(layout, self.data[-layout.index_bytes :])
        self.read = 0

    def shard(self, scan: str, labels: str = "", level: int = 0) -> tuple[None, Shard]:
        return None, self.index

    def geometry(self, scan: str) -> Geometry:
        return self.grid

    def read_span(self, entry: None, start: int, stop: int) -> bytes:
        self.read += stop - start
        return self.data[start:stop]


@pytest.fixture(scope="module")
def held() -> Held:
    """Give a scan of 50 MB."""
    return Held(np.random.default_rng(1).integers(-1000, -980, (96, 512, 512)).astype(np.int16))


def ask(reader: SliceReader, held: Held, query: SliceQuery, **more: Any) -> np.ndarray[Any, np.dtype[np.int16]]:
    return reader.read(held, "S0001", query, **more)  # type: ignore[arg-type]


def test_a_slab_stops_when_its_reader_may_read_no_more(held: Held) -> None:
    reader, held.read = SliceReader(), 0
    asked: list[int] = []

    def still() -> None:
        asked.append(held.read)
        if len(asked) == 3:
            raise AccessDenied("Your grant was revoked.")

    with pytest.raises(AccessDenied, match="revoked"):
        ask(reader, held, SliceQuery("axial", 48, 0, 96.0, "mip"), still=still)
    assert asked[0] == 0 and held.read == asked[2] < len(held.data) / 2


@pytest.mark.parametrize("mode", ["mean", "mip", "minip"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_slab_of_the_whole_volume_never_lies_in_memory(held: Held, plane: str, mode: str) -> None:
    reader = SliceReader(memory_bytes=1024 * 1024)
    tracemalloc.start()
    ask(reader, held, SliceQuery(plane, 48, 0, 2500.0, mode))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A band is 8 MB as chunks and again as an array; the volume is 50 MB.
    assert peak < 30 * 1024 * 1024


def test_chunks_that_are_remembered_stay_below_their_limit(held: Held) -> None:
    reader = SliceReader(memory_bytes=4 * 1024 * 1024)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for index in range(0, 512, 40):
        ask(reader, held, SliceQuery("sagittal", index))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 5 * 1024 * 1024


def test_the_next_slice_of_the_same_chunks_is_read_from_memory(held: Held) -> None:
    reader, held.read = SliceReader(), 0
    ask(reader, held, SliceQuery("axial", 32))
    once = held.read
    for index in range(33, 64):
        ask(reader, held, SliceQuery("axial", index))
    assert held.read == once > 0
    ask(reader, held, SliceQuery("axial", 64))
    assert held.read > once


@pytest.mark.parametrize("most_voxels", [1, 40_000, 4 * 1024 * 1024])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_the_bands_of_a_slice_fit_together(plane: str, most_voxels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    voxels = np.random.default_rng(2).integers(-1000, 1000, (70, 45, 101)).astype(np.int16)
    monkeypatch.setattr(slices, "MOST_VOXELS", most_voxels)
    axis = ("axial", "coronal", "sagittal").index(plane)
    for index in (0, 31, 32, 44):
        made = ask(SliceReader(), Held(voxels), SliceQuery(plane, index))
        assert np.array_equal(made, voxels.take(index, axis=axis))
    made = ask(SliceReader(), Held(voxels), SliceQuery(plane, 30, 0, 20.0, "minip"))
    assert np.array_equal(made, voxels.take(range(20, 41), axis=axis).min(axis=axis))
