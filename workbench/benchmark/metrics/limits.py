"""What counts can prove: the exact interval of a share, the specificity behind few false alarms, predictive values.

Runs in: anywhere
Source: Clopper and Pearson, Biometrika 26 (1934) 404-413; Altman and Bland, BMJ 309 (1994) 102.
"""

from __future__ import annotations

from workbench.benchmark.metrics.resampling import CONFIDENCE
from workbench.errors import InvalidInput

TAIL = (1.0 - CONFIDENCE) / 2.0


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Give the exact 95 % interval of a share by Clopper and Pearson.

    Parameters
    ----------
    count, of : int
        How many of how many, 0 … of.

    Raises
    ------
    InvalidInput
        When there is nothing to count in.

    Examples
    --------
    >>> [round(end, 4) for end in share_interval(8, 10)]
    [0.4439, 0.9748]
    """
    if of < 1 or not 0 <= count <= of:
        raise InvalidInput(f"A share needs a count from 0 to what there is; got {count} of {of}.")
    if count in (0, of):
        # Here the bound is a plain root; the quantile of the beta distribution would give the same.
        edge = float(TAIL ** (1.0 / of))
        return (edge, 1.0) if count else (0.0, 1.0 - edge)
    from scipy.special import betaincinv  # noqa: PLC0415 - scipy, heavy, loaded on first use

    return float(betaincinv(count, of - count + 1, TAIL)), float(betaincinv(count + 1, of - count, 1.0 - TAIL))


def proven_specificity(negatives: int, false_alarms: int = 0) -> float:
    """Give the lowest specificity that so few false alarms among so many negatives leave possible (95 %, two-sided).

    Examples
    --------
    >>> [round(proven_specificity(count), 4) for count in (200, 1000, 3000)]
    [0.9817, 0.9963, 0.9988]
    """
    return share_interval(negatives - false_alarms, negatives)[0]


def ppv(sensitivity: float, specificity: float, share: float) -> float:
    """Give the share of positive answers that are right, where a share of all is positive.

    Parameters
    ----------
    sensitivity, specificity, share : float
        0 … 1; `share` is the prevalence.

    Returns
    -------
    float
        0 where nobody gets a positive answer.

    Examples
    --------
    >>> round(ppv(0.9, 0.95, 0.05), 3)
    0.486
    """
    right, wrong = sensitivity * share, (1.0 - specificity) * (1.0 - share)
    return right / (right + wrong) if right + wrong else 0.0
