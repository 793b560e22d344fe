"""The metrics by id and version, each with the text of its definition, which travels with every number.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Definition:
    """What a number means: the id that never changes its meaning, a short name, and the text."""

    metric: str
    name: str
    text: str
    higher_is_better: bool = True


DEFINITIONS = {
    definition.metric: definition
    for definition in (
        Definition(
            "froc_cpm:v1", "CPM",
            "Free-response ROC and its competition performance metric as LUNA16 defines them. A mark hits a finding "
            "when distance² < (diameter / 2)², strictly; a finding with a diameter that is not positive has a radius "
            "of 5 mm. A nodule takes the highest score of its hits and further hits on it do not count; marks on "
            "excluded findings are dropped. At most 100 marks per scan count: of more, those scoring strictly above "
            "the 101st. The curve joins the points at distinct scores by straight lines. Sensitivity is read at "
            "1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan, in whole numbers (1/8 × 888 scans = 111 marks); "
            "CPM is their mean. Interval: 95 % percentile bootstrap over scans; resamples without a nodule are left "
            "out.",
        ),
        Definition(
            "auc_delong:v1", "AUC",
            "Area under the ROC curve: the chance that a positive item scores above a negative one, ties counting "
            "one half. Interval: 95 %, normal, with the variance of DeLong, DeLong and Clarke-Pearson (1988), cut to "
            "0…1.",
        ),
    )
}  # fmt: skip


def definition(metric: str) -> Definition:
    """Give a metric's definition by its id.

    >>> definition("froc_cpm:v1").name
    'CPM'
    """
    if metric not in DEFINITIONS:
        raise InvalidInput(f"There is no metric “{metric}”; the metrics are {', '.join(sorted(DEFINITIONS))}.")
    return DEFINITIONS[metric]


@dataclass(frozen=True)
class Measured:
    """One measured value with its interval, counts and definition.

    Parameters
    ----------
    metric : str
        Id of the definition, such as ``froc_cpm:v1``.
    value : float
        The point value.
    interval : tuple of 2 float, or None
        95 % interval; None when none was asked for.
    details : dict
        JSON values that belong to the metric: operating points, counts, intervals.
    curve : dict of str to list of float
        The curve behind the value, for drawing; empty where it must not leave (hidden tests).
    """

    metric: str
    value: float
    interval: tuple[float, float] | None
    details: dict[str, Any]
    curve: dict[str, list[float]] = field(default_factory=dict, repr=False)

    @property
    def definition(self) -> Definition:
        """What the number means."""
        return definition(self.metric)

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values; the curve stays behind."""
        short = self.definition.name.lower()
        return {
            "metric": self.metric,
            short: self.value,
            "value": self.value,
            "interval": list(self.interval) if self.interval else None,
            **self.details,
            "definition": self.definition.text,
        }


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Give the central 95 % of bootstrap values (linear between order statistics)."""
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high)
