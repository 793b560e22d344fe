"""300 CT slices to OME-Zarr, beside ome-zarr-py and SimpleITK; and which bad series each of them refuses."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "ingest"))
from planted.file_bytes import Wrapping, encode
from planted.mint import Mint
from planted.objects import draw
from planted.series import make_person
from pydicom.dataset import Dataset
from read_volume import chest_like

SHAPE, BAD_SHAPE = (300, 512, 512), (12, 64, 64)
ROUNDS, PEER_ROUNDS = 5, 3
CHILD = Path(__file__).with_name("peers_ingest.py")
PLAIN = Wrapping(b"\0" * 128, "WARD", "", "V1", "")
STEP_MM, LOW_MM = 2.5, -310.25


def run() -> list[dict[str, Any]]:
    """Measure, and give the rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        volume = chest_like(SHAPE)
        write_series(folder / "series", volume)
        np.save(folder / "volume.npy", volume)
        ours = measure("ours", folder / "series")
        reads, writes = measure("ours, reading", folder / "series"), measure("ours, writing", folder / "volume.npy")
        itk = measure("SimpleITK", folder / "series", rounds=PEER_ROUNDS)
        peer = measure("ome-zarr-py", folder / "volume.npy", rounds=PEER_ROUNDS)
        both = {key: itk[key] + peer[key] for key in ("cpu_s", "peak_mb")} if itk and peer else {}
        return [
            _row("300 slices to OME-Zarr", "CPU s", "cpu_s", ours, "SimpleITK + ome-zarr-py", both),
            _row("reading and checking them", "CPU s", "cpu_s", reads, "SimpleITK", itk),
            _row("writing the pyramid", "CPU s", "cpu_s", writes, "ome-zarr-py", peer),
            _row("300 slices to OME-Zarr, peak", "MB", "peak_mb", ours, "ome-zarr-py", peer),
            _row("reading them, peak", "MB", "peak_mb", reads, "SimpleITK", itk),
            *_bad_series(folder),
        ]


def measure(tool: str, source: Path, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Run a tool in a child process; nothing where it is not installed."""
    module = {"SimpleITK": "SimpleITK", "ome-zarr-py": "ome_zarr"}.get(tool, "workbench")
    if importlib.util.find_spec(module) is None:
        sys.stderr.write(f"skipped: {module} is not installed (the extras `ingest` and `bench`)\n")
        return {}
    done = subprocess.run(
        [sys.executable, str(CHILD), tool, str(source), str(source.parent / "out"), str(rounds)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{tool} stopped: {done.stderr.strip().splitlines()[-1][:300]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**told, "cpu_s": median(told["cpu_s"])}


def write_series(folder: Path, volume: NDArray[np.int16], change: Callable[[Dataset, int], None] | None = None) -> None:
    """Write a volume as CT slices; `change` spoils single ones."""
    folder.mkdir()
    uids = make_person(Mint(300)).uids("ct")
    for number, plane in enumerate(volume, 1):
        one = draw("ct", number, uids, volume.shape[1])
        one.PatientID, one.PatientName = "MRN-551990372", "Okonkwo^Adaeze"
        one.PixelData = (plane.astype(np.int32) + 1024).clip(0, 4095).astype("<u2").tobytes()
        if change is not None:
            change(one, number)
        (folder / f"IM{number:04d}").write_bytes(encode(one, "explicit", PLAIN))


def _at(one: Dataset, y_mm: float, z_mm: float) -> None:
    one.ImagePositionPatient = [-160.5, round(y_mm, 4), round(z_mm, 4)]


def _missing(one: Dataset, number: int) -> None:
    _at(one, -171.25, LOW_MM + STEP_MM * (number + (number > 6)))


def _duplicate(one: Dataset, number: int) -> None:
    _at(one, -171.25, LOW_MM + STEP_MM * (number - (number > 6)))


def _tilt(one: Dataset, number: int) -> None:
    _at(one, -171.25 + STEP_MM * number * np.tan(np.radians(15)), LOW_MM + STEP_MM * number)


def _localizer(one: Dataset, number: int) -> None:
    if number == 1:
        one.ImageType, one.ImageOrientationPatient = ["ORIGINAL", "PRIMARY", "LOCALIZER"], [0, 1, 0, 0, 0, -1]


def _uneven(one: Dataset, number: int) -> None:
    _at(one, -171.25, LOW_MM + STEP_MM * number + 0.4 * (number % 2))


BAD = {
    "a missing slice": _missing, "a duplicate slice": _duplicate, "a tilt of 15°": _tilt,
    "a localizer mixed in": _localizer, "uneven spacing": _uneven,
}  # fmt: skip


def _bad_series(folder: Path) -> list[dict[str, Any]]:
    """Tell which bad series are refused by name (1), or made into a volume without a word (0)."""
    rows = []
    volume = chest_like(BAD_SHAPE)
    for number, (what, change) in enumerate(BAD.items()):
        source = folder / f"bad{number}"
        write_series(source, volume, change)
        told = [measure(tool, source, rounds=1) for tool in ("ours", "SimpleITK")]
        refused = [{"refused": int(one["made"].startswith("refused: "))} if one else {} for one in told]
        sys.stderr.write(f"{what}: {', '.join(one.get('made', 'not installed') for one in told)}\n")
        rows.append(_row(f"refuses {what}", "yes = 1", "refused", refused[0], "SimpleITK", refused[1]))
    return rows


def _row(subject: str, unit: str, what: str, ours: dict[str, Any], peer: str, theirs: dict[str, Any]) -> dict[str, Any]:
    value, other = ours[what], theirs.get(what)
    return {
        "bench": "ingest", "subject": subject, "value": value, "unit": unit, "peer": peer if theirs else None,
        "peer_value": other, "ratio": value / other if other else None,
    }  # fmt: skip
