"""Which marks of a detector hit which findings, by the rules of LUNA16.

Runs in: anywhere
Source: Setio et al., Medical Image Analysis 42 (2017) 1-13, section 3.3, and the evaluation script of the LUNA16
challenge (noduleCADEvaluationLUNA16.py), whose rules are restated in `definitions.DEFINITIONS["froc_cpm:v1"]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARKS_PER_SCAN = 100
RADIUS_WITHOUT_DIAMETER_MM = 5.0

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Marks:
    """What a detector says: `scan` (n,) index, `centre_mm` (n, 3) x, y, z, `score` (n,), higher is surer."""

    scan: Ints
    centre_mm: Floats
    score: Floats


@dataclass(frozen=True)
class Findings:
    """What is true: `scan` (n,), `centre_mm` (n, 3) x, y, z, `diameter_mm` (n,), `is_nodule` (n,) or else excluded."""

    scan: Ints
    centre_mm: Floats
    diameter_mm: Floats
    is_nodule: NDArray[np.bool_]


@dataclass(frozen=True)
class Entries:
    """What the curve is drawn from: one entry per found nodule and per false mark.

    `mark` is the index of the mark in what was matched; `nodules` counts the nodules of each scan.
    """

    scan: Ints
    score: Floats
    is_nodule: NDArray[np.bool_]
    mark: Ints
    nodules: Ints
    excluded: int
    repeated: int
    over_limit: int


def match(marks: Marks, findings: Findings, scans: int) -> Entries:
    """Decide for every mark what it is: a hit, a further hit, on an excluded finding, or false.

    Parameters
    ----------
    marks : Marks
        Scores must be finite.
    findings : Findings
        Nodules and excluded findings.
    scans : int
        Number of scans; scan indices lie in 0 … scans - 1.
    """
    kept = _within_limit(marks, scans)
    order = np.argsort(marks.scan[kept], kind="stable")
    kept = kept[order]
    starts = np.searchsorted(marks.scan[kept], np.arange(scans + 1))
    found: list[tuple[int, int]] = []
    false: list[Ints] = []
    excluded = repeated = 0
    by_scan = np.argsort(findings.scan, kind="stable")
    bounds = np.searchsorted(findings.scan[by_scan], np.arange(scans + 1))
    for scan in range(scans):
        here = kept[starts[scan] : starts[scan + 1]]
        if here.size == 0:
            continue
        true = by_scan[bounds[scan] : bounds[scan + 1]]
        hits = _hits(marks.centre_mm[here], findings.centre_mm[true], findings.diameter_mm[true])
        nodule_hits = hits[:, findings.is_nodule[true]]
        # A mark inside two nodules counts for both, as in the script of the challenge.
        for column in nodule_hits.T[nodule_hits.any(axis=0)]:
            inside = here[column]
            found.append((scan, int(inside[np.argmax(marks.score[inside])])))
            repeated += len(inside) - 1
        on_nodule, on_any = nodule_hits.any(axis=1), hits.any(axis=1)
        excluded += int((on_any & ~on_nodule).sum())
        false.append(here[~on_any])
    false_marks = np.concatenate(false) if false else np.zeros(0, dtype=np.int64)
    hit = np.array(found, dtype=np.int64).reshape(-1, 2)
    mark = np.concatenate([hit[:, 1], false_marks])
    return Entries(
        scan=np.concatenate([hit[:, 0], marks.scan[false_marks]]),
        score=marks.score[mark],
        is_nodule=np.arange(len(mark)) < len(hit),
        mark=mark,
        nodules=np.bincount(findings.scan[findings.is_nodule], minlength=scans).astype(np.int64),
        excluded=excluded, repeated=repeated, over_limit=len(marks.scan) - len(kept),
    )  # fmt: skip


def _hits(centre_mm: Floats, finding_mm: Floats, diameter_mm: Floats) -> NDArray[np.bool_]:
    """Tell which marks (rows) lie strictly inside which findings (columns)."""
    radius = np.where(diameter_mm > 0, diameter_mm / 2.0, RADIUS_WITHOUT_DIAMETER_MM)
    apart = finding_mm[None, :, :] - centre_mm[:, None, :]
    squares = apart * apart
    # Added in the order x, y, z: a mark on the border must round as in the script of the challenge.
    hits: NDArray[np.bool_] = (squares[..., 0] + squares[..., 1]) + squares[..., 2] < (radius * radius)[None, :]
    return hits


def _within_limit(marks: Marks, scans: int) -> Ints:
    """Give the indices of the marks that count: of more than 100 in a scan, those strictly above the 101st."""
    count = np.bincount(marks.scan, minlength=scans)
    keep = np.ones(len(marks.scan), dtype=bool)
    for scan in np.flatnonzero(count > MARKS_PER_SCAN):
        here = np.flatnonzero(marks.scan == scan)
        scores = marks.score[here]
        keep[here] = scores > np.sort(scores)[::-1][MARKS_PER_SCAN]
    return np.flatnonzero(keep).astype(np.int64)
