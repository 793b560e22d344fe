"""How labels look in a notebook: the slice that shows most of them, each region in a colour of its own.

Runs in: kernel
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.data import cards

if TYPE_CHECKING:
    from workbench.data.labels import LabelVolume

MOST_ROWS = 24
OPACITY = 0.45
# Apart from each other on grey and for eyes that do not tell red from green (Okabe and Ito, 2008), then darker ones.
COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    (138, 95, 0), (52, 108, 140), (0, 95, 69), (144, 137, 40), (0, 68, 107), (128, 56, 0), (122, 73, 100),
)  # fmt: skip


def label_card(labels: LabelVolume) -> str:
    """Give the card of a label set: what it holds, and a picture."""
    z, y, x = labels.shape
    facts = {
        "Dataset": f"<code>{escape(labels.dataset)}</code>",
        "From": escape(labels.kind),
        "Voxels (z, y, x)": f"{z} × {y} × {x}",
        "Values": escape(labels.dtype.name),
    }
    image = (
        f'<img alt="slice of {escape(labels.title)} with its regions" src="data:image/png;base64,{_png(labels)}" '
        'style="border-radius:4px; margin-right:16px; background:#000; max-height:240px">'
    )
    text = f"<div>{cards.heading('Labels ' + labels.title)}{cards.facts_table(facts)}{_regions(labels)}</div>"
    return cards.frame(f'<div style="display:flex; align-items:flex-start">{image}{text}</div>{_notes(labels)}')


def paint(grey: NDArray[np.uint8], labels: NDArray[Any], values: Sequence[int]) -> NDArray[np.uint8]:
    """Lay coloured regions over a grey picture; both of shape (rows, columns), the result (rows, columns, 3).

    The colours go by the order of `values`, so that those of one label set differ.
    """
    picture = np.repeat(grey[..., None].astype(np.float32), 3, axis=2)
    for number, value in enumerate(values):
        inside = labels == value
        picture[inside] = picture[inside] * (1 - OPACITY) + np.array(_colour(number), np.float32) * OPACITY
    result: NDArray[np.uint8] = picture.astype(np.uint8)
    return result


def _png(labels: LabelVolume) -> str:
    """Give the axial slice that shows most regions at a low resolution as base64 PNG, in true proportion."""
    from PIL import Image  # noqa: PLC0415 - heavy, loaded on first use

    level = cards.preview_level(labels)
    voxels = labels.read(level)
    z = _telling_slice(voxels)
    _, rows, columns = voxels.shape
    pixels = labels.image.read_box(((z, z + 1), (0, rows), (0, columns)), level)[0]
    values = [int(segment["value"]) for segment in labels.segments]
    picture = Image.fromarray(paint(cards.windowed(pixels, labels.image.window), voxels[z], values))
    png = io.BytesIO()
    picture.resize(cards.preview_size(labels), Image.Resampling.NEAREST).save(png, "PNG")
    return base64.b64encode(png.getvalue()).decode()


def _telling_slice(voxels: NDArray[Any]) -> int:
    """Give the slice with most regions, and among those the one with most labelled voxels."""
    shown = [(np.count_nonzero(np.bincount(plane.ravel())[1:]), np.count_nonzero(plane)) for plane in voxels]
    return max(range(len(shown)), key=lambda z: shown[z])


def _colour(number: int) -> tuple[int, int, int]:
    return COLOURS[number % len(COLOURS)]


def _regions(labels: LabelVolume) -> str:
    segments = labels.segments
    rows = "".join(
        f'<tr><td style="padding:1px 16px 1px 0; text-align:left">{_dot(number)}{escape(str(segment["label"]))}</td>'
        f'<td style="padding:1px 0; text-align:right">{float(segment["volume_ml"]):.2f} ml</td></tr>'
        for number, segment in enumerate(segments[:MOST_ROWS])
    )
    more = f"<div>and {len(segments) - MOST_ROWS} more</div>" if len(segments) > MOST_ROWS else ""
    return f'<table style="{cards.TABLE}; margin-top:6px">{rows}</table>{more}'


def _dot(number: int) -> str:
    red, green, blue = _colour(number)
    return (
        f'<span style="display:inline-block; width:10px; height:10px; border-radius:2px; margin-right:6px; '
        f'background:rgb({red},{green},{blue})"></span>'
    )


def _notes(labels: LabelVolume) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in labels.notes)
    return f'<ul style="margin:8px 0 0; padding-left:18px; max-width:52em">{notes}</ul>' if notes else ""
