"""What scoring and submitting give back in a notebook: Score and Entry.

Runs in: kernel | terminal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.benchmark.board.table import Leaderboard
from workbench.benchmark.markup import badge, frame, interval_bar, interval_text, small, table
from workbench.benchmark.metrics.definitions import Measured, definition
from workbench.benchmark.metrics.froc import operating_points
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from workbench.benchmark.pictures import Picture

__all__ = ["FAILED", "SYNTHETIC", "Entry", "Leaderboard", "Score"]

FAILED = "failed"
SYNTHETIC = "Synthetic data: a number here says how well phantoms are read, nothing about patients."


@dataclass(frozen=True)
class Score:
    """A model's number on a split that may be read, with its interval and its marks.

    Parameters
    ----------
    task, split : str
        What was scored.
    measured : Measured
        The metric's value, 95 % interval, details and curve.
    marks : DataFrame
        One row per patch: scan, x_mm, y_mm, z_mm, probability, kind (``hit``, ``further hit``, ``false``; for a
        yes-or-no task ``positive`` or ``negative``).
    """

    task: str
    split: str
    measured: Measured
    marks: pd.DataFrame = field(repr=False)

    @property
    def value(self) -> float:
        """The point value."""
        return self.measured.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval, or None when none was asked for."""
        return self.measured.interval

    @property
    def name(self) -> str:
        """The metric's short name."""
        return self.measured.definition.name

    def table(self) -> pd.DataFrame:
        """Give the numbers as a table: name, value, low, high."""
        rows = [(self.name, self.value, *(self.interval or (None, None)))]
        details = self.measured.details
        points = zip(details.get("false_positives_per_scan", []), details.get("sensitivity", []), strict=True)
        for number, (per_scan, sensitivity) in enumerate(points):
            around = (details["sensitivity_interval"] or [(None, None)] * 7)[number]
            rows.append((f"sensitivity at {per_scan:g} false positives per scan", sensitivity, *around))
        return pd.DataFrame(rows, columns=["result", "value", "low", "high"])

    def operating_points(self) -> list[dict[str, float]]:
        """Give the score thresholds at 1/8 to 8 false marks per scan, for `wb.view(…, operating_points=…)`.

        Returns
        -------
        list of dict
            `fp_per_scan` and `threshold`; see `metrics.froc.operating_points`.

        Raises
        ------
        InvalidInput
            When the task has no false marks per scan: one of yes or no.

        Examples
        --------
        >>> marks = score.marks[score.marks.scan == "S0042"]  # doctest: +SKIP
        >>> wb.view(scan, candidates=marks, operating_points=score.operating_points())  # doctest: +SKIP
        """
        scans = self.measured.details.get("scans")
        if "false_positives" not in self.measured.details or scans is None:
            raise InvalidInput(f"{self.name} counts no false marks per scan, so it has no such operating points.")
        probability = self.marks["probability"].to_numpy(dtype=np.float64)
        return operating_points(probability, (self.marks["kind"] == "false").to_numpy(dtype=bool), int(scans))

    def plot(self, others: Mapping[str, Score] | None = None, *, label: str = "this model") -> Picture:
        """Draw the curve behind the number (FROC or ROC), beside those of other scores.

        Parameters
        ----------
        others : mapping of str to Score, optional
            Such as ``{"blob filter": task.baseline()}``.
        label : str
            What this score is called in the legend.
        """
        from workbench.benchmark.pictures import curve_picture  # noqa: PLC0415 - matplotlib, loaded on first use

        return curve_picture(self.measured, label, {name: other.measured for name, other in (others or {}).items()})

    def __repr__(self) -> str:
        """Say it in one line."""
        return f"<Score {self.name} {interval_text(self.value, self.interval)} on {self.task}, {self.split}>"

    def _repr_html_(self) -> str:
        rows = []
        for result, value, low, high in self.table().itertuples(index=False):
            around = None if low is None or pd.isna(low) else (low, high)
            rows.append((escape(result), interval_text(value, around), interval_bar(value, around)))
        body = table(["Result", "Value (95 % interval)", ""], rows, right=[1])
        counts = self.measured.details
        said = (
            f"{counts['nodules_found']} of {counts['nodules']} nodules marked in {counts['scans']} scans; "
            f"{counts['false_positives']} false marks"
            if "nodules" in counts
            else f"{counts['positives']} positive and {counts['negatives']} negative items"
        )
        text = small(f"{said}.<br>{escape(self.measured.metric)}: {escape(self.measured.definition.text)}")
        title = f"{escape(self.task)} · {escape(self.split)}: {self.name} {interval_text(self.value, self.interval)}"
        return frame(body + text, title=title)


@dataclass(frozen=True)
class Entry:
    """One submission to the hidden test: its state, and its aggregate scores once it is scored."""

    submission: str
    task: str
    state: str
    code: str | None
    message: str
    scores: dict[str, Any] | None
    metric: str
    body: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_reply(cls, body: dict[str, Any]) -> Entry:
        """Read what the gateway answers."""
        return cls(
            body["submission"], body["task"], body["state"], body.get("code"), body.get("message") or "",
            body.get("scores"), body["metric"], body,
        )  # fmt: skip

    @property
    def value(self) -> float | None:
        """The value on the public test, once scored; None when it is no significant improvement on your best."""
        value = (self.scores or {}).get("value")
        return None if value is None else float(value)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval on the public test, once scored."""
        around = (self.scores or {}).get("interval")
        return None if around is None else (float(around[0]), float(around[1]))

    def __repr__(self) -> str:
        """Say it in one line."""
        name = definition(self.metric).name
        told = self.message if self.value is None else f"{name} {interval_text(self.value, self.interval)}"
        return f"<Entry {self.submission} to {self.task}: {self.state}, {told}>"

    def _repr_html_(self) -> str:
        name = definition(self.metric).name
        if self.value is None:
            code = f" {badge(self.code, colour='#c62828')}" if self.code else ""
            return frame(f"{escape(self.message)}{code}", title=f"Submission {escape(self.submission)}: {self.state}")
        value = f"{name} {interval_text(self.value, self.interval)}"
        return frame(
            interval_bar(self.value, self.interval) + small("Scored behind the gateway on the public test."),
            title=f"Submission {escape(self.submission)}: {value}",
        )
