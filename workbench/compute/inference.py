"""From a CT volume to what a model says of it: marks with boxes in patient mm, or a mask with its volume.

Runs in: anywhere
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute.engines import Runner
from workbench.compute.model_file import OF_PATCHES_MM
from workbench.compute.scan_input import ScanInput
from workbench.errors import InvalidInput, NotFound, cause_of
from workbench.imaging.candidates import find_candidates
from workbench.imaging.extent import spot_diameters_mm
from workbench.imaging.lungs import lung_mask
from workbench.imaging.sections import cut_sections, lay_back
from workbench.imaging.volume import extract_patches

# As many as the task's own patches were cut at.
CANDIDATES = 60
MOST_SLICE_MM = 5.0
MOST_GIVEN = 10_000
FARTHEST_MM = 100_000.0
MARKED_FROM = 0.5
DIGITS_MM, DIGITS_SCORE = 2, 6
PLACES = (("x_mm", "y_mm", "z_mm"), ("coordX", "coordY", "coordZ"))


@dataclass(frozen=True)
class Mark:
    """A place that the model scored.

    Parameters
    ----------
    centre_mm : tuple of 3 float
        Patient position (x, y, z), LPS, mm.
    diameter_mm : float
        Width at half height, mm.
    score : float
        The model's probability, 0…1.
    """

    centre_mm: tuple[float, float, float]
    diameter_mm: float
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values: the place, the box around it and the score, rounded to 0.01 mm and 1e-6."""
        low = [round(place - self.diameter_mm / 2, DIGITS_MM) for place in self.centre_mm]
        high = [round(place + self.diameter_mm / 2, DIGITS_MM) for place in self.centre_mm]
        x_mm, y_mm, z_mm = (round(place, DIGITS_MM) for place in self.centre_mm)
        return {
            "x_mm": x_mm, "y_mm": y_mm, "z_mm": z_mm, "diameter_mm": round(self.diameter_mm, DIGITS_MM),
            "score": round(self.score, DIGITS_SCORE), "box_low_mm": low, "box_high_mm": high,
        }  # fmt: skip


@dataclass(frozen=True)
class Mask:
    """What the model marked.

    Parameters
    ----------
    values : ndarray, uint8, shape (z, y, x)
        1 where the model is surer than not, on the scan's own grid.
    volume_ml : float
        The volume of the marked voxels.
    """

    values: NDArray[np.uint8]
    volume_ml: float


def mark_scan(
    scan: ScanInput, ask: Runner, *, spacing_mm: float = OF_PATCHES_MM, centres_mm: NDArray[Any] | None = None,
    min_score: float = 0.0,
) -> list[Mark]:  # fmt: skip
    """Look for candidates in a scan and give what the model says of each, surest first.

    Parameters
    ----------
    scan : ScanInput
        From `read_scan`.
    ask : callable
        From `open_engine`, of a model for patches.
    spacing_mm : float
        Of a patch's voxels, as the model file says.
    centres_mm : ndarray, shape (n, 3), optional
        Patient positions (x, y, z), LPS, mm, to score instead of looking for candidates.
    min_score : float
        Marks below it are left out, 0…1.

    Raises
    ------
    InvalidInput
        When the slices are too far apart, the scan shows no lungs, or a given place lies outside of it.
    """
    grid = scan.upright.geometry
    if grid.spacing_mm[0] > MOST_SLICE_MM:
        raise InvalidInput(
            f"The slices are {grid.spacing_mm[0]:g} mm apart; a nodule may lie between slices more than "
            f"{MOST_SLICE_MM:g} mm apart, so give a series with thinner ones.", code="thick-slices",
        )  # fmt: skip
    centres = _candidates(scan) if centres_mm is None else _inside(scan, centres_mm)
    if not len(centres):
        return []
    patches = extract_patches(scan.hu, grid.spacing_mm, centres, spacing=spacing_mm)
    scores = ask(patches).astype(np.float64)
    kept = np.flatnonzero(scores >= min_score)
    # Sorted by what is shown, so that equal scores stand in an order that does not depend on their last bits.
    order = kept[np.argsort(-np.round(scores[kept], DIGITS_SCORE), kind="stable")]
    places, widths = grid.to_patient_mm(centres[order]), spot_diameters_mm(scan.hu, grid.spacing_mm, centres[order])
    return [
        Mark((float(x), float(y), float(z)), float(width), float(score))
        for (x, y, z), width, score in zip(places, widths, scores[order], strict=True)
    ]


