"""A leaderboard as people read it: a data frame, a text for the terminal, and HTML for a notebook.

Runs in: kernel | terminal
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.benchmark.markup import BLUE, GREY, badge, frame, interval_bar, small, table

if TYPE_CHECKING:
    import pandas as pd

# Seen at once, also in print, so that no synthetic board is taken for a real one.
BAND = "border-left:.4em solid #e65100;background:rgba(230,81,0,.12);padding:.3em .8em;margin:.3em 0"
FINAL_WORDS = {
    "none": "The final test has not been opened.",
    "proposed": "Closed to scored submissions: {proposed_by} proposed to open the final test; a second person has to.",
    "running": "The final test is under way: {ended} of {runs} runs have ended. Its column is shown when all have.",
    "stopped": "The final test was opened; some of its runs failed here and are to be tried again.",
    "done": "The final test was opened on {opened} by {opened_by}, as {proposed_by} had proposed; it ranks the board.",
}


@dataclass(frozen=True)
class Leaderboard:
    """A task's leaderboard, best first; the final column is empty until the final test is done.

    Parameters
    ----------
    task, title, version, metric : str
        What the board is of.
    synthetic : bool
        Whether its data are computed; such boards say so and are never mixed with others.
    entries : sequence of dict
        As the gateway gives them.
    body : dict
        The gateway's whole answer.
    """

    task: str
    title: str
    version: str
    metric: str
    synthetic: bool
    entries: Sequence[dict[str, Any]]
    body: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_reply(cls, body: dict[str, Any]) -> Leaderboard:
        """Read what the gateway answers."""
        return cls(
            body["task"], body["title"], body["version"], body["metric"], bool(body["synthetic"]),
            tuple(body["entries"]), body,
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Give the board as a table: one row per entry, with places, numbers and what stands beside them."""
        import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

        return pd.DataFrame([_row(entry) for entry in self.entries], columns=list(_row({})))

    def __repr__(self) -> str:
        """Give the board as text."""
        name = self.body.get("metric_name", self.metric)
        lines = [f"{self.title} · {name}, public test · task {self.version[:12] or 'without data'}"]
        if self.body.get("band"):
            lines.append(f"SYNTHETIC. {self.body['band']}")
        rows = [_cells(entry) for entry in self.entries]
        head = ("rank", "95 %", "group", f"{name} (95 %)", "final", "who", "worst subgroup", "answered", "run", "note")
        lines += _aligned([head, *rows]) if rows else ["  nobody yet"]
        return "\n".join([*lines, final_words(self.body.get("final"))])

    def _repr_html_(self) -> str:
        name = escape(str(self.body.get("metric_name", self.metric)))
        is_share = all(0.0 <= number <= 1.0 for entry in self.entries for number in _numbers(entry))
        rows = [_html(entry, has_bar=is_share) for entry in self.entries]
        head = [
            "Rank (95 %)",
            "Group",
            "Who",
            f"{name}, public test (95 %)",
            "Worst subgroup",
            "Answered",
            "Run",
            "Final",
        ]
        if not rows:
            rows = [("", "", "nobody yet", *([""] * 5))]
        band = f'<div style="{BAND}">SYNTHETIC. {escape(str(self.body.get("band")))}</div>' if self.synthetic else ""
        text = small(
            "Entries of one group cannot be told apart (paired tests, Holm). "
            f"{escape(final_words(self.body.get('final')))} Task {escape(self.version[:12])}."
        )
        return frame(band + table(head, rows, right=[0, 1, 5]) + text, title=escape(self.title))


def final_words(final: Mapping[str, Any] | None) -> str:
    """Say in a sentence how the final test stands."""
    if not final:
        return FINAL_WORDS["none"]
    return FINAL_WORDS[final["state"]].format(**{**final, "opened": str(final.get("opened") or "")[:10]})


def in_text(value: float | None, interval: Sequence[float] | None) -> str:
    """Give ``0.812 (0.730–0.881)`` with at most four digits, for values of any size."""
    if value is None:
        return "–"
    return f"{value:.4g}" + (f" ({interval[0]:.4g}–{interval[1]:.4g})" if interval else "")


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    low, high = entry.get("interval") or (None, None)
    first, last = entry.get("rank_interval") or (None, None)
    worst, tested = entry.get("worst_subgroup") or {}, entry.get("final") or {}
    return {
        "rank": entry.get("rank"), "rank_low": first, "rank_high": last, "tie_group": entry.get("tie_group"),
        "person": entry.get("person"), "kind": entry.get("kind"), "note": entry.get("note"),
        "value": entry.get("value"), "low": low, "high": high, "worst_subgroup": worst.get("group"),
        "worst_value": worst.get("value"), "coverage": entry.get("coverage"), "isolation": entry.get("isolation"),
        "final": tested.get("value"), "final_rank": tested.get("rank"), "submission": entry.get("submission"),
        "created": entry.get("created"),
    }  # fmt: skip


def _cells(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(entry["rank"]), _span(entry["rank_interval"]), str(entry["tie_group"]),
        in_text(entry["value"], entry["interval"]), _final(entry), str(entry["person"]), _worst(entry),
        _answered(entry), str(entry["isolation"]), str(entry["note"]),
    )  # fmt: skip


def _html(entry: Mapping[str, Any], *, has_bar: bool) -> tuple[str, ...]:
    rank, span, group, value, final, who, worst, answered, run, note = (escape(cell) for cell in _cells(entry))
    is_baseline = entry["kind"] == "baseline"
    bar = interval_bar(entry["value"], entry["interval"], colour=GREY if is_baseline else BLUE) if has_bar else ""
    mark = f" {badge('baseline')}" if is_baseline else ""
    said = small(note) if note else ""
    group_of, _, least = worst.rpartition(" ")
    return (
        _unbroken(f"{rank} ({span})"), group, f"{who}{mark}{said}", f"{_unbroken(value)}{bar}",
        f"{least}{small(group_of) if group_of else ''}", answered, run,
        _unbroken(final),
    )  # fmt: skip


def _unbroken(text: str) -> str:
    return f'<div style="white-space:nowrap">{text}</div>'


def _span(interval: Sequence[int]) -> str:
    return str(interval[0]) if interval[0] == interval[1] else f"{interval[0]}–{interval[1]}"


def _worst(entry: Mapping[str, Any]) -> str:
    worst = entry["worst_subgroup"]
    return f"{worst['name']}: {worst['group']} {worst['value']:.4g}" if worst else "–"


def _answered(entry: Mapping[str, Any]) -> str:
    return "–" if entry["coverage"] is None else f"{entry['coverage']:.0%}"


def _final(entry: Mapping[str, Any]) -> str:
    if entry["final"]:
        return f"{entry['final']['rank']}: {in_text(entry['final']['value'], entry['final']['interval'])}"
    return str(entry["final_failed"] or "–")


def _numbers(entry: Mapping[str, Any]) -> tuple[float, ...]:
    return (entry["value"], *(entry["interval"] or ()))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
