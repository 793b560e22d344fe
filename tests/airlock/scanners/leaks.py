"""A corpus of cells that leak, as libraries really write them, and of cells that do not; all drawn here."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

RNG = np.random.default_rng(7)
COHORT = pd.DataFrame({
    "subject": [f"P{n:04d}" for n in range(40)], "age": RNG.integers(20, 90, 40), "sex": RNG.choice(["f", "m"], 40),
    "volume": RNG.normal(50, 9, 40).round(2),
})  # fmt: skip
ANONYMOUS = COHORT.drop(columns="subject")
GROUPS = pd.DataFrame({"sex": ["f", "m"], "n": [212, 198], "mean age": [61.2, 59.8]})
SCORES = pd.DataFrame({
    "result": ["CPM", *(f"sensitivity at {rate} false marks per scan" for rate in (0.125, 0.25, 0.5, 1, 2, 4, 8))],
    "value": np.linspace(0.5, 0.9, 8).round(3), "low": np.linspace(0.4, 0.8, 8).round(3),
})  # fmt: skip

Cell = dict[str, Any]


def code(source: str = "", outputs: list[Any] | None = None, **parts: Any) -> Cell:
    """Give a code cell."""
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "source": source,
        "outputs": outputs or [],
        **parts,
    }


def shown(mime: str, value: Any, **metadata: Any) -> Cell:
    """Give a cell that shows one thing."""
    return code(outputs=[{"output_type": "display_data", "metadata": metadata, "data": {mime: value}}])


def printed(text: str, name: str = "stdout") -> Cell:
    """Give a cell that printed."""
    return code(outputs=[{"output_type": "stream", "name": name, "text": text}])


def text(source: str, **parts: Any) -> Cell:
    """Give a Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source, **parts}


def notebook(*cells: Cell, **metadata: Any) -> bytes:
    """Give a notebook file."""
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def figure(draw: Callable[[Any], Any], kind: str = "png", **options: Any) -> bytes:
    """Draw a figure and give its file."""
    made = Figure(figsize=(5, 4))
    draw(made.subplots())
    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "a", "pdf.compression": 6}):
        made.savefig(file, format=kind, **options)
    return file.getvalue()


