"""What a segmentation is worth on a split that may be read: each metric with its interval, scan by scan, and pictures.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.benchmark.markup import frame, interval_bar, interval_text, small, table
from workbench.benchmark.metrics.definitions import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workbench.benchmark.pictures import Picture

Bools = NDArray[np.bool_]
LUNG_WINDOW = (-1350.0, 150.0)
TRUTH, SAID, GREY, GRID = "#26c6da", "#ff8f00", "#78909c", "#dfe4ea"


@dataclass(frozen=True)
class SegmentationScore:
    """A segmentation's numbers on a split, with their intervals over scans.

    Parameters
    ----------
    task, split : str
        What was scored.
    measures : tuple of Measured
        One for each of the task's metrics; the first ranks.
    scans : DataFrame
        One row a scan: `scan`, then a column for each metric, called by its short name.
    masks : mapping of scan to ndarray, bool, shape (z, y, x)
        What was scored.
    """

    task: str
    split: str
    measures: tuple[Measured, ...]
    scans: pd.DataFrame = field(repr=False)
    masks: Mapping[str, Bools] = field(repr=False)

    @property
    def measured(self) -> Measured:
        """The metric that ranks."""
        return self.measures[0]

    @property
    def value(self) -> float:
        """The value of the metric that ranks."""
        return self.measured.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval, or None when none was asked for."""
        return self.measured.interval

    def measure(self, metric: str) -> Measured:
        """Give one metric by its id, such as ``hd95:v1``."""
        return next(one for one in self.measures if one.metric == metric)

    def table(self) -> pd.DataFrame:
        """Give the numbers as a table: result, value, low, high."""
        rows = [(one.definition.name, one.value, *(one.interval or (None, None))) for one in self.measures]
        return pd.DataFrame(rows, columns=["result", "value", "low", "high"])

    def plot(self, others: Mapping[str, SegmentationScore] | None = None, *, label: str = "this model") -> Picture:
        """Draw every scan's value of each metric, beside those of other scores.

        Parameters
        ----------
        others : mapping of str to SegmentationScore, optional
            Such as ``{"air inside the body": task.baseline()}``.
        label : str
            What this score is called.
        """
        from matplotlib.figure import Figure  # noqa: PLC0415 - matplotlib, loaded on first use

        from workbench.benchmark.pictures import Picture  # noqa: PLC0415 - the same

        rows = {**(others or {}), label: self}
        figure = Figure(figsize=(8.4, 1.2 + 0.55 * len(rows)), dpi=120, layout="constrained")
        axes = figure.subplots(1, len(self.measures), squeeze=False)[0]
        for place, one in zip(axes, self.measures, strict=True):
            _strip(place, one, rows, label)
        axes[0].set_yticks(range(len(rows)), list(rows))
        return Picture(figure, f"each scan of {label}, {interval_text(self.value, None)}")

    def __repr__(self) -> str:
        """Say it in one line."""
        said = ", ".join(f"{one.definition.name} {interval_text(one.value, one.interval)}" for one in self.measures)
        return f"<SegmentationScore {said} on {self.task}, {self.split}>"

    def _repr_html_(self) -> str:
        rows = [
            (escape(one.definition.name), interval_text(one.value, one.interval),
             interval_bar(one.value, one.interval) if one.definition.higher_is_better else "")
            for one in self.measures
        ]  # fmt: skip
        texts = "<br>".join(f"{escape(one.metric)}: {escape(one.definition.text)}" for one in self.measures)
        body = table(["Result", "Mean over scans (95 % interval)", ""], rows, right=[1])
        title = f"{escape(self.task)} · {escape(self.split)}: {escape(self.measured.definition.name)} "
        return frame(
            body + small(f"{len(self.scans)} scans.<br>{texts}"),
            title=title + interval_text(self.value, self.interval),
        )


def _strip(axes: Axes, one: Measured, rows: Mapping[str, SegmentationScore], main: str) -> None:
    """Draw one metric: a dot for each scan, and the mean with its interval."""
    for height, (name, score) in enumerate(rows.items()):
        colour = SAID if name == main else GREY
        values = score.scans[one.definition.short].to_numpy()
        # Spread by their order, not by chance: equal runs give equal pictures.
        axes.plot(values, height + np.linspace(-0.22, 0.22, len(values)), "o", color=colour, markersize=3.5, alpha=0.6)
        measured = score.measure(one.metric)
        low, high = measured.interval or (measured.value, measured.value)
        axes.plot([low, high], [height, height], color=colour, linewidth=3, alpha=0.9)
        axes.plot([measured.value], [height], "D", color=colour, markersize=7, markeredgecolor="white")
    axes.set_yticks([])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel(f"{one.definition.name} ({'higher' if one.definition.higher_is_better else 'lower'} is better)")
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


@dataclass(frozen=True)
class Shown:
    """A scan to be looked at: its voxels, what is true, what was said, and its spacing along (z, y, x), mm."""

    scan: str
    hu: NDArray[np.int16]
    truth: Bools
    said: Bools
    spacing_mm: Sequence[float]
    title: str


def outlines_picture(shown: Sequence[Shown]) -> Picture:
    """Show scans with the outlines of truth and answer, in the axial and the coronal plane where they differ most."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - matplotlib, loaded on first use
    from matplotlib.lines import Line2D  # noqa: PLC0415 - the same

    from workbench.benchmark.pictures import Picture  # noqa: PLC0415 - the same

    figure = Figure(figsize=(3.1 * len(shown), 5.4), dpi=120, layout="constrained")
    grid = figure.subplots(2, len(shown), squeeze=False)
    for column, one in zip(grid.T, shown, strict=True):
        wrong = one.truth != one.said
        z, y = (int(np.argmax(wrong.sum(axis=axes))) for axes in ((1, 2), (0, 2)))
        _plane(column[0], [part[z] for part in (one.hu, one.truth, one.said)], one.spacing_mm[1:])
        # Head up: z grows towards the head, and a picture's rows grow downwards.
        _plane(
            column[1], [part[::-1, y] for part in (one.hu, one.truth, one.said)], (one.spacing_mm[0], one.spacing_mm[2])
        )
        column[0].set_title(one.title, fontsize=9, pad=4)
    legend = [
        Line2D([], [], color=colour, linewidth=2, label=name) for name, colour in (("truth", TRUTH), ("answer", SAID))
    ]
    figure.legend(handles=legend, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return Picture(figure, "outlines of truth and answer in " + ", ".join(one.scan for one in shown))


def _plane(axes: Axes, parts: Sequence[NDArray[Any]], spacing_mm: Sequence[float]) -> None:
    image, truth, said = parts
    low, high = LUNG_WINDOW
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, aspect=spacing_mm[0] / spacing_mm[1], interpolation="bilinear")
    for mask, colour in ((truth, TRUTH), (said, SAID)):
        if mask.any():
            axes.contour(mask, levels=[0.5], colors=[colour], linewidths=1.1)
    axes.set_axis_off()
