"""The look of benchmark objects in a notebook: small HTML tables that follow the theme of the lab and print well.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

FRAME = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.5;"
    "color:var(--jp-ui-font-color1,#222);max-width:64em"
)
CELL = (
    "padding:.25em .8em;border-bottom:1px solid var(--jp-border-color2,#ddd);text-align:{align};vertical-align:middle"
)
HEAD = "font-weight:600;color:var(--jp-ui-font-color2,#555);"
BLUE, GREY = "#1565c0", "#90a4ae"


def number(value: float | None, digits: int = 3) -> str:
    """Give a number as text, or a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval_text(value: float | None, interval: Sequence[float] | None, digits: int = 3) -> str:
    """Give ``0.812 (0.730–0.881)``."""
    if value is None:
        return "–"
    around = f" ({interval[0]:.{digits}f}–{interval[1]:.{digits}f})" if interval else ""
    return f"{value:.{digits}f}{around}"


def interval_bar(value: float, interval: Sequence[float] | None, *, colour: str = BLUE) -> str:
    """Draw a value and its interval on the scale 0…1."""
    low, high = interval or (value, value)
    label = f"{interval_text(value, interval)} on a scale from 0 to 1"
    return (
        f'<svg width="160" height="16" viewBox="0 0 160 16" role="img" aria-label="{label}">'
        '<line x1="5" y1="8" x2="155" y2="8" stroke="#ccc" stroke-width="1"/>'
        f'<rect x="{5 + 150 * low:.1f}" y="5" width="{max(150 * (high - low), 1):.1f}" height="6" rx="3" '
        f'fill="{colour}" fill-opacity=".3"/>'
        f'<circle cx="{5 + 150 * value:.1f}" cy="8" r="4" fill="{colour}"/></svg>'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = (), title: str = "") -> str:
    """Give a table; cells are HTML already, `right` names the columns that stand right."""
    aligns = ["right" if column in right else "left" for column in range(len(head))]
    top = "".join(
        f'<th style="{HEAD}{CELL.format(align=align)}">{name}</th>' for name, align in zip(head, aligns, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{CELL.format(align=align)}">{cell}</td>' for cell, align in zip(row, aligns, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return frame(
        f'<table style="border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>",
        title=title,
    )


def frame(content: str, *, title: str = "") -> str:
    """Put content under a title, in the type of the lab."""
    head = f'<div style="font-size:15px;font-weight:600;margin:.3em 0">{title}</div>' if title else ""
    return f'<div style="{FRAME}">{head}{content}</div>'


def small(text: str) -> str:
    """Give a line of small print."""
    return f'<div style="font-size:12px;color:var(--jp-ui-font-color2,#555);margin:.3em 0">{text}</div>'


def badge(text: str, *, colour: str = GREY) -> str:
    """Give a word in a rounded frame."""
    return (
        f'<span style="border:1px solid {colour};color:{colour};border-radius:1em;padding:0 .6em;'
        f'font-size:11px;white-space:nowrap">{escape(text)}</span>'
    )
