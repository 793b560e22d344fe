"""Pictures of a score: the curve with its operating points, and what the strongest true and false marks look like.

The pictures hold no date and no version, so that two equal runs give equal bytes.

Runs in: kernel
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from workbench.benchmark.markup import interval_text
from workbench.benchmark.metrics.definitions import Measured
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workbench.benchmark.examples import Examples
    from workbench.benchmark.results import Score

BLUE, ORANGE, INK, GRID = "#1565c0", "#e65100", "#1d2733", "#dfe4ea"
TICKS = (0.125, 0.25, 0.5, 1, 2, 4, 8)


class Picture:
    """A finished figure that shows itself in a notebook and can be saved, byte for byte the same each time."""

    def __init__(self, figure: Figure, text: str) -> None:
        self.figure = figure
        self.text = text
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        self.png = buffer.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the PNG, in a folder that is made when needed, and give its path."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.png)
        return file

    def __repr__(self) -> str:
        """Say what it shows."""
        return f"<Picture: {self.text}>"

    def _repr_png_(self) -> bytes:
        return self.png


def curve_picture(measured: Measured, label: str, others: Mapping[str, Measured] | None = None) -> Picture:
    """Draw the FROC curve with the seven operating points and their intervals, or the ROC curve.

    Parameters
    ----------
    measured : Measured
        With its curve.
    label : str
        What it is, for the legend.
    others : mapping of str to Measured, optional
        Further curves, such as a baseline, drawn thin and grey.
    """
    figure = Figure(figsize=(6.4, 4.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    draw = _draw_froc if "sensitivity" in measured.details else _draw_roc
    for name, other in (others or {}).items():
        draw(axes, other, _legend(name, other), colour="#78909c", is_main=False)
    draw(axes, measured, _legend(label, measured), colour=BLUE, is_main=True)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    return Picture(figure, f"curve of {label}, {measured.definition.name} {interval_text(measured.value, None)}")


def _legend(name: str, measured: Measured) -> str:
    return f"{name}: {measured.definition.name} {interval_text(measured.value, measured.interval)}"


def _draw_froc(axes: Axes, measured: Measured, legend: str, *, colour: str, is_main: bool) -> None:
    per_scan = np.array(measured.curve["false_positives_per_scan"])
    axes.plot(
        np.maximum(per_scan, 1e-3), measured.curve["sensitivity"], color=colour, linewidth=2 if is_main else 1.2,
        label=legend, drawstyle="default",
    )  # fmt: skip
    if is_main:
        sensitivity = np.array(measured.details["sensitivity"])
        around = measured.details["sensitivity_interval"]
        if around is not None:
            low, high = np.array(around).T
            axes.fill_between(TICKS, low, high, color=colour, alpha=0.15, linewidth=0, label="95 % interval")
        axes.plot(TICKS, sensitivity, "o", color=colour, markersize=5, clip_on=False, zorder=3)
    axes.set_xscale("log", base=2)
    axes.set_xlim(TICKS[0], TICKS[-1])
    axes.set_ylim(0, 1)
    axes.set_xticks(TICKS, ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    axes.set_xlabel("False positives per scan")
    axes.set_ylabel("Sensitivity")


def _draw_roc(axes: Axes, measured: Measured, legend: str, *, colour: str, is_main: bool) -> None:
    curve = measured.curve
    axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
    axes.plot(
        curve["false_positive_rate"], curve["true_positive_rate"], color=colour, linewidth=2 if is_main else 1.2,
        label=legend,
    )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("False positive rate")
    axes.set_ylabel("True positive rate")


def marks_picture(examples: Examples, score: Score, *, columns: int = 6) -> Picture:
    """Show the strongest true marks above the strongest false ones, each as the axial slice through its centre.

    Parameters
    ----------
    examples : Examples
        The patches that were scored, in the order of `score.marks`.
    score : Score
        From `task.score`.
    columns : int
        How many of each, 1 to 12.
    """
    if not 1 <= columns <= 12 or len(examples) != len(score.marks):
        raise InvalidInput("The picture needs 1 to 12 columns and the examples that were scored.")
    good, bad = ("hit", "false") if _is_detection(score) else ("positive", "negative")
    figure = Figure(figsize=(1.55 * columns, 3.7), dpi=120, layout="constrained")
    grid = figure.subplots(2, columns, squeeze=False)
    titles = {"hit": "Nodules found", "false": "False marks", "positive": "Malignant", "negative": "Benign"}
    for row, kind, colour in ((grid[0], good, BLUE), (grid[1], bad, ORANGE)):
        chosen = _strongest(score, kind, columns)
        for place, axes in enumerate(row):
            axes.set_axis_off()
            if place < len(chosen):
                _show_patch(axes, examples, score, chosen[place], colour)
        row[0].text(
            -0.12, 0.5, titles[kind], transform=row[0].transAxes, rotation=90, ha="center", va="center",
            color=colour, fontsize=10, fontweight="bold",
        )  # fmt: skip
    return Picture(figure, f"strongest marks, {titles[good].lower()} and {titles[bad].lower()}")


def _is_detection(score: Score) -> bool:
    return "sensitivity" in score.measured.details


def _strongest(score: Score, kind: str, count: int) -> Sequence[int]:
    marks = score.marks
    places = np.flatnonzero(marks["kind"].to_numpy() == kind)
    order = np.argsort(-marks["probability"].to_numpy()[places], kind="stable")
    return [int(place) for place in places[order][:count]]


def _show_patch(axes: Any, examples: Examples, score: Score, place: int, colour: str) -> None:
    patch = examples.patches[place, 0]
    axes.imshow(patch[len(patch) // 2], cmap="gray", vmin=0, vmax=1, interpolation="bicubic")
    half = (len(patch) - 1) / 2
    axes.plot([half], [half], marker="o", markersize=22, markerfacecolor="none", markeredgecolor=colour, alpha=0.9)
    row = score.marks.iloc[place]
    axes.set_title(f"{row['scan']}  {row['probability']:.2f}", fontsize=8, color=INK, pad=3)
