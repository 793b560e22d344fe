"""`wb.contact_sheet(dataset)`: one slice of each scan side by side, or the slices of one scan.

Runs in: kernel
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from workbench.data.catalogue import dataset as open_dataset
from workbench.data.dataset import Dataset
from workbench.errors import InvalidInput
from workbench.viewer.inks import QUIET_COLOUR, Pen
from workbench.viewer.outputs import Picture, check_path
from workbench.viewer.panes import MARGIN, Pane
from workbench.viewer.picture import CAPTION_HEIGHT, LINE_HEIGHT, encode_png, signed
from workbench.viewer.planes import AXES, Plane, closest_axes, lay_planes, read_planes
from workbench.viewer.scene import Scene
from workbench.viewer.shown_volume import ShownVolume, as_shown
from workbench.viewer.snapshot import WindowGiven, read_size, read_slab
from workbench.viewer.windows import is_inverted, presets_for, read_window

MOST_COLUMNS, MOST_TILES = 12, 200
GAP = 2
# Tiles of this width have letters of the usual size.
USUAL_TILE = 250


class Tile(NamedTuple):
    """One slice of a sheet: which volume, which slice, and what is written on it."""

    volume: ShownVolume
    at: int
    name: str


def contact_sheet(
    scans: Any, *, columns: int = 4, most: int = 24, plane: str = "axial", at: float = 0.5,
    window: WindowGiven | None = None, slab_mm: float = 0.0, slab_mode: str = "mean", size: int = 1000,
    path: str | Path | None = None, title: str | None = None,
) -> Picture:  # fmt: skip
    """Give a picture of many scans, one slice each, or of the slices of one scan.

    Parameters
    ----------
    scans : Dataset, str, iterable of scans, or one scan
        A dataset or its name: its scans in the order of its table. One scan: evenly spaced slices of it.
    columns, most : int, default 4 and 24
        Tiles in a row (1 to 12) and altogether (1 to 200); the caption says how many scans there are.
    plane : {"axial", "coronal", "sagittal"}, default "axial"
        Which slices.
    at : float, default 0.5
        Where the slice of each scan lies, 0 (first slice) to 1 (last).
    window : str or (level, width), optional
        The same for all; without it the one that suits each scan.
    slab_mm, slab_mode : float, default 0, and {"mean", "mip", "minip"}
        Thickness of what each tile shows, mm (0 is one slice), and how it is projected.
    size : int, default 1000
        Width, px, 200 to 4000.
    path : str or Path, optional
        A file to save it in, ending in .png; an older one is replaced.
    title : str, optional
        What stands in the caption.

    Returns
    -------
    Picture
        It shows itself in a notebook; the same call gives the same bytes.

    Raises
    ------
    InvalidInput
        When there is no scan, or a number, window, plane or file name is not usable.
    AccessDenied
        When a scan may not be read; the message says why and how to ask.
    """
    (name,) = read_planes(plane, ())
    columns, most = _whole("columns", columns, MOST_COLUMNS), _whole("most", most, MOST_TILES)
    first = Scene(
        (0.0, 0.0, 0.0), 0.0, 1.0, slab_mm=read_slab(slab_mm, slab_mode), slab_mode=slab_mode, crosshair=False
    )
    width = read_size(size)
    check_path(path, (".png",))
    tiles, total, called = _tiles(scans, name, most, _share(at))
    image, count, said = _draw(tiles, first, name, window=window, columns=columns, size=width)
    shown = f"{count} of {total}" if total > count else str(count)
    words = [title or called, f"{shown} {'slices' if _is_one(scans) else 'scans'}", name, said]
    words.append(f"slab {first.slab_mm:g} mm {slab_mode}" if first.slab_mm else "")
    pen = Pen(image)
    pen.text((MARGIN, image.size[1] - CAPTION_HEIGHT / 2), "   ".join(filter(None, words)), "lm", QUIET_COLOUR)
    return Picture(encode_png(image), image.size, "Contact sheet: " + ", ".join(filter(None, words))).saved(path)


def _is_one(scans: object) -> bool:
    return not isinstance(scans, Dataset | str) and (hasattr(scans, "geometry") or getattr(scans, "ndim", 0) == 3)


def _tiles(scans: Any, plane: str, most: int, at: float) -> tuple[Iterator[Tile], int, str]:
    """Give the tiles, how many there could be, and what they are of."""
    normal = AXES[plane][0]
    if isinstance(scans, str):
        scans = open_dataset(scans)
    if isinstance(scans, Dataset):
        names = [str(one) for one in scans.scans()["scan"]]
        source, called = scans, f"{scans.name} {scans.version or ''}".strip()
        volumes = (as_shown(source.volume(one), title=None) for one in names[:most])
        return (_at(one, normal, at) for one in volumes), len(names), called
    if _is_one(scans):
        shown = as_shown(scans)
        depth = shown.geometry.shape[normal]
        count = min(most, depth)
        indices = [int((number + 0.5) * depth / count) for number in range(count)]
        return (Tile(shown, index, f"{'zyx'[normal]} {index}") for index in indices), depth, shown.title
    if not isinstance(scans, Iterable):
        raise InvalidInput(
            f"A contact sheet takes a dataset, a scan or a list of scans; this is of type {type(scans).__name__}."
        )
    given = list(scans)
    return (_at(as_shown(one), normal, at) for one in given[:most]), len(given), ""


def _at(shown: ShownVolume, normal: int, at: float) -> Tile:
    index = int(np.floor(at * (shown.geometry.shape[normal] - 1) + 0.5))
    scan = getattr(shown, "scan", None)
    return Tile(shown, index, str(getattr(scan, "scan", shown.title)))


def _draw(
    tiles: Iterable[Tile], first: Scene, plane: str, *, window: Any, columns: int, size: int
) -> tuple[Image.Image, int, str]:
    """Draw the tiles one by one, so that only one volume's slice is held; tell the window where all have the same."""
    side = (size - GAP * (columns - 1)) // columns
    zoom = min(1.0, max(0.6, side / USUAL_TILE))
    pictures, windows, notes = [], [], []
    for tile in tiles:
        presets = presets_for(tile.volume)
        wanted = presets[0]["name"] if window is None else window
        level, width = read_window(wanted, presets)
        scene = replace(
            first, level=level, width=width, unit=tile.volume.unit, title=tile.name,
            inverted=is_inverted(wanted, presets),
        )  # fmt: skip
        laid = {one.name: one for one in lay_planes(tile.volume.geometry)}[plane]
        pane = Pane(laid, tile.volume.geometry, (side, side), zoom)
        pictures.append(pane.draw(tile.volume, scene, index=tile.at, name=tile.name, is_overview=True)[0])
        grey = ", inverted grey" if scene.inverted else ""
        windows.append(f"window level {signed(level, 'g')} width {width:g} {scene.unit}{grey}")
        notes.append(_note(tile, laid))
    if not pictures:
        raise InvalidInput("There is no scan to show; give a dataset that has scans, or a list of volumes.")
    same = windows[0] if len(set(windows)) == 1 else ""
    line = round(LINE_HEIGHT * zoom)
    below = line * (1 if same else 2)
    rows = math.ceil(len(pictures) / columns)
    image = Image.new("RGB", (size, rows * (side + below + GAP) + CAPTION_HEIGHT), (0, 0, 0))
    pen = Pen(image, zoom)
    for number, (picture, note, said) in enumerate(zip(pictures, notes, windows, strict=True)):
        left, top = number % columns * (side + GAP), number // columns * (side + below + GAP)
        image.paste(picture, (left, top))
        for row, words in enumerate([note] if same else [note, said]):
            fitting = pen.fitting(words, side - 2 * pen.px(MARGIN), size=10)
            pen.text((left + pen.px(MARGIN), top + side + line * (row + 0.5)), fitting, "lm", QUIET_COLOUR, size=10)
    return image, len(pictures), same


def _note(tile: Tile, plane: Plane) -> str:
    """Give where the slice lies in the patient, and the voxel spacing."""
    geometry = tile.volume.geometry
    middle = np.asarray(geometry.shape) // 2
    middle[plane.normal] = tile.at
    place = geometry.to_patient_mm(middle)
    along = closest_axes(geometry)[plane.normal]
    sz, sy, sx = geometry.spacing_mm
    return f"{'xyz'[along]} {signed(float(place[along]))} mm   voxel {sx:.3g} × {sy:.3g} × {sz:.3g} mm"


def _whole(name: str, number: object, most: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 1 <= number <= most:
        raise InvalidInput(f"{name} is {number!r}; it must be a whole number from 1 to {most}.")
    return int(number)


def _share(at: object) -> float:
    if isinstance(at, bool) or not isinstance(at, int | float | np.number) or not 0 <= at <= 1:
        raise InvalidInput(f"`at` is {at!r}; it must be a number from 0 (first slice) to 1 (last).")
    return float(at)