def body(size: int = 128) -> np.ndarray[Any, Any]:
    """Draw a slice like a CT of a trunk in a soft window: skin, muscle, two lungs, noise; uint8."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    hu = np.full((size, size), 5.0)
    hu[(x / 0.9) ** 2 + (y / 0.7) ** 2 < 1] = 130
    for side in (-0.4, 0.4):
        hu[((x - side) / 0.28) ** 2 + (y / 0.45) ** 2 < 1] = 40
    return np.clip(hu + np.random.default_rng(1).normal(0, 9, hu.shape) * (hu > 5), 0, 255).astype(np.uint8)


def b64(content: bytes) -> str:
    """Give bytes as base64 text."""
    return base64.b64encode(content).decode()


def plotly(**trace: Any) -> Cell:
    """Give a cell with a plotly figure."""
    return shown("application/vnd.plotly.v1+json", {"data": [{"type": "scatter", **trace}], "layout": {}})


PIXELS = b64(body().tobytes())
SCAN_PNG = figure(lambda axes: axes.imshow(body(), cmap="gray"), dpi=80)
SCATTER_SVG = figure(lambda axes: axes.plot(COHORT["age"], COHORT["volume"], "o"), "svg").decode()
TRACEBACK = {
    "output_type": "error", "ename": "KeyError", "evalue": "'P0007'",
    "traceback": ["KeyError: no scan of P0007, aged 61"],
}  # fmt: skip
WIDGET = {
    "model_name": "AnyModel",
    "model_module": "anywidget",
    "state": {"volume": "IPY"},
    "buffers": [{"data": PIXELS}],
}
CSV = COHORT.to_csv(index=False)
DIVS = "".join(f"<div><span>{n}</span> <span>{n * 7 % 50}</span> <b>f</b></div>" for n in range(9))
WRAPPED = "   scan subject  split  \\\n0  S0001   P0001    NaN   \n1  S0002   P0002    NaN   "
PACKED = "\n".join(PIXELS[n : n + 76] for n in range(0, 760, 76))
LATEX = r"\begin{tabular}{ll}subject & age \\ P0001 & 61 \\ P0002 & 48 \\ P0003 & 55 \\\end{tabular}"
LINES = "\n".join(f"{age} {sex} {volume}" for _, age, sex, volume in COHORT.head(12).itertuples(index=False))
RECORDS = json.loads(COHORT.to_json(orient="records"))
POINTS = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [7.1, 46.2]}, "properties": {"n": 1}}]
BOKEH = {"doc": {"roots": [{"attributes": {"data": {"x": {"type": "ndarray", "array": {"data": PIXELS}}}}}]}}

LEAKING: dict[str, Cell] = {
    "html frame": shown("text/html", COHORT.head().to_html()),
    "html frame without names": shown("text/html", ANONYMOUS.head(12).to_html()),
    "html frame, its length": shown("text/html", GROUPS.to_html() + "<p>422 rows × 10 columns</p>"),
    "html frame, styled": shown("text/html", COHORT.head(8).style.background_gradient(subset=["age"]).to_html()),
    "html frame, indexed by subject": shown("text/html", COHORT.set_index("subject").head(6).to_html()),
    "html frame, nested": shown("text/html", f"<table><tr><td>{COHORT.head(6).to_html()}</td><td>x</td></tr></table>"),
    "html list": shown("text/html", "<ul>" + "".join(f"<li>P{n:04d}: {n + 40}</li>" for n in range(8)) + "</ul>"),
    "html in divs": shown("text/html", DIVS),
    "html, hidden": shown("text/html", f"<div style='display:none'>{CSV}</div>"),
    "html comment": shown("text/html", f"<p>ok</p><!-- {CSV} -->"),
    "html attributes": shown("text/html", "".join(f"<b title='P{n:04d}'>•</b>" for n in range(9))),
    "html script": shown("text/html", f"<script>const rows = {json.dumps(RECORDS)}</script>"),
    "html frame inside a frame": shown("text/html", f"<iframe srcdoc='{COHORT.head().to_html()}'></iframe>"),
    "html picture of a scan": shown("text/html", f"<img src='data:image/png;base64,{b64(SCAN_PNG)}'>"),
    "html picture from elsewhere": shown("text/html", "<img src='https://example.org/x.png?id=P0007'>"),
    "html download": shown("text/html", f"<a download='x' href='data:text/csv;base64,{b64(CSV.encode())}'>x</a>"),
    "text frame": shown("text/plain", COHORT.head().to_string()),
    "text frame without names": shown("text/plain", ANONYMOUS.head(12).to_string()),
    "text frame, shortened": shown("text/plain", str(pd.concat([COHORT] * 5))),
    "text frame, wrapped": shown("text/plain", WRAPPED),
    "text series": shown("text/plain", str(COHORT["age"].head(15))),
    "text array": shown("text/plain", repr(body(16))),
    "text list": shown("text/plain", str(COHORT["volume"].tolist() * 2)),
    "text records": shown("text/plain", str(RECORDS)),
    "text bytes": shown("text/plain", repr(body(12).tobytes())),
    "counts of few": shown("text/html", pd.DataFrame({"stage": ["I", "II"], "n": [3, 41]}).to_html()),
    "printed rows": printed(LINES),
    "printed rows with commas": printed(CSV),
    "printed sentences": printed("\n".join(f"patient {n} age {n * 7 % 60}" for n in range(12))),
    "printed identifiers": printed("could not read " + " ".join(f"LUNG1-{n:03d}" for n in range(9)), "stderr"),
    "printed UID": printed("reading 1.2.840.113619.2.55.3.604688119.971.1390000000.467"),
    "printed header": printed("(0010,0010) PN [Doe^Jane]"),
    "printed base64": printed(PIXELS[:400]),
    "printed hexadecimal": printed(body(16).tobytes().hex()),
    "traceback": code(outputs=[TRACEBACK]),
    "svg of points": shown("image/svg+xml", SCATTER_SVG),
    "svg with a picture": shown("image/svg+xml", f"<svg><image href='data:image/png;base64,{b64(SCAN_PNG)}'/></svg>"),
    "svg with a text": shown("image/svg+xml", f"<svg><metadata>{CSV}</metadata></svg>"),
    "svg with a script": shown("image/svg+xml", "<svg onload='fetch(1)'></svg>"),
    "plotly": plotly(x=COHORT["age"].tolist(), y=COHORT["volume"].tolist()),
    "plotly, binary": plotly(x={"dtype": "f8", "bdata": b64(COHORT["volume"].to_numpy().tobytes())}),
    "plotly, hover text": plotly(x=[1, 2, 3, 4, 5], text=[f"P{n:04d}" for n in range(5)]),
    "vega": shown("application/vnd.vegalite.v5+json", {"data": {"values": RECORDS}, "mark": "point"}),
    "vega, named data": shown("application/vnd.vega.v5+json", {"datasets": {"a": RECORDS}, "marks": []}),
    "bokeh": shown("application/vnd.bokehjs_exec.v0+json", BOKEH),
    "json": shown("application/json", {"rows": RECORDS}),
    "geojson": shown("application/geo+json", {"type": "FeatureCollection", "features": POINTS}),
    "javascript": shown("application/javascript", "element.append('P0007')"),
    "latex": shown("text/latex", LATEX),
    "markdown table": shown("text/markdown", "|scan|age|\n|---|---|\n|S0001|61|\n|S0002|48|\n|S0003|50|"),
    "picture of a scan": shown("image/png", b64(SCAN_PNG)),
    "picture of a scan, JPEG": shown("image/jpeg", b64(figure(lambda axes: axes.imshow(body(), cmap="gray"), "jpeg"))),
    "picture with a tail": shown("image/png", b64(figure(lambda axes: axes.plot([1, 2])) + COHORT.to_csv().encode())),
    "animation": shown("image/gif", b64(b"GIF89a")),
    "video": shown("video/mp4", "AAAA"),
    "pdf": shown("application/pdf", b64(b"%PDF-1.4")),
    "unknown type": shown("application/x-mine", "P0007"),
    "widget view with more": shown("application/vnd.jupyter.widget-view+json", {"model_id": "a", "state": PIXELS}),
    "unknown output": code(outputs=[{"output_type": "mine", "data": {}}]),
    "output metadata": shown("text/plain", "ok", mine={"rows": RECORDS}),
    "cell metadata": code(metadata={"mine": {"rows": RECORDS}}),
    "cell metadata, packed": code(metadata={"tags": [PIXELS[:300]]}),
    "source with rows": code(f"import io\ndata = '''{CSV}'''"),
    "source with base64": code(f"mask = '{PIXELS[:600]}'"),
    "source with base64 on lines": code(f"mask = '''\n{PACKED}'''"),
    "source with numbers": code(f"ages = {(COHORT['age'].tolist() * 2)}"),
    "attachment": text("![a](attachment:a.png)", attachments={"a.png": {"image/png": b64(SCAN_PNG)}}),
    "markdown with a picture": text(f"![a](data:image/png;base64,{b64(SCAN_PNG)})"),
    "markdown with a table": text("|subject|age|\n|---|---|\n|P0001|61|\n|P0002|60|\n|P0003|61|"),
    "markdown with html": text(COHORT.head().to_html()),
    "markdown with a fetched picture": text("![a](https://example.org/x.png?id=P0007)"),
    "raw cell": {"cell_type": "raw", "metadata": {}, "source": CSV},
    "unknown part": {**code(), "mine": PIXELS},
}  # fmt: skip

CLEAN: dict[str, Cell] = {
    "groups": shown("text/html", GROUPS.to_html(index=False)),
    "groups as text": shown("text/plain", GROUPS.to_string(index=False)),
    "scores": shown("text/html", SCORES.to_html()),
    "scores as text": shown("text/plain", SCORES.to_string()),
    "described": shown("text/plain", "CPM 0.720 (95 % 0.595–0.778) on 24 scans with 41 nodules"),
    "training log": printed("\n".join(f"epoch {n}/20 loss {1 / (n + 1):.4f} auc 0.{80 + n}" for n in range(20))),
    "progress": printed("100%|██████████| 24/24 [00:31<00:00,  1.31s/scan]", "stderr"),
    "tissue shares": printed("air                   38.8%\nlung                  25.7%\nfat                   14.6%"),
    "warning": printed("/usr/lib/x.py:12: UserWarning: no calibration\n  warnings.warn('no calibration')", "stderr"),
    "curve": shown("image/png", b64(figure(lambda axes: axes.plot(np.linspace(0, 1, 50) ** 0.3)))),
    "curve, svg": shown("image/svg+xml", figure(lambda axes: axes.plot([0, 1], [0, 1], "o-"), "svg").decode()),
    "bars": shown("image/png", b64(figure(lambda axes: axes.bar(["a", "b"], [12, 30])))),
    "confusion": shown("image/png", b64(figure(lambda axes: axes.imshow([[90, 12], [17, 81]], cmap="Blues")))),
    "code": code("model = wb.train(task, seed=7)\nfor rate in (0.125, 0.25, 0.5, 1, 2, 4, 8):\n    print(rate)"),
    "prose": text("# How well?\n\nThe network finds 72 % of 41 nodules; see Fig. 2 and <b>Table 1</b>."),
    "formula": shown("text/latex", r"$\frac{1}{n}\sum_i x_i = 0.72$"),
    "result": shown("application/vnd.workbench.result+json", {"name": "CPM", "value": 0.72, "interval": [0.6, 0.8]}),
}  # fmt: skip
