"""A tool reads or writes a volume some times, in a process of its own: `python peers_ingest.py TOOL SRC OUT N`.

Prints CPU seconds of each round, the largest memory, and what the tool made of the source, as one line of JSON.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Work = Callable[[Path, Path], str]
KEY = b"b" * 32
SPACING = {"z": 2.5, "y": 0.75, "x": 0.625}


def main(tool: str, source: Path, out: Path, rounds: int) -> None:
    """Measure one tool."""
    work, spent, made = TOOLS[tool](), [], ""
    for _ in range(rounds):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        before = resource.getrusage(resource.RUSAGE_SELF)
        made = work(source, out)
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # What getrusage tells of the largest memory began with the parent's.
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"cpu_s": spent, "peak_mb": peak, "made": made}))


def _read_series(source: Path) -> tuple[Any, Any]:
    from workbench.ingest.deidentify.profile import load_profile
    from workbench.ingest.gathering import read_series

    profile = load_profile()
    _, (series,) = read_series(source, KEY, profile, lambda *_: None)
    return series, profile


def _workbench() -> Work:
    from workbench.errors import IngestRefused
    from workbench.ingest.series.volumes import Place, make_scan

    def work(source: Path, out: Path) -> str:
        try:
            series, profile = _read_series(source)
        except IngestRefused as refusal:
            return f"refused: {refusal.code}"
        objects, facts = make_scan(series, Place("S0001", "P0001", None), profile)
        _write(objects, out)
        return f"volume {facts['sha256']}"

    return work


def _workbench_reads() -> Work:
    def work(source: Path, out: Path) -> str:
        return f"volume {_read_series(source)[0].read().values.shape}"

    return work


def _workbench_writes() -> Work:
    from workbench.geometry import Geometry
    from workbench.ingest.series.ome_zarr import write_ome_zarr

    def work(source: Path, out: Path) -> str:
        volume = np.load(source)
        grid = Geometry(
            volume.shape, (2.5, 0.75, 0.625), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        )
        objects, levels = write_ome_zarr(volume, grid)
        _write(objects, out)
        return f"{levels} levels"

    return work


def _ome_zarr_py() -> Work:
    from ome_zarr.writer import write_image

    def work(source: Path, out: Path) -> str:
        volume = np.load(source)
        factors = [{"z": 2**level, "y": 2**level, "x": 2**level} for level in range(1, 5)]
        units = dict.fromkeys("zyx", "millimeter")
        write_image(volume, str(out), axes="zyx", scale_factors=factors, scale=SPACING, axes_units=units)
        return f"{len(factors) + 1} levels"

    return work


def _simpleitk() -> Work:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)

    def work(source: Path, out: Path) -> str:
        reader = sitk.ImageSeriesReader()
        (series,) = reader.GetGDCMSeriesIDs(str(source))
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(source), series))
        try:
            return f"volume {sitk.GetArrayFromImage(reader.Execute()).shape}"
        except RuntimeError:
            return "refused: no name"

    return work


def _write(objects: dict[str, bytes], out: Path) -> None:
    for key, content in objects.items():
        (out / key).parent.mkdir(parents=True, exist_ok=True)
        (out / key).write_bytes(content)


TOOLS: dict[str, Callable[[], Work]] = {
    "ours": _workbench, "ours, reading": _workbench_reads, "ours, writing": _workbench_writes,
    "ome-zarr-py": _ome_zarr_py, "SimpleITK": _simpleitk,
}  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
