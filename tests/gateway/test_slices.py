"""Slabs, levels, other grids and labels of a view are what the volume holds there, and hostile queries are told so."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from homes import SHAPE, lines_of, volume_of
from label_homes import LUNG, TUMOUR, fill_labelled, mask_of
from numpy.typing import NDArray

from workbench.connection import Connection, running_gateway
from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.ingest.series.ome_zarr import halve
from workbench.settings import load_settings

AXES = {"axial": 0, "coronal": 1, "sagittal": 2}
SPACING, ORIGIN = (2.0, 0.7, 0.7), (-10.0, 20.0, 30.0)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Give a kernel's line to a gateway whose scan S0001 has labels; the line knows its view."""
    settings = load_settings(tmp_path_factory.mktemp("slices") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill_labelled(lines.operator(), "labelled-ct")
        line = lines.kernel()
        line.view = line.post("/v1/views", {"dataset": "labelled-ct", "scan": "S0001"})["view"]  # type: ignore[attr-defined]
        yield line


def ask(line: Connection, end: str, dtype: str = "<i2", **query: object) -> NDArray[Any]:
    text = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
    url = f"/v1/views/{line.view}/{end}" + ("?" + text if text else "")  # type: ignore[attr-defined]
    _, headers, body = line.request("GET", url)
    shape = tuple(int(n) for n in headers["x-shape"].split(","))
    return np.frombuffer(body, dtype).reshape(shape)


def grid(shape: tuple[object, ...], spacing_mm: tuple[float, ...], origin_mm: tuple[float, ...], **more: object) -> str:
    return json.dumps({"shape": shape, "spacing_mm": spacing_mm, "origin_mm": origin_mm, **more})


@cache
def voxels() -> NDArray[np.int16]:
    return volume_of(1)


# 8.4 mm holds the slices within 4.2 mm: 2 on each side at 2 mm, 6 at 0.7 mm (to the edge itself).
@pytest.mark.parametrize(("plane", "index", "reach"), [("axial", 20, 2), ("coronal", 33, 6), ("sagittal", 50, 6)])
@pytest.mark.parametrize("mode", ["mean", "mip", "minip"])
def test_a_slab_projects_the_slices_within_half_of_it(
    kernel: Connection, plane: str, index: int, reach: int, mode: str
) -> None:
    stack = np.take(voxels(), range(index - reach, index + reach + 1), AXES[plane]).astype(int)
    stack = np.moveaxis(stack, AXES[plane], 0)
    expected = {"mean": np.floor(stack.mean(axis=0) + 0.5), "mip": stack.max(axis=0), "minip": stack.min(axis=0)}[mode]
    assert np.array_equal(ask(kernel, f"slices/{plane}/{index}", slab_mm=8.4, mode=mode), expected)


@pytest.mark.parametrize(("index", "first", "last"), [(0, 0, 3), (39, 37, 40)])
def test_a_slab_ends_where_the_volume_ends(kernel: Connection, index: int, first: int, last: int) -> None:
    assert np.array_equal(ask(kernel, f"slices/axial/{index}", slab_mm=9, mode="mip"), voxels()[first:last].max(axis=0))


@pytest.mark.parametrize("plane", AXES)
def test_a_slab_may_hold_the_whole_volume(kernel: Connection, plane: str) -> None:
    expected = voxels().max(axis=AXES[plane])
    assert np.array_equal(ask(kernel, f"slices/{plane}/11", slab_mm=2500, mode="mip"), expected)


@pytest.mark.parametrize("plane", AXES)
def test_a_level_is_counted_in_its_own_slices(kernel: Connection, plane: str) -> None:
    coarse = halve(voxels())
    assert np.array_equal(ask(kernel, f"slices/{plane}/19", level=1), np.take(coarse, 19, AXES[plane]))
    with pytest.raises(NotFound, match=f"level 1 of this scan go from 0 to {coarse.shape[AXES[plane]] - 1}"):
        ask(kernel, f"slices/{plane}/{coarse.shape[AXES[plane]]}", level=1)


def test_a_slab_of_a_level_is_as_thick_in_the_patient(kernel: Connection) -> None:
    # 9 mm holds one 4 mm slice on each side.
    expected = halve(voxels())[4:7].max(axis=0)
    assert np.array_equal(ask(kernel, "slices/axial/5", level=1, slab_mm=9, mode="mip"), expected)


@pytest.mark.parametrize("plane", AXES)
def test_on_its_own_grid_a_scan_is_itself(kernel: Connection, plane: str) -> None:
    own = grid(SHAPE, SPACING, ORIGIN, direction=[1, 0, 0, 0, 1, 0, 0, 0, 1])
    assert np.array_equal(ask(kernel, f"slices/{plane}/7", grid=own), np.take(voxels(), 7, AXES[plane]))


def test_another_grid_is_interpolated_and_has_nothing_outside(kernel: Connection) -> None:
    # Columns at x index 10, 10.5, … of the scan, rows at y index -1, 0, 1; z halfway between slices 4 and 5.
    other = grid((1, 3, 4), (1, 0.7, 0.35), (-10 + 7.0, 20 - 0.7, 30 + 9.0))
    made = ask(kernel, "slices/axial/0", grid=other)
    pair = voxels()[4:6].astype(float).mean(axis=0)
    row = [pair[0, 10], pair[0, 10:12].mean(), pair[0, 11], pair[0, 11:13].mean()]
    assert made[0].tolist() == [-32768] * 4
    assert made[1] == pytest.approx(row, abs=0.51)


def test_a_slab_on_another_grid_counts_its_slices(kernel: Connection) -> None:
    # 1 mm slices of the other grid; within 2 mm of the third: five, of which each second lies on a slice of the scan.
    other = grid((5, 70, 100), (1.0, 0.7, 0.7), (-10, 20, 30 + 20.0))
    between = [ask(kernel, f"slices/axial/{n}", grid=other) for n in range(5)]
    assert np.array_equal(between[0], voxels()[10]) and np.array_equal(between[4], voxels()[12])
    assert np.array_equal(ask(kernel, "slices/axial/2", grid=other, slab_mm=4, mode="mip"), np.max(between, axis=0))


def test_a_coarse_level_lies_in_the_same_place_on_another_grid(kernel: Connection) -> None:
    # The centre of coarse voxel (5, 6, 7) lies at index (10.5, 12.5, 14.5) of the scan.
    at = (-10 + 14.5 * 0.7, 20 + 12.5 * 0.7, 30 + 10.5 * 2)
    assert ask(kernel, "slices/axial/0", level=1, grid=grid((1, 1, 1), (4, 1.4, 1.4), at)) == halve(voxels())[5, 6, 7]


@pytest.mark.parametrize("plane", AXES)
def test_a_packed_slice_is_the_same_slice(kernel: Connection, plane: str) -> None:
    url = f"/v1/views/{kernel.view}/slices/{plane}/9?pack=1"  # type: ignore[attr-defined]
    _, headers, body = kernel.request("GET", url)
    assert (headers["content-encoding"], headers["x-packed"]) == ("deflate", "delta-zigzag-shuffle")
    low, high = np.frombuffer(zlib.decompress(body), np.uint8).reshape(2, -1).astype(int)
    folded = (low + 256 * high).reshape([int(n) for n in headers["x-shape"].split(",")])
    steps = np.where(folded % 2, -(folded + 1) // 2, folded // 2)
    assert np.array_equal(np.cumsum(steps, axis=1).astype(np.uint16).view(np.int16), np.take(voxels(), 9, AXES[plane]))


@pytest.mark.parametrize("plane", AXES)
def test_labels_come_as_slices_of_the_scan(kernel: Connection, plane: str) -> None:
    expected = np.zeros(SHAPE, dtype=np.uint16)
    found = [ask(kernel, f"labels/{name}/slices/{plane}/12", "<u2") for name in ("rtstruct-1", "rtstruct-1-layer-2")]
    for made in found:
        assert made.shape == np.take(expected, 12, AXES[plane]).shape
    marked = [np.take(mask_of(box), 12, AXES[plane]) for box in (LUNG, TUMOUR)]
    # A later region of a layer lies on top; a voxel is marked in one of the layers where any region is.
    assert np.array_equal((found[0] > 0) | (found[1] > 0), marked[0] | marked[1])


def test_labels_on_another_grid_are_the_nearest_and_nothing_outside(kernel: Connection) -> None:
    fine = grid((1, 140, 200), (1.0, 0.35, 0.35), (-10 - 0.175, 20 - 0.175, 30 + 24.9))
    plain = ask(kernel, "labels/rtstruct-1/slices/axial/12", "<u2")
    made = ask(kernel, "labels/rtstruct-1/slices/axial/0", "<u2", grid=fine)
    assert np.array_equal(made, plain.repeat(2, axis=0).repeat(2, axis=1)) and plain.any()
    far = grid((1, 4, 4), (1, 1, 1), (500, 500, 500))
    assert not ask(kernel, "labels/rtstruct-1/slices/axial/0", "<u2", grid=far).any()


def test_labels_may_be_asked_for_at_a_level(kernel: Connection) -> None:
    coarse = ask(kernel, "labels/rtstruct-1/slices/axial/6", "<u2", level=1)
    # Level 1 keeps the first of each pair of voxels.
    assert np.array_equal(coarse, ask(kernel, "labels/rtstruct-1/slices/axial/12", "<u2")[::2, ::2]) and coarse.any()


def test_each_query_has_its_own_etag_and_is_not_sent_again(kernel: Connection) -> None:
    own = quote(grid(SHAPE, SPACING, ORIGIN))
    ends = ["slices/axial/3", "slices/axial/4", "slices/coronal/3", "labels/rtstruct-1/slices/axial/3"]
    queries = [
        "",
        "level=1",
        "slab_mm=5",
        "slab_mm=6",
        "slab_mm=5&mode=mip",
        "pack=1",
        f"grid={own}",
        f"grid={own}&level=1",
    ]
    urls = [f"/v1/views/{kernel.view}/{ends[0]}?{query}" for query in queries]  # type: ignore[attr-defined]
    urls += [f"/v1/views/{kernel.view}/{end}" for end in ends[1:]]  # type: ignore[attr-defined]
    etags = [kernel.request("GET", url)[1]["etag"] for url in urls]
    assert len(set(etags)) == len(urls)
    for url, etag in zip(urls, etags, strict=True):
        status, headers, body = kernel.request("GET", url, headers={"If-None-Match": etag})
        assert (status, headers["etag"], body) == (304, etag, b"")
        assert kernel.request("GET", url, headers={"If-None-Match": '"another"'})[0] == 200


def test_one_slice_has_one_name_whatever_the_mode_of_a_slab(kernel: Connection) -> None:
    url = f"/v1/views/{kernel.view}/slices/axial/3"  # type: ignore[attr-defined]
    etags = {kernel.request("GET", url + end)[1]["etag"] for end in ("", "?mode=mip", "?slab_mm=0&mode=minip&level=0")}
    assert len(etags) == 1


HOSTILE = (
    ("level=99", NotFound, "no level 99"), ("level=-1", NotFound, "whole number"),
    ("level=1.5", NotFound, "whole number"),
    ("level=٣", NotFound, "whole number"), ("level=9999999999999999999", NotFound, "whole number"),
    ("slab_mm=1e9", InvalidInput, "2500 mm"), ("slab_mm=-1", InvalidInput, "thickness"),
    ("slab_mm=nan", InvalidInput, "thickness"), ("slab_mm=inf", InvalidInput, "thickness"),
    ("slab_mm=1_0", InvalidInput, "thickness"), ("slab_mm=", InvalidInput, "thickness"),
    ("slab_mm=" + "1" * 400, InvalidInput, "thickness"), ("slab_mm=5&mode=median", InvalidInput, "mean, mip, minip"),
    ("pack=2", InvalidInput, "pack"), ("pack=yes", InvalidInput, "pack"),
)  # fmt: skip


@pytest.mark.parametrize(("query", "kind", "sentence"), HOSTILE, ids=[one[0][:24] for one in HOSTILE])
def test_a_hostile_query_is_told_what_is_wrong(
    kernel: Connection, query: str, kind: type[WorkbenchError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as refused:
        kernel.request("GET", f"/v1/views/{kernel.view}/slices/axial/3?{quote(query, safe='=&')}")  # type: ignore[attr-defined]
    assert len(refused.value.message) < 300


GRIDS = {
    "broken": ("{", "not JSON"), "list": ("[1]", "no object"),
    "deep": ("[" * 1200, "not JSON"), "empty": ("{}", "shape"),
    "nan": (grid((1, 2, 2), (1, float("nan"), 1), ORIGIN), "spacing_mm"),
    "infinite": (grid((1, 2, 2), SPACING, (0, 0, float("inf"))), "origin_mm"),
    "zero spacing": (grid((1, 2, 2), (1, 0, 1), ORIGIN), "spacing_mm"),
    "no voxels": (grid((0, 2, 2), SPACING, ORIGIN), "shape"),
    "part of a voxel": (grid((4, 2.5, 2), SPACING, ORIGIN), "whole"),
    "text": (grid(("9", "9", "9"), SPACING, ORIGIN), "shape"),
    "flags": (grid((True, True, True), SPACING, ORIGIN), "shape"),
    "two numbers": (grid((4, 4), SPACING, ORIGIN), "3 numbers"),
    "a thousand digits": (grid((4, 10**1000, 4), SPACING, ORIGIN), "shape"),
    "a billion pixels": (grid((4, 32000, 32000), (1, 0.01, 0.01), ORIGIN), "32000 × 32000 pixels"),
    "flat": (grid((4, 4, 4), SPACING, ORIGIN, direction=[0] * 9), "rotation"),
    "sheared": (grid((4, 4, 4), SPACING, ORIGIN, direction=[1, 0.5, 0, 0, 1, 0, 0, 0, 1]), "rotation"),
    "short direction": (grid((4, 4, 4), SPACING, ORIGIN, direction=[1, 0, 0]), "9 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", GRIDS)
def test_a_hostile_grid_is_told_what_is_wrong(kernel: Connection, name: str) -> None:
    text, sentence = GRIDS[name]
    with pytest.raises(InvalidInput, match=sentence) as refused:
        ask(kernel, "slices/axial/3", grid=text)
    assert len(refused.value.message) < 300


def test_a_slab_of_too_many_voxels_on_another_grid_is_refused(kernel: Connection) -> None:
    huge = grid((60_000, 1024, 1024), (0.001, 0.7, 0.7), ORIGIN)
    with pytest.raises(InvalidInput, match="thinner one or a coarser grid"):
        ask(kernel, "slices/axial/30000", grid=huge, slab_mm=50)


def test_there_is_no_slice_beyond_another_grid(kernel: Connection) -> None:
    with pytest.raises(NotFound, match="from 0 to 3; there is no slice 4"):
        ask(kernel, "slices/axial/4", grid=grid((4, 4, 4), SPACING, ORIGIN))


@pytest.mark.parametrize("name", ["unknown", "..", "%2e%2e", "rtstruct-1.zarr", "../S0002/labels/x", "rtstruct-1%00"])
def test_labels_that_are_not_there_are_not_found(kernel: Connection, name: str) -> None:
    with pytest.raises((NotFound, InvalidInput)):
        kernel.request("GET", f"/v1/views/{kernel.view}/labels/{name}/slices/axial/3")  # type: ignore[attr-defined]


def test_a_slab_of_labels_is_refused(kernel: Connection) -> None:
    with pytest.raises(InvalidInput, match="mix regions"):
        ask(kernel, "labels/rtstruct-1/slices/axial/3", slab_mm=5)
