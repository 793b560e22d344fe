"""Arena, ranges and local files give the same voxels, and reading stops where the right to read does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from homes import SHAPE, Lines, volume_of

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection
from workbench.data import arena
from workbench.data.arena import Batch, arena_line, batches_of, drop_line, read_bytes_through_arena
from workbench.data.block_wire import BLOCK_BYTES, SLOT_BLOCKS
from workbench.data.shard import Chunk
from workbench.data.volume import Volume
from workbench.errors import AccessDenied, IntegrityError
from workbench.governance.sandbox import bwrap_command, sandbox_environment

SignIn = Callable[..., Connection]
WHOLE = tuple((0, n) for n in SHAPE)
CHILD = """
import hashlib, json, os, sys
import workbench as wb
from workbench.data import arena
def digest(voxels): return hashlib.sha256(voxels.tobytes()).hexdigest()
scan = wb.dataset("open-ct").volume("S0001")
first, line = digest(scan.read()), arena.arena_line()
reading, writing = os.pipe()
if os.fork() == 0:
    mine = digest(scan.read())
    said = json.dumps([mine, arena.arena_line() is not None, arena.arena_line() is not line])
    os.write(writing, said.encode())
    os._exit(0)
os.wait()
print(json.dumps([first, line is not None, json.loads(os.read(reading, 500)), digest(scan.read()),
                  arena.arena_line() is line]))
"""


@pytest.fixture
def scan(in_kernel: SignIn) -> Iterator[Volume]:
    """Give a scan as an open kernel reads it."""
    in_kernel()
    yield wb.dataset("open-ct").volume("S0001")
    drop_line()


@pytest.fixture
def over_http(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Give a function after which this process finds the gateway's first socket and not the arena's."""

    def go() -> None:
        drop_line()
        link = tmp_path / "gateway.sock"
        link.symlink_to(os.environ[SOCKET_VARIABLE])
        monkeypatch.setenv(SOCKET_VARIABLE, str(link))
        assert arena_line() is None

    return go


