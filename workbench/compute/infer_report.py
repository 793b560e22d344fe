"""What `workbench infer` answers: one JSON value, or the lines that a person reads.

Runs in: anywhere
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute.engines import open_engine
from workbench.compute.inference import CANDIDATES, Mask, mark_scan, mask_scan
from workbench.compute.model_file import ModelFile, read_model
from workbench.compute.scan_input import ScanInput, governed_scan
from workbench.errors import InvalidInput, cause_of
from workbench.imaging.nifti import write_nifti

FORM = "workbench-infer-1"
COORDINATES = "patient mm, LPS: x to the left, y to posterior, z to superior"
RESEARCH = "For research; no decision about a patient may rest on it."
# LUNA16 leaves out scans with thicker slices, since small nodules are missed in them.
LUNA_SLICE_MM = 2.5
SHOWN = 10


@dataclass(frozen=True)
class Ask:
    """How a scan is asked about.

    Parameters
    ----------
    engine, device : str
        As `open_engine` takes them.
    threads : int
        0 for as many as there are cores.
    centres_mm : ndarray, shape (n, 3), optional
        Places to score, patient mm (x, y, z), LPS; candidates are looked for when left out.
    min_score : float
        Marks below it are left out, 0…1.
    is_timed : bool
        Whether the answer says how long each part took; without, equal runs give equal bytes.
    """

    engine: str = "onnxruntime"
    device: str = "cpu"
    threads: int = 0
    centres_mm: NDArray[np.float64] | None = None
    min_score: float = 0.0
    is_timed: bool = True


def infer(model: ModelFile, read: Callable[[], ScanInput], ask: Ask, out: Path | None = None) -> dict[str, Any]:
    """Read a scan, run a model over it, and give the answer as plain JSON values.

    Parameters
    ----------
    model : ModelFile
        From `read_model`.
    read : callable
        Gives the scan.
    ask : Ask
    out : Path, optional
        Where the answer goes as JSON, or the mask of a model for sections as NIfTI.

    Returns
    -------
    dict
        `form, model, engine, device, scan, coordinates, notes`, and `marks` or `mask`; units end the names.

    Raises
    ------
    InvalidInput
        When the scan does not suit the model, or an option is out of range.
    """
    if not 0.0 <= ask.min_score <= 1.0:
        raise InvalidInput(f"--min-score is a probability from 0 to 1, not {ask.min_score:g}.")
    check_out(model, out)
    if ask.centres_mm is not None and model.form != "patches":
        raise InvalidInput("This model marks every voxel, so it takes no candidates; leave out --candidates.")
    begun = time.perf_counter()
    runner = open_engine(model, ask.engine, threads=ask.threads, device=ask.device)
    opened = time.perf_counter()
    scan = read()
    have = time.perf_counter()
    told: dict[str, Any]
    if model.form == "patches":
        marks = mark_scan(scan, runner, spacing_mm=model.spacing_mm, centres_mm=ask.centres_mm, min_score=ask.min_score)
        looked_at = CANDIDATES if ask.centres_mm is None else len(ask.centres_mm)
        told = {"most_candidates": looked_at, "min_score": ask.min_score, "marks": [mark.as_dict() for mark in marks]}
    else:
        mask = mask_scan(scan, runner)
        told = {"mask": _mask_row(mask, scan, out)}
    answer = {
        "form": FORM, "model": _model_row(model), "engine": ask.engine, "device": ask.device,
        "scan": scan.geometry.as_dict(), "coordinates": COORDINATES, **told, "notes": _notes(model, scan, told),
    }  # fmt: skip
    if ask.is_timed:
        done = time.perf_counter()
        spans = {"open_model_s": opened - begun, "read_scan_s": have - opened, "answer_s": done - have}
        answer["timing"] = {name: round(span, 3) for name, span in spans.items()}
    if out is not None and model.form == "patches":
        _write(out, f"{json.dumps(answer, ensure_ascii=False, allow_nan=False)}\n".encode())
    return answer


def check_out(model: ModelFile, out: Path | None) -> None:
    """Refuse a name of the output file that does not fit what the model gives."""
    endings = (".json",) if model.form == "patches" else (".nii", ".nii.gz")
    if out is not None and not out.name.lower().endswith(endings):
        what = "marks, so its output" if model.form == "patches" else "a mask, so its output"
        raise InvalidInput(f"This model gives {what} is a file that ends in {' or '.join(endings)}.")


def infer_governed(
    model: str, dataset: str, scan: str, out: str = "", centres_mm: list[list[float]] | None = None,
    **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Answer about a scan of the home from inside a kernel or a job; `workbench infer MODEL DATASET/SCAN` runs it.

    Parameters
    ----------
    model, out : str
        Files of the workspace; `out` may be empty.
    dataset, scan : str
        Whose grant is that of this kernel or job.
    centres_mm : list of list of float, optional
        Places to score, patient mm (x, y, z), LPS.
    **options
        As `Ask` takes them.

    Returns
    -------
    dict
        As `infer` gives it.
    """
    places = None if centres_mm is None else np.array(centres_mm, dtype=np.float64).reshape(-1, 3)
    ask = Ask(**options, centres_mm=places)
    return infer(read_model(model), lambda: governed_scan(dataset, scan), ask, Path(out) if out else None)


