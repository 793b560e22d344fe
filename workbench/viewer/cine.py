"""`wb.cine(scan)`: a scroll through a scan as an animated WebP or GIF, for slides and exported notebooks.

Runs in: kernel
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.errors import InvalidInput
from workbench.viewer.arrangements import arrange
from workbench.viewer.outputs import Animation, check_path
from workbench.viewer.overlays import LegendEntry
from workbench.viewer.palette import Colour
from workbench.viewer.picture import draw_planes, encode_png, with_fewer_colours
from workbench.viewer.planes import AXES, read_planes
from workbench.viewer.scene import Scene, part, read_colour, segment_colour
from workbench.viewer.shown_volume import ShownVolume, as_shown
from workbench.viewer.snapshot import (
    ArrayGrid,
    Marks,
    WindowGiven,
    read_size,
    scene_of,
)

FORMATS = ("webp", "gif")
USUAL_FRAMES, MOST_FRAMES = 100, 400
LARGEST = 1200
USUAL_WIDTH = 480
QUALITY = 80
# A GIF has 256 colours; the rest is for overlays.
GIF_GREYS = 128
# Slices are stored 64 thick, so that many are read at once.
BLOCK = 64


def cine(
    scan: Any, path: str | Path | None = None, *, plane: str = "axial",
    format: str | None = None,  # noqa: A002 - the word that every picture library uses
    fps: float = 15.0, first: int = 0, last: int | None = None, step: int | None = None,
    window: WindowGiven | None = None, slab_mm: float = 0.0, slab_mode: str = "mean", labels: Any = None,
    boxes: Marks = None, contours: Marks = None, size: int = 480, **grid: Unpack[ArrayGrid],
) -> Animation:  # fmt: skip
    """Give a scroll through a scan or an array, slice by slice.

    Parameters
    ----------
    scan : Volume, ndarray, tensor or SimpleITK image, shape (z, y, x)
        A scan of a dataset, or an array with its grid.
    path : str or Path, optional
        A file to save it in, ending in .webp or .gif; an older one is replaced.
    plane : {"axial", "coronal", "sagittal"}, default "axial"
        Which slices.
    format : {"webp", "gif"}, optional
        Left out, as the file's name ends, else webp, which is smaller.
    fps : float, default 15
        Frames in a second, 1 to 50.
    first, last, step : int, optional
        Slices from and to, both shown, and every how many; without them all, or so many that there are at most 100
        frames. `first` above `last` scrolls backwards.
    window, slab_mm, slab_mode, labels, boxes, contours : optional
        As for `wb.snapshot`.
    size : int, default 480
        Width, px, 200 to 1200.
    **grid : like, spacing_mm, geometry, modality, unit, title
        For arrays, as for `wb.snapshot`.

    Returns
    -------
    Animation
        It plays in a notebook and in the exported one; the same call gives the same bytes.

    Raises
    ------
    InvalidInput
        When the scan cannot be shown, or a slice, window, plane, mark, number or file name is not usable.
    AccessDenied
        When the scan may not be read; the message says why and how to ask.
    """
    (name,) = read_planes(plane, ())
    kind, pause_ms, wide = _read_format(format, path), _read_pause(fps), read_size(size, most=LARGEST)
    shown = as_shown(scan, **grid)
    indices = _read_indices(first, last, step, shown.geometry.shape[AXES[name][0]])
    scene = scene_of(
        shown, window=window, slab_mm=slab_mm, slab_mode=slab_mode, labels=labels, boxes=boxes, contours=contours,
        title=grid.get("title"),
    )  # fmt: skip
    data, start = _encode(_frames(shown, scene, name, indices, wide), kind, pause_ms, _colours(scene))
    words = f"{len(indices)} {name} slices of {scene.title}, window level {scene.level:g} width {scene.width:g}"
    return Animation(
        data, start.size, f"{words} {scene.unit}", ending=f".{kind}", frames=len(indices), first=encode_png(start)
    ).saved(path)


class _InBlocks:
    """A volume or labels whose slices are read many at once, because they are stored so; two blocks are held."""

    def __init__(self, source: Any, plane: str) -> None:
        self._source, self._normal = source, AXES[plane][0]
        self._held: dict[int, NDArray[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """Give what the source tells of itself; no coarser levels, which would be read slice by slice."""
        if name == "read_slice":
            raise AttributeError(name)
        return getattr(self._source, name)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Give voxels by an integer or a slice with both ends along the axis of the plane, and slices beside it."""
        wanted, beside = key[self._normal], tuple(part for axis, part in enumerate(key) if axis != self._normal)
        if not isinstance(wanted, slice):
            one: NDArray[Any] = self._slice(int(wanted))[beside]
            return one
        slices = [self._slice(index)[beside] for index in range(wanted.start, wanted.stop)]
        return np.stack(slices, axis=self._normal)

    def _slice(self, index: int) -> NDArray[Any]:
        number, within = divmod(index, BLOCK)
        if number not in self._held:
            at: list[slice] = [slice(None)] * 3
            at[self._normal] = slice(
                number * BLOCK, min((number + 1) * BLOCK, self._source.geometry.shape[self._normal])
            )
            while len(self._held) > 1:
                self._held.pop(next(iter(self._held)))
            self._held[number] = np.asarray(self._source[tuple(at)])
        taken: NDArray[Any] = np.take(self._held[number], within, axis=self._normal)
        return taken


