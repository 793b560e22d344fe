"""The kernel's side of the viewer's line: slices of arrays that only the kernel has, and the browser's code.

Slices are made on a thread of their own, so that one which nobody waits for any more is never begun.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.geometry import Geometry
from workbench.imaging.reformat import reformat
from workbench.imaging.slabs import Slab, slab_reach
from workbench.viewer.shown_volume import PLANES, ShownVolume, level_geometry

CODE = Path(__file__).parent / "static" / "viewer.js"
# Neighbours of a slab that are held at a time.
STACK = 16

Send = Callable[[dict[str, Any], list[bytes]], None]


class LabelSource(Protocol):
    """A label layer, whose voxels may be only in the kernel."""

    def read_slice(self, plane: str, index: int, on: Geometry) -> NDArray[np.uint16]:
        """Give the labels on a slice of a grid, shape (rows, columns)."""

    def centre_of(self, value: int) -> tuple[float, float, float] | None:
        """Give a place in the middle of a region, patient mm (x, y, z); None where it has no voxel."""


class Answerer:
    """Answers what the browser asks the kernel.

    Parameters
    ----------
    volumes : mapping of str to ShownVolume
        By the names that the browser has for them: ``v0``, ``v1``.
    labels : mapping of str to LabelSource
        ``l0`` and so on.
    send : callable
        Sends a message and its buffers to the browser.
    """

    def __init__(self, volumes: Mapping[str, ShownVolume], labels: Mapping[str, LabelSource], send: Send) -> None:
        self._volumes, self._labels, self._send = volumes, labels, send
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="slices")
        self._waiting: dict[object, Future[None]] = {}

    def take(self, message: object) -> None:
        """Take a message of the browser; what is not understood is not answered."""
        kind = message.get("kind") if isinstance(message, Mapping) else None
        if kind == "code":
            self._send({"kind": "code"}, [CODE.read_bytes()])
        elif kind == "cancel" and isinstance(message, Mapping):
            future = self._waiting.pop(message.get("id"), None)
            if future is not None:
                future.cancel()
        elif kind == "centre" and isinstance(message, Mapping):
            self._worker.submit(self._find, dict(message))
        elif kind == "slice" and isinstance(message, Mapping):
            self._waiting[message.get("id")] = self._worker.submit(self._answer, dict(message))

    def close(self) -> None:
        """Stop answering; what waits is dropped."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _answer(self, ask: dict[str, Any]) -> None:
        number = ask.get("id")
        try:
            pixels = self.slice(ask)
        except WorkbenchError as error:
            self._send({"kind": "refused", "id": number, "message": error.message}, [])
        except Exception as problem:  # The array is the notebook's own and may do anything when it is read.
            words = f"The array could not be read: {type(problem).__name__}: {problem}. Mend it and run the cell again."
            self._send({"kind": "refused", "id": number, "message": words}, [])
        else:
            unsigned = pixels.dtype == np.uint16
            body = {"kind": "slice", "id": number, "shape": list(pixels.shape), "unsigned": unsigned}
            self._send(body, [pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()])
        finally:
            self._waiting.pop(number, None)

    def _find(self, ask: dict[str, Any]) -> None:
        """Say where a region of a label layer is: patient mm (x, y, z), or None where it has no voxel."""
        body: dict[str, Any] = {"kind": "centre", "layer": ask.get("layer"), "value": ask.get("value")}
        layer = self._labels.get(str(ask.get("layer")))
        try:
            centre = layer.centre_of(_whole(ask.get("value"))) if layer else None
        except WorkbenchError as error:
            self._send({**body, "centre_mm": None, "message": error.message}, [])
        else:
            self._send({**body, "centre_mm": centre}, [])

    def slice(self, ask: Mapping[str, Any]) -> NDArray[Any]:
        """Give one slice: `layer, plane, index, level, slab_mm, mode, on` as the browser asks for it.

        Returns
        -------
        ndarray, int16 (volumes) or uint16 (labels), shape (rows, columns)
        """
        layer, plane = str(ask.get("layer")), str(ask.get("plane"))
        index, level = _whole(ask.get("index")), _whole(ask.get("level", 0))
        if plane not in PLANES:
            raise NotFound(f"There is no plane “{plane[:32]}”; the planes are {', '.join(PLANES)}.")
        if layer in self._labels:
            under = self._volumes.get(str(ask.get("on") or "v0"), self._volumes["v0"])
            return self._labels[layer].read_slice(plane, index, under.geometry)
        if layer not in self._volumes:
            raise NotFound(f"This view has no layer “{layer[:32]}”; run its cell again.")
        on = self._volumes.get(str(ask.get("on") or ""))
        return shown_slice(
            self._volumes[layer], plane, index, level=level, slab_mm=float(ask.get("slab_mm") or 0.0),
            mode=str(ask.get("mode") or "mean"), on=on.geometry if on else None,
        )  # fmt: skip


def shown_slice(
    volume: ShownVolume, plane: str, index: int, *, level: int = 0, slab_mm: float = 0.0, mode: str = "mean",
    on: Geometry | None = None,
) -> NDArray[np.int16]:  # fmt: skip
    """Give a slice or slab of a volume, at a level or on another grid.

    Parameters
    ----------
    volume : ShownVolume
        Read slice by slice.
    plane : {"axial", "coronal", "sagittal"}
        Which axis stands still.
    index : int
        Which slice: of the level, or of the grid `on`.
    level : int, default 0
        0 is full resolution.
    slab_mm : float, default 0
        Thickness of the slab, mm; 0 is one slice.
    mode : {"mean", "mip", "minip"}, default "mean"
        How a slab is projected.
    on : Geometry, optional
        Another grid; where the volume is not, there is no value.

    Returns
    -------
    ndarray, int16, shape (rows, columns), stored numbers
    """
    grid = on or level_geometry(volume.geometry, level)
    axis = PLANES[plane]
    reach = slab_reach(slab_mm, grid.spacing_mm[axis])
    wanted = range(max(index - reach, 0), min(index + reach, grid.shape[axis] - 1) + 1) if reach else [index]

    def one(at: int) -> NDArray[np.int16]:
        if on is None:
            return volume.read_slice(plane, at, level)
        result: NDArray[np.int16] = reformat(
            lambda box: np.asarray(volume[tuple(slice(*span) for span in box)]), volume.geometry, on, plane, at
        )
        return result

    if not reach:
        return one(index)
    slab, numbers = Slab(mode), list(wanted)
    for first in range(0, len(numbers), STACK):
        slab.add(np.stack([one(at) for at in numbers[first : first + STACK]]))
    return slab.slice()


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"A slice is named by whole numbers, not by {str(value)[:32]!r}.")
    return value
