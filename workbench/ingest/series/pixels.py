"""Stored pixels to Hounsfield units: int16, slope and intercept of each slice, nothing rounded without need.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.3.1 (pixel data), C.11.1.1.2 (rescale slope and intercept).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from workbench.geometry import Geometry
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import PARSE_ERRORS, Slice
from workbench.ingest.silence import silent_pydicom

PIXEL_DATA = 0x7FE00010
# How the element of uncompressed pixels begins: tag, representation where it is explicit, and length.
PLAIN_START: dict[str, re.Pattern[bytes]] = {
    ImplicitVRLittleEndian: re.compile(rb"\xe0\x7f\x10\x00(....)", re.DOTALL),
    ExplicitVRLittleEndian: re.compile(rb"\xe0\x7f\x10\x00O[WB]\x00\x00(....)", re.DOTALL),
}
EXPLICIT_BYTES, IMPLICIT_BYTES = 12, 8
INT16 = np.iinfo(np.int16)


def read_volume(slices: Sequence[Slice], grid: Geometry, profile: Profile) -> NDArray[np.int16] | Refusal:
    """Read the pixels of ordered slices.

    Returns
    -------
    ndarray, int16, shape (z, y, x), HU, or Refusal
        A refusal names the file whose pixels cannot be decoded or do not fit int16.
    """
    volume = np.empty(grid.shape, dtype=np.int16)
    with silent_pydicom():
        for index, one in enumerate(slices):
            is_native = profile.syntaxes[one.syntax] == "native"
            try:
                stored = _native(one) if is_native else _decoded(one)
            except (*PARSE_ERRORS, RuntimeError, ImportError) as problem:
                return _undecodable(one, problem, is_native=is_native)
            refusal = _rescale(one, stored, volume[index])
            if refusal is not None:
                return refusal
    return volume


def _native(one: Slice) -> NDArray[Any]:
    """Give the stored values of an instance whose pixels are not compressed."""
    header = one.header
    shape = int(header.Rows), int(header.Columns)
    content = _pixels_where_expected(one, shape[0] * shape[1] * 2)
    if content is None:
        content = _pixel_bytes(dcmread(one.path, specific_tags=["PixelData"]))
    if len(content) - shape[0] * shape[1] * 2 not in (0, 1):
        raise ValueError(f"{len(content)} bytes of pixels where {shape[0] * shape[1] * 2} belong")
    is_big = one.syntax == ExplicitVRBigEndian
    values = np.frombuffer(content, dtype=">u2" if is_big else "<u2", count=shape[0] * shape[1]).reshape(shape)
    return _significant(values.astype(np.uint16, copy=False), int(header.BitsStored), int(header.PixelRepresentation))


def _pixels_where_expected(one: Slice, size: int) -> bytes | None:
    """Give the pixels from just behind the header, without parsing the file again, where they plainly lie there."""
    begin = PLAIN_START.get(one.syntax)
    if begin is None:
        return None
    with one.path.open("rb") as stream:
        stream.seek(one.pixels_at)
        found = begin.fullmatch(stream.read(EXPLICIT_BYTES if one.syntax == ExplicitVRLittleEndian else IMPLICIT_BYTES))
        is_plain = found is not None and int.from_bytes(found[1], "little") == size
        content = stream.read(size) if is_plain else b""
    return content if len(content) == size else None


def _pixel_bytes(source: FileDataset) -> bytes:
    element = source.get_item(PIXEL_DATA)
    value = None if element is None else element.value
    if not isinstance(value, bytes):
        raise ValueError("no pixel data")
    return value


def _significant(values: NDArray[np.uint16], bits: int, is_signed: int) -> NDArray[Any]:
    """Keep the stored bits, with their sign; older scanners keep overlays in the bits above."""
    if bits == 16:
        return values.view(np.int16) if is_signed else values
    if is_signed:
        return (values << (16 - bits)).view(np.int16) >> (16 - bits)
    return values & np.uint16((1 << bits) - 1)


def _decoded(one: Slice) -> NDArray[Any]:
    """Give the stored values of a compressed instance, by the first decoder that is installed."""
    values: NDArray[Any] = dcmread(one.path).pixel_array
    if values.shape != (int(one.header.Rows), int(one.header.Columns)) or values.dtype.kind not in "iu":
        raise ValueError(f"decoded to {values.shape} {values.dtype}")
    return values


def _undecodable(one: Slice, problem: Exception, *, is_native: bool) -> Refusal:
    name = UID(one.syntax).name
    if is_native:
        reason = f"its pixels ({name}) are cut short or missing ({type(problem).__name__})."
    elif isinstance(problem, RuntimeError | ImportError | NotImplementedError):
        reason = (
            f"its pixels ({name}) cannot be decoded: the file is damaged, or a decoder is missing; "
            "`pip install 'ai4h-workbench[ingest]'` brings the decoders."
        )
    else:
        reason = f"its pixels ({name}) cannot be decoded ({type(problem).__name__})."
    return Refusal("undecodable", reason, (one.name,))


def _rescale(one: Slice, stored: NDArray[Any], out: NDArray[np.int16]) -> Refusal | None:
    slope, intercept = float(one.header.RescaleSlope), float(one.header.RescaleIntercept)
    low, high = (float(value) * slope + intercept for value in (stored.min(), stored.max()))
    if slope == 0 or not INT16.min <= min(low, high) <= max(low, high) <= INT16.max:
        reason = f"its values ({low:g} to {high:g} HU) do not fit a CT volume (int16)."
        return Refusal("hu-range", reason, (one.name,))
    if slope == 1 and intercept.is_integer():
        # The range was checked, so wrapping arithmetic on 16 bits gives the exact result.
        np.add(stored.astype(np.int16, copy=False), np.int16(intercept), out=out)
    elif slope.is_integer() and intercept.is_integer():
        out[...] = stored.astype(np.int64) * int(slope) + int(intercept)
    else:
        out[...] = np.rint(stored.astype(np.float64) * slope + intercept)
    return None
