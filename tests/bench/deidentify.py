"""De-identifying 300 planted CT slices, beside three tools and two floors: speed, memory, and what each leaves."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "ingest"))
from planted import Needle, Planted, Search, mark_folder, write_canaries, write_planted

SLICES, SIZE = 300, 512
SPEED = "per CPU s"
# Tool: the module that must be installed, and on how many of the slices it is measured, three times: they are slow.
PEERS = {"dicom-anonymizer": ("dicomanonymizer", 40), "dicognito": ("dicognito", 40), "deid": ("deid", 10)}
ROUNDS, PEER_ROUNDS = 5, 3
CHILD = Path(__file__).with_name("peers_deidentify.py")


@dataclass(frozen=True)
class Measured:
    """What one tool did: files per CPU second, memory, planted identifiers and canaries left, actions right."""

    speed: float
    peak_mb: float
    left: int
    canaries_left: int | None
    percent: float


def run() -> list[dict[str, Any]]:
    """Measure every tool on the same files and give the rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        planted = write_planted(folder / "explicit", slices=SLICES, size=SIZE)
        implicit = write_planted(folder / "implicit", slices=SLICES, size=SIZE, syntax="implicit")
        canaries = write_canaries(folder / "canaries")
        ours, slow = measure("ours", planted, canaries), measure("ours", implicit, canaries)
        read_save, copy = measure("pydicom", planted, ()), measure("bytes", planted, ())
        peers = {
            tool: measure(tool, _part(planted, count), canaries, rounds=PEER_ROUNDS)
            for tool, (module, count) in PEERS.items()
            if installed(module)
        }
        count = len({needle.text for needle in planted.needles})
        return [
            _row("files, explicit VR", ours.speed, SPEED, "copying bytes", copy.speed),
            _row("files, explicit VR", ours.speed, SPEED, "pydicom read, save", read_save.speed),
            _row("files, implicit VR", slow.speed, SPEED, "pydicom read, save", read_save.speed),
            _row("peak memory, implicit VR", slow.peak_mb, "MB", "pydicom read, save", read_save.peak_mb),
            _row(f"left of {count}, implicit VR", slow.left, "planted"),
            _row("actions right, implicit VR", slow.percent, "%"),
            *_beside(ours, peers, count, len(canaries)),
            *_burned_in(),
        ]


def measure(tool: str, planted: Planted, canaries: tuple[Needle, ...], *, rounds: int = ROUNDS) -> Measured:
    """Run a tool in a child process and look at what it wrote."""
    out = planted.folder.with_name(f"{planted.folder.name}-{tool}")
    told = _child(tool, planted.folder, out, rounds)
    left = Search(planted.needles).found_below(out, skips_pixels=True)
    percent = mark_folder(planted.answers, out).percent
    shutil.rmtree(out)
    canaries_left = None
    if canaries:
        _child(tool, planted.folder.with_name("canaries"), out, 1)
        canaries_left = len(Search(canaries).found_below(out))
        shutil.rmtree(out)
    speed = len(planted.files) / median(told["cpu_s"])
    return Measured(speed, told["peak_mb"], len({needle.text for needle in left}), canaries_left, percent)


def _part(planted: Planted, count: int) -> Planted:
    """Give the first slices alone, in a folder of their own."""
    folder = planted.folder.with_name(f"{planted.folder.name}-{count}")
    folder.mkdir(exist_ok=True)
    for path in planted.files[:count]:
        (folder / path.name).unlink(missing_ok=True)
        os.link(path, folder / path.name)
    return replace(planted, folder=folder, files=planted.files[:count], answers=planted.answers[:count])


def installed(module: str) -> bool:
    """Whether a peer is there; say so when it is not."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        sys.stderr.write(f"skipped: {module} is not installed (the extra `bench`)\n")
    return found


def _child(tool: str, source: Path, out: Path, rounds: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(CHILD), tool, str(source), str(out), str(rounds)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{tool} stopped: {done.stderr.strip().splitlines()[-1][:300]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def _beside(ours: Measured, peers: dict[str, Measured], planted: int, canaries: int) -> list[dict[str, Any]]:
    rows = []
    for what, unit, value in (
        ("files, explicit VR", SPEED, "speed"), ("peak memory", "MB", "peak_mb"),
        (f"left of {planted}, explicit VR", "planted", "left"), (f"left of {canaries}", "canaries", "canaries_left"),
        ("actions right, explicit VR", "%", "percent"),
    ):  # fmt: skip
        rows += [_row(what, getattr(ours, value), unit, name, getattr(peer, value)) for name, peer in peers.items()]
        if not peers:
            rows.append(_row(what, getattr(ours, value), unit))
    return rows


def _burned_in() -> list[dict[str, Any]]:
    """Measure the search for burned-in text on Presidio's samples, where they are mounted."""
    data = Path(os.environ.get("WORKBENCH_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
    if not (data / "phi-presidio").is_dir() or shutil.which("tesseract") is None:
        sys.stderr.write("skipped: burned-in text (needs tesseract and the data phi-presidio)\n")
        return []
    from workbench.ingest.burned_in.measure import measure_presidio

    found = measure_presidio(data / "phi-presidio")
    return [_row(f"burned-in words covered, of {found.truth}", found.covered, "words")]


def _row(
    subject: str, value: float | None, unit: str, peer: str | None = None, peer_value: float | None = None
) -> dict[str, Any]:
    return {
        "bench": "de-identify", "subject": subject, "value": value, "unit": unit, "peer": peer,
        "peer_value": peer_value, "ratio": value / peer_value if value is not None and peer_value else None,
    }  # fmt: skip
