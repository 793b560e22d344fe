"""The metrics by id and version, each with the text of its definition, which travels with every number.

A text is part of the version of every task that uses it: a metric that changes its meaning gets a new id.

Runs in: anywhere
Source: named in each text; LUNA16 (Setio et al. 2017), DeLong (1988), Obuchowski (1997), Cohen (1968), Harrell (1982),
Brier (1950), Cox (1958).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from workbench.errors import InvalidInput

BOOTSTRAP = "Interval: 95 % percentile bootstrap over units (patients or scans)."


@dataclass(frozen=True)
class Definition:
    """What a number means: the id that never changes its meaning, names, and the text.

    Parameters
    ----------
    metric : str
        Id and version, such as ``froc_cpm:v1``.
    short : str
        The key of the value in JSON, such as ``cpm``.
    name : str
        What people call it.
    text : str
        The definition, complete enough to write it again.
    inputs : str
        What `workbench score` reads for it.
    higher_is_better : bool
        The direction of the value.
    may_rank : bool
        Whether the value alone may order submissions; the slope of a calibration may not.
    measured_in : str
        Unit of the value; empty for a plain number.
    """

    metric: str
    short: str
    name: str
    text: str
    inputs: str
    higher_is_better: bool = True
    may_rank: bool = True
    measured_in: str = ""


_PROBABILITY = "--truth id,label (0 or 1) --predictions id,probability"
_MASKS = "--truth and --predictions: two NIfTI files, or two folders with files of the same names; --label N"

DEFINITIONS = {
    definition.metric: definition
    for definition in (
        Definition(
            "froc_cpm:v1", "cpm", "CPM",
            "Free-response ROC and its competition performance metric as LUNA16 defines them. A mark hits a finding "
            "when distance² < (diameter / 2)², strictly; a finding with a diameter that is not positive has a radius "
            "of 5 mm. A nodule takes the highest score of its hits and further hits on it do not count; nodules come "
            "before excluded findings, and marks that hit only excluded ones are dropped. At most 100 marks per scan "
            "count: of more, those scoring strictly above the 101st. The curve joins the points at distinct scores by "
            "straight lines. Sensitivity is read at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan, in whole "
            "numbers (1/8 × 888 scans = 111 marks); CPM is their mean. Interval: 95 % percentile bootstrap over "
            "scans; resamples without a nodule are left out.",
            "--annotations and --excluded seriesuid,coordX,coordY,coordZ,diameter_mm --scans one id a line "
            "--predictions seriesuid,coordX,coordY,coordZ,probability",
        ),
        Definition(
            "auc_delong:v1", "auc", "AUC",
            "Area under the ROC curve: the chance that a positive item scores above a negative one, ties counting "
            "one half. Interval: 95 %, normal, with the variance of DeLong, DeLong and Clarke-Pearson (1988), cut to "
            "0…1; where a unit (patient or scan) holds several items, with their covariance as in Obuchowski (1997), "
            "which is DeLong's where each holds one.",
            _PROBABILITY,
        ),
        Definition(
            "dice:v1", "dice", "Dice",
            "2 |A ∩ B| / (|A| + |B|) over the voxels of a structure A in the truth and B in the prediction: all "
            "voxels above 0, or those of one label. 1 when both are empty, 0 when one is. Over several scans the mean "
            f"of theirs. {BOOTSTRAP}",
            _MASKS,
        ),
        Definition(
            "hd95:v1", "hd95", "HD95",
            "95 % Hausdorff distance in mm: the larger of the two directed 95th percentiles (linear between order "
            "statistics) of the distances from the surface voxels of one mask to the nearest surface voxel of the "
            "other, between voxel centres, with the spacing of the scan. A surface voxel is in the mask and has a "
            "face neighbour that is not, or lies at the edge of the volume. 0 when both masks are empty; when one is, "
            "the distance between opposite corner voxels of the volume. Over several scans the mean of theirs. "
            f"{BOOTSTRAP}",
            _MASKS,
            higher_is_better=False,
            measured_in="mm",
        ),
        Definition(
            "qwk:v1", "qwk", "Quadratic weighted kappa",
            "Cohen's kappa (1968) of whole-numbered grades with quadratic weights: 1 - Σ (truth - prediction)² over "
            "the items, divided by the mean of the same sum over all pairings of their truths with their predictions. "
            "The truth must hold two grades at least; resamples in which it does not are left out. "
            f"{BOOTSTRAP}",
            "--truth id,grade --predictions id,grade (whole numbers)",
        ),
        Definition(
            "topk:v1", "topk", "Top-k accuracy",
            "Share of items whose true class is among the k that score highest. Of t classes that tie with the true "
            "one (itself included), with a above them, it counts min(1, max(0, k - a) / t): the chance in a random "
            f"order of the tied. k is 1 unless said. {BOOTSTRAP}",
            "--truth id,label --predictions id and one column for each class (class:NAME or NAME); --k N",
        ),
        Definition(
            "cindex:v1", "cindex", "C-index",
            "Harrell's concordance (1982): of all pairs in which one item is known to have had its event first, the "
            "share in which that one has the higher risk; equal risks count one half. Known first: it had the event, "
            "and the other's time is later, or equal and censored. Two events at the same time are no pair. Higher "
            "predictions mean earlier events. Resamples without a pair are left out. "
            f"{BOOTSTRAP}",
            "--truth id,time,event (1 event, 0 censored) --predictions id,risk",
        ),
        Definition(
            "rmse:v1", "rmse", "RMSE",
            f"Root of the mean squared difference of prediction and truth, in the truth's unit. {BOOTSTRAP}",
            "--truth id,value --predictions id,prediction",
            higher_is_better=False,
        ),
        Definition(
            "brier:v1", "brier", "Brier score",
            "Mean squared difference of the probability and the outcome (1 or 0), Brier (1950) for two classes: "
            f"0 … 1, 0.25 for a constant one half. {BOOTSTRAP}",
            _PROBABILITY,
            higher_is_better=False,
        ),
        Definition(
            "ece:v1", "ece", "Expected calibration error",
            "Mean over items of |mean probability - share of positives| in the item's bin, of ten equal bins from 0 "
            "to 1; a probability on a border belongs to the upper bin, and 1 to the last. It grows as items get "
            f"fewer, also for a perfect model. {BOOTSTRAP}",
            _PROBABILITY,
            higher_is_better=False,
        ),
        Definition(
            "calibration:v1", "slope", "Calibration slope",
            "Slope and intercept of the logistic regression of the outcome on the logit of the probability (Cox "
            "1958), by maximum likelihood; probabilities are cut to 1e-6 … 1 - 1e-6. A perfect model has slope 1 and "
            "intercept 0; a slope below 1 means predictions that are too extreme. `in_the_large` is the intercept "
            "with the slope held at 1. It has no direction and ranks nothing. Resamples where it does not exist (one "
            f"kind only, or separated) are left out. {BOOTSTRAP}",
            _PROBABILITY,
            may_rank=False,
        ),
    )
}  # fmt: skip


def definition(metric: str) -> Definition:
    """Give a metric's definition by its id.

    Raises
    ------
    InvalidInput
        When there is none of this id; it names the nearest one.

    Examples
    --------
    >>> definition("froc_cpm:v1").name
    'CPM'
    """
    if metric in DEFINITIONS:
        return DEFINITIONS[metric]
    names = {word: key for key, one in DEFINITIONS.items() for word in (key.split(":")[0], one.short)}
    near = get_close_matches(metric.split(":")[0], names, n=1)
    meant = f" Did you mean {names[near[0]]}?" if near else ""
    raise InvalidInput(f"There is no metric “{metric}”; the metrics are {', '.join(sorted(DEFINITIONS))}.{meant}")


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
        95 % interval; None when none was asked for, or when there are fewer than two units.
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
        meant = self.definition
        return {
            "metric": self.metric,
            "name": meant.name,
            meant.short: self.value,
            "value": self.value,
            "interval": list(self.interval) if self.interval else None,
            **self.details,
            "definition": meant.text,
        }
