"""FROC and CPM as LUNA16 defines them, exact in whole numbers, with a bootstrap over scans.

Runs in: anywhere
Source: Setio et al., Medical Image Analysis 42 (2017) 1-13, section 3.3, and the evaluation script of the LUNA16
challenge (noduleCADEvaluationLUNA16.py), whose rules are restated in `metrics.DEFINITIONS["froc_cpm:v1"]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import Measured, percentile_interval
from workbench.errors import InvalidInput

# False positives per scan at which sensitivity is read, in eighths, so that they stay whole numbers.
POINTS_EIGHTHS = np.array([1, 2, 4, 8, 16, 32, 64], dtype=np.int64)
FALSE_POSITIVES_PER_SCAN = tuple(float(n) / 8.0 for n in POINTS_EIGHTHS)
MARKS_PER_SCAN = 100
RADIUS_WITHOUT_DIAMETER_MM = 5.0
BLOCK = 32  # resamples weighted at once: 32 × 60,000 marks of int32 stay near the processor's cache

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


@dataclass(frozen=True)
class Ranked:
    """Entries from the highest score down; `last` holds the place of the last entry of each distinct score."""

    scan: Ints
    is_nodule: NDArray[np.bool_]
    last: Ints


def rank(entries: Entries, false_marks: float = np.inf) -> Ranked:
    """Order the entries, down to the score at which this many false marks are passed."""
    order = np.argsort(-entries.score, kind="stable")
    score, is_nodule = entries.score[order], entries.is_nodule[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, dtype=np.int64)
    passed = np.cumsum(~is_nodule)[last] > false_marks
    last = last[: int(np.argmax(passed)) + 1] if passed.any() else last
    end = int(last[-1]) + 1 if len(last) else 0
    return Ranked(entries.scan[order][:end], is_nodule[:end], last)


def curves(ranked: Ranked, weights: Ints) -> tuple[Ints, Ints]:
    """Count false and true marks at each distinct score, for each weighting of the scans.

    Parameters
    ----------
    ranked : Ranked
        From `rank`.
    weights : ndarray, integer, shape (resamples, scans)
        How often each scan counts.

    Returns
    -------
    false, true : ndarray, int64, shape (resamples, distinct scores + 1)
        Cumulative counts, from the highest score down, each beginning with 0.
    """
    weight = weights[:, ranked.scan]
    start = np.zeros((len(weights), 1), dtype=np.int64)
    every = np.cumsum(weight, axis=1, dtype=weights.dtype)[:, ranked.last]
    true = np.cumsum(weight * ranked.is_nodule, axis=1, dtype=weights.dtype)[:, ranked.last]
    return np.hstack([start, every - true]), np.hstack([start, true])


def sensitivities(false: Ints, true: Ints, nodules: Ints, scans: int) -> Floats:
    """Read the sensitivity at the seven operating points, shape (resamples, 7).

    Between two points of the curve it runs straight; at a step the upper end counts; beyond the end it stays.
    """
    target = POINTS_EIGHTHS * scans  # in eighths of a mark
    at = np.stack([np.searchsorted(row, target // 8, side="right") - 1 for row in false])
    after = np.minimum(at + 1, false.shape[1] - 1)
    false_0, false_1 = (np.take_along_axis(false, index, axis=1) for index in (at, after))
    true_0, true_1 = (np.take_along_axis(true, index, axis=1) for index in (at, after))
    width = np.maximum(8 * (false_1 - false_0), 1)  # 0 only at the end of the curve, where true_1 equals true_0
    numerator = true_0 * width + (target - 8 * false_0) * (true_1 - true_0)
    result: Floats = numerator / (width * nodules[:, None])
    return result


def resample(scans: int, count: int, seed: int) -> Ints:
    """Draw how often each scan counts in each resample, shape (count, scans).

    The stream of NumPy's legacy generator is frozen (NEP 19), so a seed gives the same resamples in every version,
    and the same ones as the script of the challenge after `numpy.random.seed(seed)`.
    """
    generator = np.random.RandomState(seed)
    weights = np.empty((count, scans), dtype=np.int64)
    for row in weights:
        row[:] = np.bincount(generator.randint(scans, size=scans), minlength=scans)
    return weights


def bootstrap_sensitivities(entries: Entries, scans: int, count: int, seed: int) -> Floats:
    """Give the seven sensitivities of each resample that holds a nodule, shape (≤ count, 7)."""
    weights = resample(scans, count, seed)
    nodules = weights @ entries.nodules
    weights, nodules = weights[nodules > 0].astype(np.int32), nodules[nodules > 0]
    # Nothing is read beyond 8 false marks per scan, so the long tail of low scores is left out where it may be.
    enough = int(POINTS_EIGHTHS[-1]) * scans // 8
    head, everything = rank(entries, 1.25 * enough), rank(entries)
    blocks = [np.zeros((0, len(POINTS_EIGHTHS)))]
    for first in range(0, len(weights), BLOCK):
        block = slice(first, first + BLOCK)
        false, true = curves(head, weights[block])
        if (false[:, -1] <= enough).any():
            false, true = curves(everything, weights[block])
        blocks.append(sensitivities(false, true, nodules[block], scans))
    return np.concatenate(blocks)


def as_script(false: Ints, true: Ints, nodules: int, scans: int) -> list[float]:
    """Give the sensitivities as the challenge's script reads them, in floating point.

    It divides the false marks by their number and multiplies again, so that 111 of them in 888 scans may come out
    just above 1/8 per scan; then it reads the lower end of a step. Kept beside the exact numbers for comparison.
    """
    last = int(false[-1])
    per_scan = (false / last) * last / scans if last else np.zeros(len(false))
    found = int(true[-1])
    rate = (true / found) * found / nodules if found else np.zeros(len(true))
    values: list[float] = np.interp(FALSE_POSITIVES_PER_SCAN, per_scan, rate).tolist()
    return values


def froc_cpm(marks: Marks, findings: Findings, scans: int, *, bootstrap: int = 0, seed: int = 0) -> Measured:
    """Measure ``froc_cpm:v1``.

    Parameters
    ----------
    marks, findings : Marks, Findings
        Scan indices lie in 0 … scans - 1.
    scans : int
        Number of scans, those without marks or findings included.
    bootstrap : int
        Resamples for the interval; 0 for no interval.
    seed : int
        Seed of the resamples.

    Raises
    ------
    InvalidInput
        When no scan holds a nodule, so that sensitivity has no meaning.
    """
    if bootstrap < 0 or not 0 <= seed < 2**32:
        raise InvalidInput(f"Bootstrap must be 0 or more and the seed 0 … 2³² - 1; got {bootstrap} and {seed}.")
    entries = match(marks, findings, scans)
    nodules = int(entries.nodules.sum())
    if nodules == 0:
        raise InvalidInput("None of the scans holds a nodule, so sensitivity has no meaning; check the scan ids.")
    false, true = curves(rank(entries), np.ones((1, scans), dtype=np.int64))
    point = sensitivities(false, true, np.array([nodules]), scans)[0]
    interval, around = None, None
    if bootstrap:
        drawn = bootstrap_sensitivities(entries, scans, bootstrap, seed)
        interval = percentile_interval(drawn.mean(axis=1))
        around = [list(percentile_interval(column)) for column in drawn.T]
    hits = int(entries.is_nodule.sum())
    script = as_script(false[0], true[0], nodules, scans)
    details = {
        "false_positives_per_scan": list(FALSE_POSITIVES_PER_SCAN),
        "sensitivity": point.tolist(),
        "sensitivity_interval": around,
        "sensitivity_as_script": script,
        "cpm_as_script": sum(script) / len(script),
        "bootstrap": bootstrap,
        "seed": seed,
        "scans": scans,
        "nodules": nodules,
        "nodules_found": hits,
        "false_positives": len(entries.score) - hits,
        "marks": len(marks.score),
        "marks_on_excluded": entries.excluded,
        "marks_repeated": entries.repeated,
        "marks_over_limit": entries.over_limit,
    }
    curve = {"false_positives_per_scan": (false[0] / scans).tolist(), "sensitivity": (true[0] / nodules).tolist()}
    return Measured("froc_cpm:v1", float(point.mean()), interval, details, curve)
