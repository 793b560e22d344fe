"""Which function reads which list that a person or the browser gives the viewer; each refuses by a sentence.

A reader takes what was given and the widget, and gives plain values that travel to the browser.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.viewer.candidates import read_candidates, read_judgements, read_operating_points
from workbench.viewer.contours import read_contours
from workbench.viewer.label_layers import read_layers
from workbench.viewer.marks import read_boxes
from workbench.viewer.measurements import read_measurements


def _boxes(value: object, view: Any) -> list[dict[str, object]]:
    return [mark.as_dict() for mark in read_boxes(value, view.volume.geometry)]


def _contours(value: object, view: Any) -> list[dict[str, object]]:
    return [mark.as_dict() for mark in read_contours(value, view.volume.geometry)]


def _measurements(value: object, view: Any) -> list[dict[str, object]]:
    return [mark.as_dict() for mark in read_measurements(value, view.volume)]


def _as_given(value: object, view: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _labels(value: object, view: Any) -> list[dict[str, Any]]:
    opened = view.opened
    traits: list[dict[str, Any]] = view.shelf.take(
        value, lambda labels: read_layers(labels, opened.volume, opened.view_id, scan=opened.scan)
    )
    return traits


READERS: dict[str, Callable[[object, Any], Any]] = {
    "boxes": _boxes,
    "truth": _boxes,
    "contours": _contours,
    "measurements": _measurements,
    "labels": _labels,
    "candidates": read_candidates,
    "operating_points": read_operating_points,
    "judgements": read_judgements,
}