def test_arena_and_ranges_and_voxels_agree(
    scan: Volume, over_http: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    boxes = [sorted(rng.choice(n + 1, 2, replace=False)) for _ in range(12) for n in SHAPE]
    keys = [tuple(slice(*edge) for edge in boxes[at : at + 3]) for at in range(0, len(boxes), 3)]

    def everything() -> list[str]:
        found = [scan.read(), scan.read(1), scan[3], scan.patch((2, 2, 2), 40), *(scan[key] for key in keys)]
        return [hashlib.sha256(part.tobytes()).hexdigest() for part in found]

    assert arena_line() is not None
    assert np.array_equal(scan.read(), volume_of(1))
    through_arena = everything()
    monkeypatch.setattr(arena, "FIRST_BLOCKS", 1)
    monkeypatch.setattr(arena, "BATCH_BLOCKS", 2)
    assert everything() == through_arena, "in many small requests"
    over_http()
    assert everything() == through_arena


def test_scans_are_read_one_after_another_into_the_same_memory(scan: Volume, over_http: Callable[[], None]) -> None:
    own = np.empty(SHAPE, np.int16)
    other = wb.dataset("open-ct").volume("S0002")
    assert other.read(out=own) is own and np.array_equal(own, volume_of(2))
    over_http()
    assert scan.read(out=own) is own and np.array_equal(own, volume_of(1))


def test_bytes_of_a_shard_agree_whatever_the_range(scan: Volume, over_http: Callable[[], None]) -> None:
    url, address = scan.url("0/c/0/0/0"), scan.address(0)
    whole = arena_line().open(address).size  # type: ignore[union-attr]
    data = Connection(Path(os.environ[SOCKET_VARIABLE]), os.environ[TOKEN_VARIABLE]).request("GET", url)[2]
    assert len(data) == whole
    for start, stop in ((0, 1), (BLOCK_BYTES - 1, BLOCK_BYTES + 1), (5, whole), (whole - 3, whole)):
        assert read_bytes_through_arena(address, start, stop) == data[start:stop]
    over_http()
    assert read_bytes_through_arena(address, 0, 1) is None


class Vanishing:
    """A use of bytes during which something happens once."""

    def __init__(self, happen: Callable[[], object]) -> None:
        self.happen, self.seen = happen, 0

    def __call__(self, batch: Batch, view: memoryview) -> None:
        self.seen += 1
        if self.seen == 1:
            before = bytes(view)
            self.happen()
            while bytes(view) == before:
                threading.Event().wait(0.01)


def test_bytes_that_vanish_while_they_are_decoded_are_asked_for_again(scan: Volume, readable: Lines) -> None:
    use = Vanishing(lambda: readable.kernel("reviewer"))
    assert arena.read_through_arena(scan.address(0), [Batch([0], []), Batch([1], [])], use)
    assert use.seen >= 3


def test_revocation_in_the_middle_of_a_chunk_gives_a_refusal_and_no_voxel(readable: Lines, in_kernel: SignIn) -> None:
    in_kernel()
    clinic = wb.dataset("clinic-ct").volume("S0001")
    clinic.read()
    grants = readable.person("custodian").get("/v1/grants")["grants"]
    (grant,) = (one for one in grants if one["person"] == "researcher" and one["dataset"] == "clinic-ct")
    number = grant.get("grant") or grant["id"]
    use = Vanishing(lambda: readable.person("custodian").post(f"/v1/grants/{number}/revoke", {"reason": "a test"}))
    try:
        with pytest.raises(AccessDenied, match="revoked"):
            arena.read_through_arena(clinic.address(0), [Batch([0], [])], use)
        with pytest.raises(AccessDenied, match="revoked"):
            clinic.read()
    finally:
        readable.grant("researcher", "clinic-ct")
    assert np.array_equal(clinic.read(), volume_of(1))


def test_bytes_that_always_vanish_end_in_an_error(scan: Volume, readable: Lines) -> None:
    line = arena_line()
    assert line is not None
    line._is_still = lambda _: False  # type: ignore[method-assign]
    with pytest.raises(IntegrityError, match="again and again"):
        scan.read()


def test_damaged_bytes_that_stayed_are_an_error_and_not_asked_for_again(scan: Volume) -> None:
    seen: list[Batch] = []

    def damaged(batch: Batch, view: memoryview) -> None:
        seen.append(batch)
        raise IntegrityError("does not decode")

    with pytest.raises(IntegrityError, match="does not decode"):
        arena.read_through_arena(scan.address(0), [Batch([0], [])], damaged)
    assert len(seen) == 1


def test_interrupted_reading_leaves_no_answer_for_the_next(scan: Volume) -> None:
    def stop(batch: Batch, view: memoryview) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        arena.read_through_arena(scan.address(0), [Batch([0], []), Batch([1], []), Batch([2], [])], stop)
    assert np.array_equal(scan.read(), volume_of(1))


def test_connection_that_was_lost_is_opened_again(scan: Volume) -> None:
    scan.read()
    lost = arena_line()
    assert lost is not None
    lost._line.close()
    assert np.array_equal(scan.read(), volume_of(1))
    assert arena_line() is not lost


def test_each_thread_reads_by_its_own_connection(scan: Volume) -> None:
    lines, digests = [], []

    def read() -> None:
        digests.append(hashlib.sha256(scan.read().tobytes()).hexdigest())
        lines.append(arena_line())

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(digests) == {hashlib.sha256(volume_of(1).tobytes()).hexdigest()}
    assert None not in lines and len(set(map(id, lines))) == 4


@pytest.mark.usefixtures("bubblewrap")
def test_sandboxed_kernel_and_the_process_it_forks_read_by_connections_of_their_own(
    readable: Lines, in_kernel: SignIn
) -> None:
    token = in_kernel().token
    inside = "/run/workbench"
    command = bwrap_command(
        [sys.executable, "-c", CHILD], read_only={inside: readable.settings.gateway_folder},
        hidden=(readable.settings.home,),
    )  # fmt: skip
    environment = sandbox_environment({SOCKET_VARIABLE: f"{inside}/gateway.sock", TOKEN_VARIABLE: token})
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    wanted = hashlib.sha256(volume_of(1).tobytes()).hexdigest()
    assert json.loads(done.stdout) == [wanted, True, [wanted, True, True], wanted, True]


def chunks(*spans: tuple[int, int]) -> list[Chunk]:
    return [Chunk((0, 0, n), start, stop) for n, (start, stop) in enumerate(spans)]


def test_every_chunk_lies_whole_in_one_request() -> None:
    rng = np.random.default_rng(5)
    edges = np.cumsum(rng.integers(1, 3 * BLOCK_BYTES, 400))
    data = rng.integers(0, 256, int(edges[-1]) + 1, dtype=np.uint8).tobytes()
    wanted = [
        Chunk((0, 0, n), int(a), int(b)) for n, (a, b) in enumerate(zip(edges[:-1], edges[1:], strict=True)) if n % 3
    ]
    for first, most in ((1, 1), (4, 4), (16, 16), (4, 16), (16, 63)):
        seen = {}
        for number, batch in enumerate(batches_of(wanted, first, most) or ()):
            assert list(batch.blocks) == sorted(set(batch.blocks))
            assert len(batch.blocks) <= max(most if number else first, 4)
            room = b"".join(data[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES] for n in batch.blocks)
            seen |= {number: room[start:stop] for number, start, stop in batch.pieces}
        assert seen == {n: data[chunk.start : chunk.stop] for n, chunk in enumerate(wanted)}


@pytest.mark.parametrize(
    "spans", [[(0, SLOT_BLOCKS * BLOCK_BYTES)], [(0, 10), (5, 20)]], ids=["larger than a slot", "overlapping"]
)
def test_what_fits_no_slot_is_read_over_http(spans: Sequence[tuple[int, int]]) -> None:
    assert batches_of(chunks(*spans), 16, 16) is None
    assert arena.read_through_arena(None, None, lambda *_: None) is False  # type: ignore[arg-type]
