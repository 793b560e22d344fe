"""A scan is a zarr group for whoever reads zarr, by the same permission, and cannot be written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr
from homes import SHAPE, volume_of
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection
from workbench.data.arena import drop_line
from workbench.data.volume import Volume
from workbench.data.zarr_store import VolumeStore
from workbench.errors import AccessDenied, InvalidInput

SignIn = Callable[..., Connection]
SHARD = "0/c/0/0/0"


@pytest.fixture
def scan(in_kernel: SignIn) -> Iterator[Volume]:
    in_kernel()
    yield wb.dataset("open-ct").volume("S0001")
    drop_line()


def test_zarr_reads_the_group_its_levels_and_any_part(scan: Volume) -> None:
    group = zarr.open_group(scan.store(), mode="r")
    assert sorted(name for name, _ in group.arrays()) == ["0", "1"]
    image = group["0"]
    assert isinstance(image, zarr.Array) and image.shape == SHAPE
    assert np.array_equal(image[:], volume_of(1))
    assert np.array_equal(image[3:9, 60:, 33:35], scan[3:9, 60:, 33:35])
    assert np.array_equal(np.asarray(group["1"]), scan.read(1))


def test_ranges_are_those_of_the_shard_with_the_arena_and_without(
    scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Connection(Path(os.environ[SOCKET_VARIABLE]), os.environ[TOKEN_VARIABLE]).request("GET", scan.url(SHARD))[2]
    wanted = {
        RangeByteRequest(7, 70_000): data[7:70_000], OffsetByteRequest(len(data) - 5): data[-5:],
        SuffixByteRequest(9): data[-9:], None: data, RangeByteRequest(5, 5): b"",
    }  # fmt: skip

    def found() -> list[bytes]:
        store, make = scan.store(), default_buffer_prototype()
        return [asyncio.run(store.get(SHARD, make, part)).to_bytes() for part in wanted]  # type: ignore[union-attr]

    assert found() == list(wanted.values())
    (tmp_path / "gateway.sock").symlink_to(os.environ[SOCKET_VARIABLE])
    monkeypatch.setenv(SOCKET_VARIABLE, str(tmp_path / "gateway.sock"))
    assert found() == list(wanted.values())


def test_keys_are_listed_and_others_are_not_there(scan: Volume) -> None:
    store = scan.store()

    async def listed() -> list[list[str]]:
        every = [key async for key in store.list()]
        return [every, [key async for key in store.list_prefix("1/")], [key async for key in store.list_dir("0")]]

    every, below, folder = asyncio.run(listed())
    assert every == ["zarr.json", "0/zarr.json", SHARD, "1/zarr.json", "1/c/0/0/0"]
    assert below == ["1/zarr.json", "1/c/0/0/0"] and folder == ["c", "zarr.json"]
    assert asyncio.run(store.exists("1/zarr.json")) and not asyncio.run(store.exists("scan.json"))
    assert asyncio.run(store.get("../../scan.json")) is None


def test_store_cannot_be_written(scan: Volume) -> None:
    store = scan.store()
    for change in (lambda: zarr.create_group(store), lambda: store.with_read_only(False)):
        with pytest.raises((InvalidInput, ValueError)):
            change()
    for action in (store.set("zarr.json", None), store.delete("zarr.json")):  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="cannot be written"):
            asyncio.run(action)


def test_stores_of_one_scan_are_equal(scan: Volume) -> None:
    other = wb.dataset("open-ct").volume("S0002").store()
    assert scan.store() == VolumeStore(scan) and scan.store() != other
    assert len({scan.store(), VolumeStore(scan), other}) == 2
    assert "S0001" in str(scan.store()) and "S0001" in repr(scan.store())


def test_store_gives_nothing_to_whoever_may_not_read(in_kernel: SignIn) -> None:
    in_kernel()
    clinic = wb.dataset("clinic-ct").volume("S0001")
    in_kernel("reviewer")
    with pytest.raises(AccessDenied):
        zarr.open_group(clinic.store(), mode="r")
