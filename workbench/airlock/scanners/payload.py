"""What structured data hide: the numbers behind a plot, records, positions, bytes, widget state.

Runs in: anywhere
Source: plotly.js `bdata`, Vega-Lite `data.values`, Bokeh's `ndarray`, RFC 7946 (GeoJSON), ipywidgets' state schema 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.airlock.findings import Hit
from workbench.airlock.scanners.prose import hits_in_text
from workbench.airlock.scanners.rows import are_identifiers, is_person_column, judge_rows

MANY_VALUES = 20
MANY_IN_ALL = 200
MAX_DEPTH = 60
BYTES_KEYS = {"bdata", "__ndarray__", "buffers", "__buffer__"}
# Widgets that hold a label, a bar or a layout and nothing else; what they hold is read like any text.
PLAIN_WIDGETS = {"@jupyter-widgets/base", "@jupyter-widgets/controls"}


def hits_in_json(value: Any) -> list[Hit]:
    """Find what a JSON value carries, each rule once with the first place it was met.

    Examples
    --------
    >>> [hit.rule for hit in hits_in_json({"data": [{"x": list(range(50)), "type": "scatter"}]})]
    ['plot-data']
    """
    found: dict[str, Hit] = {}
    total = 0
    for place, hit, numbers in _walk(value, "", 0):
        total += numbers
        if hit is not None:
            found.setdefault(hit.rule, hit._replace(place=hit.place or place))
    if total > MANY_IN_ALL and "plot-data" not in found:
        found["plot-data"] = Hit("plot-data", f"{total} numbers in one value; release a picture or a summary instead.")
    return list(found.values())


def _walk(value: Any, place: str, depth: int) -> Iterator[tuple[str, Hit | None, int]]:
    """Give each hit with its place, and how many numbers were met."""
    if depth > MAX_DEPTH:
        yield place, Hit("unreadable", f"Nested more than {MAX_DEPTH} deep, so nobody can judge it."), 0
    elif isinstance(value, str):
        yield from ((place, hit, 0) for hit in hits_in_text(value))
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield place, None, 1
    elif isinstance(value, Mapping):
        yield from ((place, hit, 0) for hit in _mapping(value))
        for key, inner in value.items():
            yield from ((place, hit, 0) for hit in hits_in_text(str(key)))
            yield from _walk(inner, f"{place}.{str(key)[:40]}".lstrip("."), depth + 1)
    elif isinstance(value, Sequence):
        yield from ((place, hit, 0) for hit in _sequence(value))
        for inner in value:
            yield from _walk(inner, place, depth + 1)


def _mapping(value: Mapping[str, Any]) -> Iterator[Hit]:
    if BYTES_KEYS & set(value) or value.get("type") == "ndarray":
        yield Hit("encoded-bytes", "Numbers or pixels kept as bytes; release a picture instead.")
    if value.get("type") in ("Point", "MultiPoint") and "coordinates" in value:
        yield Hit("positions", "Places on a map, each of which may be a person's; release areas instead.")
    columns = {str(key): list(cells) for key, cells in value.items() if isinstance(cells, Sequence | Mapping)}
    if any(is_person_column(name) and len(cells) > 1 for name, cells in columns.items()):
        yield Hit("row-level-table", "Columns of which one names a person or a scan; release groups instead.")


def _sequence(value: Sequence[Any]) -> Iterator[Hit]:
    numbers = sum(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    if numbers >= MANY_VALUES:
        yield Hit("plot-data", f"{numbers} numbers in a row, the data behind a picture; release the picture instead.")
    if len(value) >= 3 and all(isinstance(one, str) for one in value) and are_identifiers(value):
        yield Hit("identifier", f"{len(value)} identifiers, each of which names one person or one scan.")
    records = [one for one in value if isinstance(one, Mapping)]
    keys = list(records[0]) if records else []
    scalar = [key for key in keys if not isinstance(records[0][key], Mapping | list)]
    if len(records) > 1 and len(scalar) > 1:
        yield from judge_rows(scalar, [[str(record.get(key, "")) for key in scalar] for record in records])
        if len(records) >= MANY_VALUES:
            yield Hit("plot-data", f"{len(records)} records; release their summary or a picture instead.")
    rows = [one for one in value if isinstance(one, list) and one and not isinstance(one[0], list | Mapping)]
    if len(rows) > 1:
        yield from judge_rows([], [[str(cell) for cell in row] for row in rows])


def hits_in_widgets(state: Any) -> Iterator[Hit]:
    """Find what the saved state of widgets carries; only plain bars and labels may stay, and are told."""
    models = state.get("state", {}) if isinstance(state, Mapping) else None
    if not isinstance(models, Mapping):
        yield Hit("widget-state", "Saved widget state that is not what it should be; clear it and save again.")
        return
    for model in models.values():
        if not isinstance(model, Mapping) or model.get("model_module") not in PLAIN_WIDGETS or model.get("buffers"):
            yield Hit("widget-state", "Saved widget state, which can carry a whole volume; clear it and save again.")
            return
    for model in models.values():
        for hit in hits_in_json(model.get("state", {})):
            yield hit._replace(place="widget state")
    if models:
        yield Hit("widget-state", f"The saved state of {len(models)} plain widgets.", "look")
