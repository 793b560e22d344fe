"""Pixels as frames that can be looked at, and the same pixels as samples that can be covered.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.3.1 (image pixel), C.7.9 (palette); PS3.5 2026c 8.2 (native and encapsulated pixels).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRBigEndian

from workbench.errors import IngestRefused
from workbench.ingest.burned_in.boxes import Box
from workbench.ingest.silence import silent_pydicom

PIXEL_DATA = 0x7FE00010
# The groups whose elements change when pixels are decoded; cleaned elements are shared between instances.
CHANGED_GROUPS = (0x0008, 0x0028, 0x7FE0)
DECODE_ERRORS = (
    RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError, LookupError, ArithmeticError, OSError,
    EOFError, MemoryError, ImportError,
)  # fmt: skip


class Pixels:
    """The pixels of one instance, decoded where they were compressed.

    Parameters
    ----------
    instance : FileDataset
        It is changed in place: compressed pixels are replaced by native ones when something is covered.

    Raises
    ------
    IngestRefused
        When the pixels cannot be decoded (`undecodable`).
    """

    def __init__(self, instance: FileDataset) -> None:
        self._instance = instance
        try:
            with silent_pydicom():
                self._values: NDArray[Any] = instance.pixel_array
                self._colours = int(instance.SamplesPerPixel)
                self.count = self._frames_in(self._values)
        except DECODE_ERRORS as problem:
            raise _undecodable(problem) from None

    def frame(self, number: int) -> NDArray[Any]:
        """Give one frame as it is seen: grey of shape (row, column), or RGB of shape (row, column, 3)."""
        values = self._values[number] if self.count > 1 or self._values.ndim > self._plain else self._values
        if self._instance.PhotometricInterpretation == "PALETTE COLOR":
            try:
                return np.asarray(apply_color_lut(values, self._instance))
            except DECODE_ERRORS as problem:
                raise _undecodable(problem) from None
        return _without_unused_bits(values, self._instance)

    def cover(self, boxes: Sequence[Box]) -> None:
        """Cover the boxes in every frame with the darkest value; native pixels outside them keep every bit."""
        instance = self._instance
        for tag in [tag for tag in instance.keys() if tag.group in CHANGED_GROUPS]:
            instance[tag] = copy.copy(instance[tag])
        try:
            with silent_pydicom():
                if instance.file_meta.TransferSyntaxUID.is_compressed or _is_subsampled(instance):
                    _make_native(instance, self._values)
                _cover_native(instance, boxes, self.count, self._ground())
        except DECODE_ERRORS as problem:
            raise _undecodable(problem) from None

    @property
    def _plain(self) -> int:
        return 3 if self._colours > 1 else 2

    def _frames_in(self, values: NDArray[Any]) -> int:
        if values.ndim not in (self._plain, self._plain + 1):
            raise ValueError(f"pixels of shape {values.shape}")
        return values.shape[0] if values.ndim > self._plain else 1

    def _ground(self) -> tuple[int, ...]:
        """Give the value of the background: what is shown black."""
        kind, values = str(self._instance.PhotometricInterpretation), self._values
        if kind == "PALETTE COLOR":
            indices = np.unique(values)
            brightness = np.asarray(apply_color_lut(indices[None], self._instance)).sum(axis=2)[0]
            return (int(indices[int(brightness.argmin())]),)
        if self._colours > 1:
            return (0, 128, 128) if kind.startswith("YBR") and not _is_subsampled(self._instance) else (0, 0, 0)
        return (int(values.max() if kind == "MONOCHROME1" else values.min()),)


def _is_subsampled(instance: FileDataset) -> bool:
    return "422" in str(instance.PhotometricInterpretation) or "420" in str(instance.PhotometricInterpretation)


def _make_native(instance: FileDataset, values: NDArray[Any]) -> None:
    """Replace compressed or subsampled pixels by plain ones, colours as RGB."""
    if instance.file_meta.TransferSyntaxUID.is_compressed:
        instance.decompress(generate_instance_uid=False, as_rgb=True)
        return
    # pydicom gives RGB for every YBR source.
    instance.PhotometricInterpretation, instance.PlanarConfiguration = "RGB", 0
    content = values.tobytes()
    instance.PixelData = content + b"\0" * (len(content) % 2)


def _cover_native(instance: FileDataset, boxes: Sequence[Box], count: int, ground: tuple[int, ...]) -> None:
    rows, columns, colours = int(instance.Rows), int(instance.Columns), int(instance.SamplesPerPixel)
    size = int(instance.BitsAllocated)
    if size not in (8, 16, 32):
        raise ValueError(f"{size} bits allocated")
    order = ">" if instance.file_meta.TransferSyntaxUID == ExplicitVRBigEndian else "<"
    kind = f"{order}{'i' if int(instance.PixelRepresentation) else 'u'}{size // 8}"
    content = bytearray(instance.PixelData)
    samples = np.frombuffer(content, dtype=kind, count=count * rows * columns * colours)
    is_planar = colours > 1 and int(instance.get("PlanarConfiguration") or 0) == 1
    shaped = samples.reshape((count, colours, rows, columns) if is_planar else (count, rows, columns, colours))
    if is_planar:
        shaped = shaped.transpose(0, 2, 3, 1)
    for box in boxes:
        shaped[:, box.row0 : box.row1, box.col0 : box.col1] = np.array(ground, dtype=np.int64).astype(kind)
    del samples, shaped
    instance.PixelData = bytes(content)


def _without_unused_bits(values: NDArray[Any], instance: FileDataset) -> NDArray[Any]:
    """Drop the bits above the stored ones, where old scanners keep overlays; those are removed with their headers."""
    stored, allocated = int(instance.BitsStored), int(instance.BitsAllocated)
    if values.ndim > 2 or stored == allocated or int(instance.PixelRepresentation):
        return values
    return np.asarray(values & ((1 << stored) - 1))


def _undecodable(problem: Exception) -> IngestRefused:
    return IngestRefused(
        f"Its pixels cannot be decoded ({type(problem).__name__}), so nobody can tell whether they hold text: the file "
        "is damaged, or a decoder is missing (`pip install 'ai4h-workbench[ingest]'`).",
        code="undecodable",
    )