def mask_scan(scan: ScanInput, ask: Runner) -> Mask:
    """Give what a model for sections marks in a scan.

    Parameters
    ----------
    scan : ScanInput
        From `read_scan`.
    ask : callable
        From `open_engine`, of a model for sections.
    """
    grid = scan.upright.geometry
    said = ask(cut_sections(scan.hu, grid.spacing_mm))
    marked = (lay_back(said, grid.spacing_mm, grid.shape) >= MARKED_FROM).astype(np.uint8)
    volume_ml = float(marked.sum(dtype=np.int64)) * math.prod(grid.spacing_mm) / 1000.0
    return Mask(np.ascontiguousarray(scan.upright.turn_back(marked)), volume_ml)


def read_places(path: Path) -> NDArray[np.float64]:
    """Read positions to score: CSV with the columns x_mm, y_mm, z_mm (or LUNA16's coordX …), or JSON of such rows.

    Returns
    -------
    ndarray, float64, shape (n, 3)
        Patient positions (x, y, z), LPS, mm.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidInput
        When it cannot be read, a column is missing, or a value is no place in a patient.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _json_rows(text) if path.suffix.lower() == ".json" else list(csv.DictReader(io.StringIO(text)))
    except FileNotFoundError:
        raise NotFound(f"There is no file of candidates “{path.name}”; check the path.") from None
    except (OSError, ValueError, csv.Error) as problem:
        raise InvalidInput(f"The candidates cannot be read ({cause_of(problem)}); give CSV or JSON in UTF-8.") from None
    names = next((names for names in PLACES if rows and set(names) <= set(rows[0])), None)
    if names is None or len(rows) > MOST_GIVEN:
        raise InvalidInput(
            f"Candidates are 1 to {MOST_GIVEN:,} rows with the columns x_mm, y_mm and z_mm (patient mm, LPS)."
        )
    try:
        places = np.array([[float(row[name]) for name in names] for row in rows], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        places = np.full((1, 3), np.nan)
    if not (np.abs(places) <= FARTHEST_MM).all():
        raise InvalidInput("A candidate's x_mm, y_mm or z_mm is missing or no place in a patient; mend that row.")
    return places


def _candidates(scan: ScanInput) -> NDArray[np.float64]:
    spacing_mm = scan.upright.geometry.spacing_mm
    found = find_candidates(scan.hu, spacing_mm, max_candidates=CANDIDATES)[:, :3]
    if not len(found) and not lung_mask(scan.hu, spacing_mm).any():
        raise InvalidInput(
            "No lungs are seen in this scan, so nothing was looked for; give a chest CT in HU, or places by "
            "`--candidates FILE`.", code="no-lungs",
        )  # fmt: skip
    return found


def _inside(scan: ScanInput, centres_mm: NDArray[Any]) -> NDArray[np.float64]:
    index = scan.upright.geometry.to_index(centres_mm)
    outside = ((index < -0.5) | (index > np.array(scan.hu.shape) - 0.5)).any(axis=1)
    if outside.any():
        raise InvalidInput(
            f"{int(outside.sum())} of {len(index)} candidates lie outside of the scan; positions are patient mm "
            "(x, y, z) in LPS.", code="outside",
        )  # fmt: skip
    return index


def _json_rows(text: str) -> Sequence[dict[str, Any]]:
    rows = json.loads(text)
    rows = rows.get("marks") if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no list of rows")
    return rows