def _frames(shown: ShownVolume, scene: Scene, plane: str, indices: Sequence[int], width: int) -> Iterator[Image.Image]:
    """Draw the slices one after the other, each with the position of its middle and all of one size."""
    volume: Any = _InBlocks(shown, plane)
    scene = replace(scene, labels=tuple(_InBlocks(layer, plane) for layer in scene.labels))
    places = arrange(shown.geometry, (plane,), width)
    legend = [LegendEntry(segment_colour(s), str(s["label"])) for layer in scene.labels for s in layer.segments]
    legend += [LegendEntry(one, name) for name, one in scene.contour_colours().items() if name]
    middle = np.asarray(shown.geometry.shape) // 2
    for index in indices:
        middle[AXES[plane][0]] = index
        x, y, z = shown.geometry.to_patient_mm(middle).tolist()
        yield draw_planes(
            volume, replace(scene, position_mm=(x, y, z)), places, width, max(0.7, width / USUAL_WIDTH), legend=legend
        ).image


def _encode(
    frames: Iterator[Image.Image], kind: str, pause_ms: int, colours: list[Colour]
) -> tuple[bytes, Image.Image]:
    """Give the animation, which repeats for ever, and its first frame."""
    start = next(frames)
    # Longer numbers may take one more line of the caption; all frames have the size of the first.
    frames = (frame.crop((0, 0, *start.size)) for frame in frames)
    out = io.BytesIO()
    if kind == "webp":
        start.save(
            out, "WEBP", save_all=True, append_images=frames, duration=pause_ms, loop=0, quality=QUALITY, method=4
        )  # fmt: skip
    else:
        rest = (with_fewer_colours(frame, GIF_GREYS, colours) for frame in frames)
        with_fewer_colours(start, GIF_GREYS, colours).save(
            out, "GIF", save_all=True, append_images=rest, duration=pause_ms, loop=0, optimize=False
        )  # fmt: skip
    return out.getvalue(), start


def _colours(scene: Scene) -> list[Colour]:
    labels = [segment_colour(segment) for layer in scene.labels for segment in layer.segments]
    own = [read_colour(str(part(one, "colour"))) for one in scene.contours if part(one, "colour")]
    return [*labels, *scene.contour_colours().values(), *own]


def _read_format(given: str | None, path: str | Path | None) -> str:
    check_path(path, tuple(f".{kind}" for kind in FORMATS))
    named = Path(path).suffix[1:].lower() if path is not None else ""
    kind = given or named or FORMATS[0]
    if kind not in FORMATS or (named and kind != named):
        said = f", and the file's name ends in .{named}" if named else ""
        raise InvalidInput(f"The format is {kind!r}{said}; it is {' or '.join(FORMATS)}, the same as the ending.")
    return kind


def _read_pause(fps: object) -> int:
    if isinstance(fps, bool) or not isinstance(fps, int | float | np.number) or not 1 <= fps <= 50:
        raise InvalidInput(f"fps is {fps!r}; it must be 1 to 50 frames in a second, which is what every player keeps.")
    # GIF counts in hundredths of a second; the same pause for both.
    return round(100 / float(fps)) * 10


def _read_indices(first: int, last: int | None, step: int | None, depth: int) -> list[int]:
    stop = depth - 1 if last is None else last
    for name, number in (("first", first), ("last", stop)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 0 <= number < depth:
            raise InvalidInput(f"{name} is {number!r}; the slices go from 0 to {depth - 1}.")
    every = math.ceil((abs(stop - first) + 1) / USUAL_FRAMES) if step is None else step
    if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
        raise InvalidInput(f"step is {every!r}; it must be a whole number from 1.")
    indices = list(range(first, stop + 1, every)) if first <= stop else list(range(first, stop - 1, -every))
    if len(indices) > MOST_FRAMES:
        raise InvalidInput(
            f"{len(indices)} frames are more than an animation should hold; take a larger step, so that there are at "
            f"most {MOST_FRAMES}."
        )
    return indices
