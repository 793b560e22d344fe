"""What HTML and SVG hide: tables at any depth, scripts, frames, data: addresses, comments, exact points.

Runs in: anywhere
Source: HTML Living Standard 4.8.5 (iframe srcdoc) and 4.12.1 (script); SVG 2, chapters 9, 10 and 12.2.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

from workbench.airlock.findings import Hit
from workbench.airlock.scanners.pixels import hits_in_picture
from workbench.airlock.scanners.prose import hits_in_text
from workbench.airlock.scanners.rows import judge_rows

ACTIVE = {
    "script",
    "iframe",
    "object",
    "embed",
    "canvas",
    "applet",
    "foreignobject",
    "link",
    "base",
    "form",
    "video",
    "audio",
}
BLOCKS = {
    "div",
    "p",
    "li",
    "br",
    "pre",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "tr",
    "text",
    "section",
    "option",
}
# Attributes that say how something looks, never what it is; everything else is read like text.
LOOKS = {
    "class", "id", "style", "d", "points", "transform", "viewbox", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r",
    "rx", "ry", "dx", "dy", "width", "height", "fill", "stroke", "xmlns", "xlink:href", "href", "src", "clip-path",
    "max", "value", "colspan", "rowspan", "stroke-width", "stroke-dasharray", "font-size", "gradienttransform",
    "offset",
}  # fmt: skip
MARKS = {"circle", "ellipse", "use"}
FEW_MARKS, MANY_PAIRS = 20, 1500
MAX_MARKUP = 2_000_000
_IMAGE = re.compile(r"data:image/(png|jpe?g|gif|webp|bmp|tiff)(;base64)?,", re.I)
_FETCHED = re.compile(r"^\s*(?:https?:)?//|url\(\s*['\"]?(?!#)", re.I)


class _Reader(HTMLParser):
    """Collects tables, texts, points and dangers of a piece of markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hits: list[Hit] = []
        self.text: list[str] = []
        self.asides: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.done: list[list[list[str]]] = []
        self.marks: list[tuple[float, float]] = []
        self.pairs = 0
        self.depth = 0
        self.raw: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += 1
        if tag in ACTIVE:
            self.hits.append(
                Hit("active-content", f"A <{tag}>, which runs, fetches or hides data; save a picture instead.")
            )
        if tag in ("script", "style"):
            self.raw = tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            if not self.tables[-1]:
                self.tables[-1].append([])
            self.tables[-1][-1].append("")
        elif tag in BLOCKS:
            self.text.append("\n")
        values = {name: value or "" for name, value in attrs}
        if tag in MARKS:
            self.marks.append(
                (_float(values.get("cx") or values.get("x")), _float(values.get("cy") or values.get("y")))
            )
        self.pairs = max(
            self.pairs, len(re.findall(r"\d[\s,]+[-\d.]+", values.get("d", "") + values.get("points", "")))
        )
        self._attributes(tag, values)

    handle_startendtag = handle_starttag

    def _attributes(self, tag: str, values: dict[str, str]) -> None:
        for name, value in values.items():
            if name.startswith("on") or value.strip().lower().startswith("javascript:"):
                self.hits.append(
                    Hit("active-content", f"A script in the attribute {name[:30]}; save a picture instead.")
                )
            elif name == "srcdoc":
                self.hits += hits_in_markup(value)
            elif _IMAGE.search(value):
                self.hits += _picture(value)
            elif name in ("src", "href", "xlink:href", "style") and _FETCHED.search(value) and tag != "a":
                self.hits.append(Hit("fetched-content", f"A <{tag}> that fetches from elsewhere when it is shown."))
            elif name == "style":
                self.asides.append(value if len(value) > 2000 else "")
            elif name not in LOOKS and len(value) > 1:
                self.asides.append(value)
            if len(value) > 200 and name not in ("d", "points"):
                self.hits += [hit for hit in hits_in_text(value) if hit.rule == "encoded-bytes"]

    def handle_endtag(self, tag: str) -> None:
        self.raw = None if tag == self.raw else self.raw
        if tag == "table" and self.tables:
            self.done.append(self.tables.pop())
        elif tag in BLOCKS:
            self.text.append("\n")
        elif not self.tables:
            self.text.append(" ")

    def handle_data(self, data: str) -> None:
        if self.raw == "script":
            return
        if self.raw == "style":
            self.asides.append(data if _IMAGE.search(data) or "@import" in data or "content:" in data else "")
        elif self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data
        else:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.asides.append(data)

    def unknown_decl(self, data: str) -> None:
        self.asides.append(data)

    def handle_pi(self, data: str) -> None:
        self.asides.append(data)


def hits_in_markup(text: str) -> list[Hit]:
    """Find what a piece of HTML or SVG carries, each rule once.

    Examples
    --------
    >>> [hit.rule for hit in hits_in_markup("<table><tr><th>scan<th>age<tr><td>S0001<td>61</table>")]
    ['row-level-table']
    """
    if len(text) > MAX_MARKUP:
        return [
            Hit("too-long", f"{len(text):,} characters of markup, more than anybody reads; save a picture instead.")
        ]
    reader = _Reader()
    reader.feed(text)
    reader.close()
    hits = list(reader.hits)
    for table in (*reader.done, *reader.tables):
        hits += _judge(table)
        hits += [hit for row in table for cell in row if len(cell) > 100 for hit in hits_in_text(cell)]
        hits += hits_in_text("; ".join(cell.strip() for row in table for cell in row[:1])) if len(table) > 2 else []
    hits += hits_in_text(re.sub(r"\n\s*\n", "\n", "".join(reader.text)))
    hits += hits_in_text("\n".join(reader.asides))
    hits += _points(reader)
    return list({hit.rule: hit for hit in reversed(hits)}.values())[::-1]


def _judge(table: list[list[str]]) -> list[Hit]:
    rows = [[cell.strip() for cell in row] for row in table if row]
    if len(rows) < 2:
        return []
    # A frame's grouped columns or named index take a second line of the head, with empty cells in it.
    head = 2 if len(rows) > 2 and "" in rows[1][1:] and not any(c.isdigit() for c in "".join(rows[1])) else 1
    header = [next((row[at] for row in rows[:head] if at < len(row) and row[at]), "") for at in range(len(rows[-1]))]
    return judge_rows(header, rows[head:])


def _points(reader: _Reader) -> Iterator[Hit]:
    """Find drawings that keep the exact value of each item; a line over evenly spaced steps is a summary."""
    marks = list(dict.fromkeys(reader.marks))
    across = sorted({x for x, _ in marks})
    steps = [b - a for a, b in zip(across, across[1:], strict=False)]
    is_series = len(across) == len(marks) and bool(steps) and max(steps) - min(steps) <= 0.25 * max(steps) + 0.2
    if len(marks) >= FEW_MARKS and not is_series:
        yield Hit("plot-data", f"{len(marks)} points with their exact coordinates; save the figure as PNG.")
    elif reader.pairs >= MANY_PAIRS:
        yield Hit("plot-data", f"A line through {reader.pairs} exact points; save the figure as PNG.")


def _picture(uri: str) -> list[Hit]:
    start = _IMAGE.search(uri)
    body = re.split(r"['\")]", uri[start.end() :])[0] if start else ""
    try:
        content = base64.b64decode(body) if start and start[2] else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        return [Hit("encoded-bytes", "A data: address that holds no readable picture; remove it.")]
    return hits_in_picture(content)


def _float(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
