"""Boxes, positions and windows, read once from what a person wrote.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.data.boxes import Box
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.volume import WINDOWS
from workbench.viewer.planes import closest_axes

Position = tuple[float, float, float]
LONGEST_LABEL = 60
# A cell that marks more than this is a table, not a picture; each box costs about 100 bytes of kernel traffic.
MOST_BOXES = 500


@dataclass(frozen=True)
class BoxMark(Box):
    """A box that was checked and can be drawn; its sizes are > 0, and it needs no label."""

    label: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give the box as the plain values that travel to the browser."""
        return {"centre_mm": list(self.centre_mm), "size_mm": list(self.size_mm), "label": self.label}

    def index_limits(self, geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the lowest and highest voxel index (z, y, x), with fractions; voxel centres are whole numbers.

        On an oblique volume the box follows the voxel grid, each side taken from the closest patient axis.
        """
        centre = geometry.to_index(np.asarray(self.centre_mm))
        sides = [self.size_mm[part] for part in closest_axes(geometry)]
        half = np.asarray(sides) / 2 / np.asarray(geometry.spacing_mm)
        return centre - half, centre + half


def read_boxes(boxes: object, geometry: Geometry) -> tuple[BoxMark, ...]:
    """Read boxes: objects or mappings with `centre_mm` (x, y, z), `size_mm` (one number or three) and `label`.

    Raises
    ------
    InvalidInput
        When one is malformed, or lies wholly outside the volume; the message names which and why.
    """
    if boxes is None:
        return ()
    if isinstance(boxes, str | bytes | Mapping) or not isinstance(boxes, Iterable):
        raise InvalidInput(
            f"`boxes` is a {type(boxes).__name__}; give a list of boxes, for example "
            "dataset.boxes(scan_id) or [{'centre_mm': (x, y, z), 'size_mm': 12, 'label': 'nodule'}]."
        )
    marks = tuple(_read_box(number, box, geometry) for number, box in enumerate(boxes))
    if len(marks) > MOST_BOXES:
        raise InvalidInput(f"{len(marks)} boxes are more than a picture can show; give at most {MOST_BOXES}.")
    return marks


def read_label(label: object, longest: int = LONGEST_LABEL) -> str:
    r"""Give a label as text that every file can hold, cut to a length; nothing is no text.

    >>> read_label("nodule \ud83d")
    'nodule ?'
    """
    # A browser cuts texts between the halves of a rare letter, and half a letter cannot be written.
    return str(label or "")[:longest].encode("utf-8", "replace").decode()


def read_position(position_mm: object, geometry: Geometry) -> Position:
    """Read a patient position (x, y, z), LPS, mm, that must lie inside the volume.

    Raises
    ------
    InvalidInput
        When it is not three finite numbers, or lies outside; the message says where the volume is.
    """
    position = _three(position_mm, "position_mm")
    index = geometry.to_index(np.asarray(position))
    # Half a voxel beyond the outer centres still belongs to the outer voxels; 1e-6 is for rounding.
    if np.any(index < -0.5 - 1e-6) or np.any(index > np.asarray(geometry.shape) - 0.5 + 1e-6):
        raise InvalidInput(
            f"position_mm {_said(position)} lies outside this volume, which covers {_extent(geometry)}. "
            "Positions are patient millimetres (x, y, z) in LPS."
        )
    return position


def centre_of(geometry: Geometry) -> Position:
    """Give the patient position of the middle voxel."""
    x, y, z = geometry.to_patient_mm(np.asarray(geometry.shape) // 2)
    return float(x), float(y), float(z)


def read_window(window: object) -> tuple[float, float]:
    """Give (level, width) in HU of a preset's name or of a pair (level, width).

    Raises
    ------
    InvalidInput
        When the name is unknown, or the pair is not two finite numbers with a width of at least 1.
    """
    if isinstance(window, str):
        if window not in WINDOWS:
            raise InvalidInput(
                f"There is no window “{window}”; the presets are {', '.join(WINDOWS)}. "
                "A pair (level, width) in HU works too."
            )
        preset = WINDOWS[window]
        return float(preset.level), float(preset.width)
    pair = _numbers(window, 2)
    if pair is None or pair[1] < 1:
        raise InvalidInput(
            f"The window {window!r} is neither a preset ({', '.join(WINDOWS)}) nor a pair (level, width) in HU "
            "with a width of at least 1."
        )
    return pair[0], pair[1]


def _read_box(number: int, box: object, geometry: Geometry) -> BoxMark:
    def part(name: str) -> object:
        return box.get(name) if isinstance(box, Mapping) else getattr(box, name, None)

    centre, size = part("centre_mm"), part("size_mm")
    if centre is None or size is None:
        raise InvalidInput(
            f"Box {number} has no centre_mm or no size_mm; a box needs centre_mm (x, y, z) and size_mm, "
            "and may have a label."
        )
    sides = (size, size, size) if isinstance(size, int | float | np.number) else size
    mark = BoxMark(
        _three(centre, f"centre_mm of box {number}"), _three(sides, f"size_mm of box {number}"),
        read_label(part("label")),
    )  # fmt: skip
    if min(mark.size_mm) <= 0:
        raise InvalidInput(f"size_mm of box {number} is {_said(mark.size_mm)}; every side must be above 0.")
    low, high = mark.index_limits(geometry)
    if np.any(high < -0.5) or np.any(low > np.asarray(geometry.shape) - 0.5):
        raise InvalidInput(
            f"Box {number} at {_said(mark.centre_mm)} lies outside this volume, which covers {_extent(geometry)}. "
            "Is it a box of another scan, or in voxels instead of patient millimetres?"
        )
    return mark


def _three(value: object, name: str) -> Position:
    numbers = _numbers(value, 3)
    if numbers is None:
        raise InvalidInput(f"{name} is {value!r}; it must be three finite numbers (x, y, z) in mm.")
    return numbers[0], numbers[1], numbers[2]


def _numbers(value: object, count: int) -> list[float] | None:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return array.tolist() if array.shape == (count,) and np.all(np.isfinite(array)) else None


def _said(position: Position) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in position) + ") mm"


def _extent(geometry: Geometry) -> str:
    corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * np.asarray(geometry.shape) - 0.5
    places = geometry.to_patient_mm(corners)
    low, high = places.min(axis=0), places.max(axis=0)
    return ", ".join(f"{axis} {a:.1f} to {b:.1f}" for axis, a, b in zip("xyz", low, high, strict=True)) + " mm"
