"""What the numbers of a test can carry: the interval that is to be expected, before anybody has submitted.

Runs in: anywhere
Source: Hanley and McNeil, Radiology 143 (1982) 29-36, for the area; the binomial variance for shares; Harrell,
Regression Modeling Strategies, 2nd edition, for events as what a survival model is measured on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution
# Half an interval: with more, one half of the scale 0…1 cannot be told from the other.
WIDEST = 0.25
# Below this the central 95 % of resamples is no interval: 8 units are drawn without one of them in a third of all.
FEWEST_UNITS = 8
# The area for which the interval is foretold; nearer to 1 it is narrower.
FORETOLD_AREA = 0.75


@dataclass(frozen=True)
class Counts:
    """What one split of a test holds.

    Parameters
    ----------
    units, items : int
        What is drawn again (scans or patients), and what is answered.
    positives : int, optional
        Of a binary task: positive items; of survival: observed events.
    findings : int, optional
        Of detection: what there is to find.
    """

    units: int
    items: int
    positives: int | None = None
    findings: int | None = None

    def as_dict(self) -> dict[str, int]:
        """Give what is known, as plain JSON values."""
        found = {"units": self.units, "items": self.items, "positives": self.positives, "findings": self.findings}
        return {name: count for name, count in found.items() if count is not None}


def expected_half_width(metric: str, counts: Counts) -> float | None:
    """Give half the 95 % interval that is to be expected; None for metrics on a scale of their own, such as mm.

    Examples
    --------
    >>> round(expected_half_width("auc_delong:v1", Counts(units=200, items=200, positives=100)), 3)
    0.067
    """
    if metric == "auc_delong:v1":
        return _half_area(counts.positives or 0, counts.items - (counts.positives or 0))
    drawn = {
        "froc_cpm:v1": counts.findings, "cindex:v1": counts.positives, "qwk:v1": counts.items, "topk:v1": counts.items,
    }  # fmt: skip
    if metric not in drawn:
        return None
    number = drawn[metric] or 0
    return Z * 0.5 / math.sqrt(number) if number else math.inf


def too_few(metric: str, counts: Counts) -> str | None:
    """Say why a split cannot carry the metric, and what interval is to be expected; None when it can."""
    if counts.units < FEWEST_UNITS:
        return (
            f"{counts.units} {'unit' if counts.units == 1 else 'units'} to draw again; an interval needs "
            f"{FEWEST_UNITS} at least"
        )
    half = expected_half_width(metric, counts)
    if half is None or half < WIDEST:
        return None
    what = _counted(metric, counts)
    if math.isinf(half):
        return f"{what}; {metric} cannot be measured on them"
    return f"{what}; the interval to be expected is ± {half:.2f}, and beyond ± {WIDEST} good and useless look alike"


def _half_area(positives: int, negatives: int) -> float:
    """Give half the interval of an area of `FORETOLD_AREA`."""
    if positives < 1 or negatives < 1:
        return math.inf
    area = FORETOLD_AREA
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
    return Z * math.sqrt(variance / (positives * negatives))


def _counted(metric: str, counts: Counts) -> str:
    if metric == "froc_cpm:v1":
        return f"{counts.findings or 0} findings"
    if metric == "cindex:v1":
        return f"{counts.positives or 0} events"
    if metric == "auc_delong:v1":
        return f"{counts.positives or 0} positive and {counts.items - (counts.positives or 0)} negative items"
    return f"{counts.items} items"
