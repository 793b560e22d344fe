"""The live curve of a run on ranks: it moves while the run goes on, and ends as a curve and a table in the report.

Runs in: kernel
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from html import escape

from workbench.compute.curve import curve_html
from workbench.compute.job_inside import report_progress
from workbench.compute.progress import display_handle

MOST_ROWS = 20
_EVERY_S = 0.3


class LiveCurve:
    """One run's curve in the cell's output, or a line on a terminal.

    What stays at the end holds no time and no speed, so that a report that is run again shows the same.

    Parameters
    ----------
    task : str
        What is learnt.
    epochs, batches : int
        Epochs, and steps of each.
    """

    def __init__(self, task: str, epochs: int, batches: int) -> None:
        self.losses: dict[int, float] = {}
        self.notes: list[str] = []
        self._task, self._epochs, self._batches = task, epochs, batches
        self._now, self._shown = "", 0.0
        self._handle = display_handle()
        self._show(force=True)

    def step(self, step: int, loss: float, samples_per_s: float) -> None:
        """Say how far it is within an epoch: step from 1, mean loss of the epoch so far, samples per second."""
        report_progress(step, self._epochs * self._batches, "steps", loss=loss)
        self._now = f"step {step} of {self._epochs * self._batches}, loss {loss:.4f}, {samples_per_s:.0f} samples/s"
        self._show()

    def epoch(self, epoch: int, loss: float) -> None:
        """Add an epoch, from 1; one that is run again after a loss replaces the first."""
        self.losses[epoch] = loss
        report_progress(epoch * self._batches, self._epochs * self._batches, "steps", loss=loss)
        self._show()

    def note(self, sentence: str) -> None:
        """Tell of a lost rank while the run goes on."""
        self.notes.append(sentence)
        self._show(force=True)

    def finish(self, losses: list[float]) -> None:
        """Show what stays: the curve, and a table of the epochs."""
        self.losses = dict(enumerate(losses, start=1))
        self._now = ""
        self._show(force=True, table=True)

    def _show(self, *, force: bool = False, table: bool = False) -> None:
        if not force and time.monotonic() - self._shown < _EVERY_S:
            return
        self._shown = time.monotonic()
        losses = [self.losses[epoch] for epoch in sorted(self.losses)]
        text = f"{len(losses)} of {self._epochs} epochs" + (f", loss {losses[-1]:.4f}" if losses else "")
        if self._handle is not None:
            html = curve_html(f"<b>Training for {escape(self._task)}</b>", losses, self._epochs)
            remarks = [] if table else [*self.notes[-2:], *([self._now] if self._now else [])]
            html += "".join(f"<div>{escape(remark)}</div>" for remark in remarks)
            self._handle.show(html + (table_html(self.losses) if table else ""), text)
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{self._now or text}\x1b[K" + ("\n" if table else ""))
            sys.stderr.flush()


def table_html(losses: Mapping[int, float]) -> str:
    """Give the losses of the epochs as a table, at most 20 rows evenly spread, the last one among them.

    Parameters
    ----------
    losses : mapping of int to float
        Epoch from 1 -> mean loss.
    """
    epochs = sorted(losses)
    every = -(-len(epochs) // MOST_ROWS) or 1
    shown = [epoch for place, epoch in enumerate(reversed(epochs)) if place % every == 0][::-1]
    rows = "".join(f"<tr><td>{epoch}</td><td>{losses[epoch]:.4f}</td></tr>" for epoch in shown)
    return (
        '<table style="font:13px var(--jp-ui-font-family,sans-serif);text-align:right">'
        f"<thead><tr><th>epoch</th><th>training loss</th></tr></thead><tbody>{rows}</tbody></table>"
    )
