"""How datasets, requests, people and volumes look in a notebook: inline styles that follow JupyterLab's theme.

Every colour is a JupyterLab variable with a fallback that reads on white and on black, because the same output is
also shown by editors and in HTML reports.

Runs in: kernel
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from workbench.data.grid_array import GridArray
    from workbench.data.volume import Volume

PREVIEW_PIXELS = 200

_TEXT = "var(--jp-ui-font-color1, inherit)"
_SOFT = "var(--jp-ui-font-color2, #7a7a7a)"
_LINE = "var(--jp-border-color2, rgba(128, 128, 128, .35))"
_FRAME = (
    f"font:13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color:{_TEXT}; border:1px solid {_LINE}; "
    "border-radius:6px; padding:12px 16px; display:inline-block; max-width:960px; vertical-align:top;"
)
_CELL = f"padding:6px 14px 6px 0; border-bottom:1px solid {_LINE}; text-align:left; vertical-align:top; "
# White text on these reads on either theme (contrast of at least 4.5 : 1).
_COLOURS = {"yes": "#2e7d32", "wait": "#9a5b00", "no": "#b3261e", "plain": "#455a64"}
_STATUS = {
    "open": ("yes", "open"),
    "granted": ("yes", "granted"),
    "submitted": ("wait", "requested"),
    "refused": ("no", "refused"),
    "ended": ("no", "ended"),
    "undisclosed": ("plain", "undisclosed"),
    "none": ("plain", "not requested"),
}


def badge(status: str, *, allowed: bool | None = None) -> str:
    """Give the coloured word for where somebody stands with a dataset."""
    colour, word = _STATUS.get(status, ("plain", status))
    is_open = status in ("granted", "open") and allowed is not False
    return (
        f'<span style="background:{_COLOURS[colour]}; color:#fff; border-radius:10px; padding:1px 9px; '
        f'white-space:nowrap; font-size:12px">{_lock(is_open)}{escape(word)}</span>'
    )


def datasets_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Give the table of datasets: what exists, whether I may use it, and why (not)."""
    head = "".join(
        f'<th style="{_CELL}color:{_SOFT}; font-weight:600">{name}</th>'
        for name in ("Dataset", "Tier", "Scans", "Subjects", "Access", "Why")
    )
    body = "".join(_dataset_row(row) for row in rows)
    if not body:
        body = f'<tr><td colspan="6" style="{_CELL}">No dataset is known here yet.</td></tr>'
    return frame(f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def dataset_card(row: Mapping[str, Any]) -> str:
    """Give the card of one dataset."""
    facts = {
        "Name": f"<code>{escape(row['name'])}</code>",
        "Tier": escape(row["tier"]),
        "Custodian": escape(row["custodian"]),
        "Version": f"<code>{escape((row['version'] or 'none yet')[:12])}</code>",
        "Scans": f"{_count(row['scans'], escape(row['modality']) + ' scan')} of {_count(row['subjects'], 'subject')}",
    }
    if row.get("obligations"):
        facts["You see"] = "<br>".join(escape(sentence) for sentence in row["obligations"])
    told = (
        f'<div style="margin:2px 0 8px; max-width:46em">{escape(row["description"])}</div>'
        if row["description"]
        else ""
    )
    why = f'<div style="margin-top:8px; max-width:46em">{escape(row["reason"])}</div>'
    head = f"{heading(row['title'])} {badge(row['status'], allowed=row['allowed'])}"
    return frame(f"{head}{told}{facts_table(facts)}{why}")


def request_card(row: Mapping[str, Any]) -> str:
    """Give the card of an access request."""
    facts = {
        "Dataset": f"<code>{escape(row['dataset'])}</code>",
        "Purpose": escape(row["purpose"]),
        "For": f"{row['days']} days",
        "Until": escape(row["until"] or "not decided"),
    }
    if row["reason"]:
        facts["Reason"] = escape(row["reason"])
    return frame(f"{heading('Access request ' + row['id'])} {badge(row['status'])}{facts_table(facts)}")


def person_card(row: Mapping[str, Any]) -> str:
    """Give the card of who is signed in."""
    isolated = row["isolation"] == "bubblewrap"
    facts = {
        "Account": f"<code>{escape(row['person'])}</code>",
        "Roles": escape(", ".join(row["roles"]) or "none"),
        "Kernel": "isolated: no network, no files but the workspace" if isolated else "not isolated: open data only",
    }
    return frame(f"{heading(row['name'])}{facts_table(facts)}")


def volume_card(volume: Volume) -> str:
    """Give the card of a scan, with a picture of its middle axial slice."""
    z, y, x = volume.shape
    facts = {
        "Dataset": f"<code>{escape(volume.dataset)}</code>",
        "Voxels (z, y, x)": f"{z} × {y} × {x}",
        "Spacing": " × ".join(f"{mm:.3g}" for mm in volume.spacing_mm) + " mm",
        "Origin (LPS)": ", ".join(f"{mm:.1f}" for mm in volume.origin_mm) + " mm",
        "Values": f"int16{f' × {volume.scale:.4g}' if volume.scale != 1 else ','} {escape(volume.unit)}",
    }
    picture = (
        f'<img alt="middle axial slice of {escape(volume.scan)}" src="data:image/png;base64,{preview(volume)}" '
        'style="border-radius:4px; margin-right:16px; background:#000; max-height:200px">'
    )
    text = f"<div>{heading('Scan ' + volume.scan)}{facts_table(facts)}</div>"
    return frame(f'<div style="display:flex; align-items:flex-start">{picture}{text}</div>')


def preview(volume: Volume) -> str:
    """Give the middle axial slice at a low resolution as base64 PNG, with voxels drawn in their true proportion."""
    from PIL import Image  # noqa: PLC0415 - heavy, loaded on first use

    grey = windowed(volume.middle_slice(preview_level(volume)), volume.window)
    png = io.BytesIO()
    Image.fromarray(grey).resize(preview_size(volume), Image.Resampling.BILINEAR).save(png, "PNG")
    return base64.b64encode(png.getvalue()).decode()


def preview_level(array: GridArray) -> int:
    """Give the resolution level whose slices are about as large as a preview."""
    return min(
        (n for n in range(array.levels) if max(array.shape[1:]) // 2**n <= 1.5 * PREVIEW_PIXELS),
        default=array.levels - 1,
    )


def preview_size(array: GridArray) -> tuple[int, int]:
    """Give width and height of a preview, pixels, in the true proportion of an axial slice."""
    height_mm, width_mm = array.shape[1] * array.spacing_mm[1], array.shape[2] * array.spacing_mm[2]
    scale = PREVIEW_PIXELS / max(height_mm, width_mm)
    return max(1, round(width_mm * scale)), max(1, round(height_mm * scale))


def windowed(pixels: NDArray[np.int16], window: tuple[float, float]) -> NDArray[np.uint8]:
    """Give HU as grey 0 to 255 at a display window (level, width)."""
    centre, width = window
    grey: NDArray[np.uint8] = np.clip((pixels.astype(np.float32) - (centre - width / 2)) / width * 255, 0, 255).astype(
        np.uint8
    )
    return grey


TABLE = "border-collapse:collapse; font:inherit; color:inherit; margin:0; background:transparent"


def _dataset_row(row: Mapping[str, Any]) -> str:
    name = (
        f'<div style="font-weight:600">{escape(row["title"])}</div>'
        f'<code style="color:{_SOFT}">{escape(row["name"])}</code>'
    )
    cells: Sequence[str] = (
        name,
        escape(row["tier"]),
        str(row["scans"]),
        str(row["subjects"]),
        badge(row["status"], allowed=row["allowed"]),
        f'<div style="min-width:16em; max-width:34em; white-space:normal">{escape(row["reason"])}</div>',
    )
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _count(number: int | None, thing: str) -> str:
    if number is None:
        return f"no {thing}s that you may see"
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _lock(is_open: bool) -> str:
    """Draw a padlock; a picture instead of a character, because not every font has one."""
    shackle = "M4.5 7V4.5a2.5 2.5 0 0 1 4.9-.7" if is_open else "M4.5 7V4.5a2.5 2.5 0 0 1 5 0V7"
    return (
        '<svg width="11" height="12" viewBox="0 0 14 15" aria-hidden="true" style="vertical-align:-1px; '
        f'margin-right:5px"><path d="{shackle}" fill="none" stroke="#fff" stroke-width="1.6"/>'
        '<rect x="2" y="7" width="10" height="7" rx="1.5" fill="#fff"/></svg>'
    )


def facts_table(facts: Mapping[str, str]) -> str:
    """Give names and values, which may be HTML, as a small table."""
    rows = "".join(
        f'<tr><td style="padding:2px 16px 2px 0; text-align:left; color:{_SOFT}">{escape(name)}</td>'
        f'<td style="padding:2px 0; text-align:left">{value}</td></tr>'
        for name, value in facts.items()
    )
    return f'<table style="{TABLE}; margin-top:6px"><tbody>{rows}</tbody></table>'


def heading(text: str) -> str:
    """Give the title of a card."""
    return f'<span style="font-weight:600; font-size:15px; margin-right:8px">{escape(text)}</span>'


def frame(content: str) -> str:
    """Give a card around its content."""
    return f'<div style="{_FRAME}">{content}</div>'
