"""Groups of patients so small, or so alike, that a row would point at somebody or tell a secret.

Runs in: ingest host
Source: Sweeney 2002 (k-anonymity); Machanavajjhala et al. 2007 (l-diversity, distinct).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cells:
    """The groups that rows with equal quasi-identifiers form.

    Parameters
    ----------
    k, l : int
        Of the smallest group: number of subjects, and of distinct sensitive values.
    groups, small, alike : int
        How many groups there are, how many have too few subjects, and how many too few sensitive values.
    rows : ndarray of bool
        The rows of those groups.
    """

    k: int
    l: int  # noqa: E741 - the word of the field
    groups: int
    small: int
    alike: int
    rows: NDArray[np.bool_]


def find_cells(
    frame: Any, subjects: NDArray[np.int64], quasi: Sequence[str], sensitive: Sequence[str], *, k: int, l: int  # noqa: E741
) -> Cells:  # fmt: skip
    """Group the rows by their quasi-identifiers, and count subjects and sensitive values in each group.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table as it would be published; a missing value is a value.
    subjects : ndarray of int, shape (row,)
        A number for each subject: rows of one subject count once.
    quasi, sensitive : sequences of str
        Names of columns. Without quasi-identifiers all rows are one group.
    k, l : int
        The least that each group must have.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    if quasi:
        group = frame.groupby(list(quasi), dropna=False, observed=True, sort=False).ngroup().to_numpy(np.int64)
    else:
        group = np.zeros(len(frame), np.int64)
    count = int(group.max()) + 1 if len(group) else 0
    people = _distinct(group, subjects, count)
    kinds = np.full(count, np.iinfo(np.int64).max)
    for name in sensitive:
        codes = np.asarray(pd.factorize(frame[name], use_na_sentinel=True)[0], np.int64)
        found = _distinct(group, codes, count)
        # A group in which nobody has a value tells nothing.
        empty = np.bincount(group, codes >= 0, count) == 0
        kinds = np.minimum(kinds, np.where(empty, l, found))
    small, alike = people < k, kinds < l
    bad = small | alike
    return Cells(
        int(people.min()) if count else 0, int(kinds.min()) if count and sensitive else 0, count, int(small.sum()),
        int(alike.sum()), bad[group] if count else np.zeros(0, bool),
    )  # fmt: skip


def _distinct(group: NDArray[np.int64], codes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Count the different codes in each group."""
    if not count:
        return np.zeros(0, np.int64)
    width = int(codes.max()) + 2
    pairs = np.unique(group * width + codes + 1)
    return np.bincount(pairs // width, minlength=count)
