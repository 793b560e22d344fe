"""How well the loss of a model tells whose data it was trained on: the area under the ROC curve, with its interval.

A model that knows its training subjects by heart has a smaller loss on them. 0.5 says that nobody can tell, 1.0 that
everybody can. The evaluation is a file of losses that lies beside the model, is read by the checks and never leaves.

Runs in: anywhere
Source: Yeom et al., IEEE CSF 2018, 3.2 (loss threshold); DeLong et al., Biometrics 44 (1988) 837-845 (variance);
Carlini et al., IEEE S&P 2022, 3.3 (why the rate at few false alarms is told besides).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

FORM, ENDING = "workbench-evaluation-1", ".evaluation.json"
FEWEST = 20
# Above this lower end of the interval a model is stopped; a small sure difference is for a checker to weigh.
STOP_ABOVE = 0.55
FALSE_ALARMS = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Membership:
    """What a membership test found.

    Attributes
    ----------
    auc, low, high : float
        Area under the ROC curve of "the smaller loss was a member's", and its 95 % interval.
    members, others : int
        How many of each were compared.
    rate : float
        Share of the members that are found when 1 % of the others are taken for members.
    """

    auc: float
    low: float
    high: float
    members: int
    others: int
    rate: float

    @property
    def is_told_apart(self) -> bool:
        """Whether members are surely told apart, far enough to stop a release."""
        return self.low > STOP_ABOVE

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"AUC {self.auc:.2f} (95 % {self.low:.2f} to {self.high:.2f}) on {self.members} members and {self.others} "
            f"others; {self.rate:.0%} of the members found at 1 % false alarms"
        )


def membership_auc(member_losses: Sequence[float] | Floats, other_losses: Sequence[float] | Floats) -> Membership:
    """Measure how well the loss tells members from others.

    Parameters
    ----------
    member_losses, other_losses : sequence of float, one for each subject or record
        Of those the model was trained on, and of comparable ones it has not seen; at least 20 of each.

    Raises
    ------
    InvalidInput
        When there are too few, or one is not a finite number.

    Examples
    --------
    >>> membership_auc([0.1] * 30, [0.1] * 30).auc
    0.5
    """
    inside, outside = (np.asarray(losses, dtype=np.float64).ravel() for losses in (member_losses, other_losses))
    if min(len(inside), len(outside)) < FEWEST:
        raise InvalidInput(
            f"A membership test needs {FEWEST} members and {FEWEST} others; got {len(inside)} and {len(outside)}."
        )
    if not (np.isfinite(inside).all() and np.isfinite(outside).all()):
        raise InvalidInput("A loss is not a finite number; mend the evaluation and write it again.")
    # Share of others with a larger loss, for each member, and the other way round: the two parts of DeLong's variance.
    won, lost = _larger(inside, outside), 1.0 - _larger(outside, inside)
    auc = float(won.mean())
    variance = float(won.var(ddof=1) / len(inside) + lost.var(ddof=1) / len(outside))
    reach = NormalDist().inv_cdf(0.975) * math.sqrt(variance)
    threshold = np.quantile(outside, FALSE_ALARMS, method="lower")
    rate = float((inside < threshold).mean())
    return Membership(auc, max(0.0, auc - reach), min(1.0, auc + reach), len(inside), len(outside), rate)


def _larger(of: Floats, among: Floats) -> Floats:
    """Give for each value the share of the others that are larger, ties counted half."""
    ordered = np.sort(among)
    above = len(among) - np.searchsorted(ordered, of, side="right")
    equal = np.searchsorted(ordered, of, side="right") - np.searchsorted(ordered, of, side="left")
    return np.asarray((above + 0.5 * equal) / len(among))


def write_evaluation(sha256: str, member_losses: Floats, other_losses: Floats, *, subjects: int | None) -> bytes:
    """Give the evaluation file of a model: it counts only for the very bytes it was made with."""
    losses = {
        "members": [round(x, 6) for x in member_losses.tolist()],
        "others": [round(x, 6) for x in other_losses.tolist()],
    }
    return json.dumps({"form": FORM, "sha256": sha256, "subjects": subjects, **losses}).encode()


def read_evaluation(content: bytes, sha256: str) -> tuple[Membership, int | None]:
    """Read an evaluation file: the membership test, and how many subjects the model was trained on if it says so.

    Raises
    ------
    ValueError
        When it is malformed or belongs to other bytes.
    """
    body = json.loads(content)
    if not isinstance(body, dict) or body.get("form") != FORM:
        raise ValueError("another form")
    if body.get("sha256") != sha256:
        raise ValueError("made for another file")
    subjects = body.get("subjects")
    if subjects is not None and (not isinstance(subjects, int) or subjects < 1):
        raise ValueError("no number of subjects")
    try:
        return membership_auc(body["members"], body["others"]), subjects
    except (KeyError, TypeError, ValueError):
        raise ValueError("malformed losses") from None
    except InvalidInput as problem:
        raise ValueError(problem.message) from None