def as_text(answer: dict[str, Any]) -> str:
    """Give the answer as lines for a person."""
    told = answer["model"]
    size = " × ".join(map(str, answer["scan"]["shape"]))
    spacing = " × ".join(f"{step:g}" for step in answer["scan"]["spacing_mm"])
    lines = [f"{told['task']} by {answer['engine']} on {answer['device']}: {size} voxels of {spacing} mm"]
    if "mask" in answer:
        row = answer["mask"]
        lines.append(f"marked: {row['volume_ml']:.2f} ml in {row['voxels']:,} voxels")
    else:
        marks = answer["marks"]
        lines.append(f"{len(marks)} marks of score {answer['min_score']:g} or more" + (":" if marks else ""))
        lines += [
            f"  {mark['score']:.3f}  x {mark['x_mm']:8.1f}  y {mark['y_mm']:8.1f}  z {mark['z_mm']:8.1f} mm (LPS)"
            f"  Ø {mark['diameter_mm']:.1f} mm"
            for mark in marks[:SHOWN]
        ]
        lines += [f"  and {len(marks) - SHOWN} more; --json gives all"] if len(marks) > SHOWN else []
    lines += [f"note: {note}" for note in answer["notes"]]
    if "timing" in answer:
        lines.append(", ".join(f"{name[:-2].replace('_', ' ')} {span:g} s" for name, span in answer["timing"].items()))
    return "\n".join(lines)


def _model_row(model: ModelFile) -> dict[str, Any]:
    return {
        "task": model.task, "form": model.form, "data": model.data, "seed": model.seed,
        "fingerprint": model.fingerprint, "sha256": model.sha256,
    }  # fmt: skip


def _mask_row(mask: Mask, scan: ScanInput, out: Path | None) -> dict[str, Any]:
    if out is not None:
        _write(out, write_nifti(mask.values, scan.geometry, packed=out.name.lower().endswith(".gz")))
    return {
        "volume_ml": round(mask.volume_ml, 3), "voxels": int(mask.values.sum(dtype=np.int64)),
        "file": out.name if out is not None else None,
    }  # fmt: skip


def _write(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as problem:
        raise InvalidInput(
            f"The output “{out.name}” cannot be written: {cause_of(problem)}; choose another place."
        ) from None


def _notes(model: ModelFile, scan: ScanInput, told: dict[str, Any]) -> list[str]:
    notes, step = [RESEARCH], scan.upright.geometry.spacing_mm[0]
    if model.form == "patches" and step > LUNA_SLICE_MM:
        notes.append(f"Slices {step:g} mm apart: above {LUNA_SLICE_MM:g} mm small nodules may be missed.")
    if told.get("marks") == []:
        notes.append("Lungs were seen and no place in them was marked.")
    return notes
