"""Stored pixels to voxels: int16, slope and intercept of each slice, nothing rounded without need.

CT voxels are Hounsfield units. MR and PET voxels are int16 numbers that one factor (`scale`) turns into the unit of
the series. Where all slices have one slope, that factor is the slope and every value is exact; where slopes differ, as
in PET, it is the largest slope, so that no value is off by more than half of it.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.3.1 (pixel data), C.11.1.1.2 (rescale slope and intercept), C.8.9.1 (PET units).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from workbench.errors import MissingDependency
from workbench.geometry import Geometry
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import PARSE_ERRORS
from workbench.ingest.series.frames import Slice, Stored
from workbench.ingest.series.planes import NATIVE, planes_of_file
from workbench.ingest.silence import silent_pydicom

INT16 = np.iinfo(np.int16)
# Units of PET as the standard names them, and as people write them; another one is not repeated.
PET_UNITS = {
    "BQML": "Bq/ml", "GML": "g/ml", "CNTS": "counts", "CPS": "counts/s", "NONE": "1", "CM2ML": "cm2/ml", "PCNT": "%",
    "PROPCNTS": "counts", "PROPCPS": "counts/s", "MLMINML": "ml/min/ml", "MLML": "ml/ml", "UMOLML": "umol/ml",
    "MGMINML": "mg/min/ml", "UMOLMINML": "umol/min/ml", "MLMING": "ml/min/g", "MLG": "ml/g", "1CM": "1/cm",
    "STDDEV": "standard deviations", "SUV": "SUV",
}  # fmt: skip


@dataclass(frozen=True)
class Voxels:
    """The voxels of a series.

    Parameters
    ----------
    values : ndarray, int16, shape (z, y, x)
        HU for CT.
    unit : str
        What `values` times `scale` is given in.
    scale : float
        1 for CT.
    scale_error : float
        The most by which rounding moved a voxel, in `unit`; 0 where all are exact.
    """

    values: NDArray[np.int16]
    unit: str
    scale: float = 1.0
    scale_error: float = 0.0


def read_voxels(slices: Sequence[Slice], grid: Geometry) -> Voxels | Refusal:
    """Read the pixels of ordered slices.

    Parameters
    ----------
    slices : sequence of Slice
        From first to last index z, as the gate gave them.
    grid : Geometry
        Of the volume they make.

    Returns
    -------
    Voxels or Refusal
        A refusal names the file whose pixels cannot be decoded or do not fit int16.
    """
    try:
        volume = np.empty(grid.shape, dtype=np.int16)
    except MemoryError:
        reason = "the series is larger than the memory of this machine; ingest it on a larger one."
        return Refusal("too-large", reason, (slices[0].name,))
    is_ct = slices[0].context.modality == "CT"
    error = 0.0
    with silent_pydicom():
        for places in _by_file(slices).values():
            refusal, off = _read_file(slices, places, volume, is_ct=is_ct)
            if refusal is not None:
                return refusal
            error = max(error, off)
    if is_ct:
        return Voxels(volume, "unspecified" if slices[0].context.rescale_type == "US" else "HU", 1.0, error)
    unit = PET_UNITS.get(slices[0].context.units, "arbitrary") if slices[0].context.modality == "PT" else "arbitrary"
    scale, error = to_one_scale(volume, slices)
    return Voxels(volume, unit, scale, error)


def _by_file(slices: Sequence[Slice]) -> dict[object, dict[int, int]]:
    """Give for each file the index z of each of its frames."""
    files: dict[object, dict[int, int]] = {}
    for z, one in enumerate(slices):
        files.setdefault(one.path, {})[one.frame] = z
    return files


def _read_file(
    slices: Sequence[Slice], places: dict[int, int], volume: NDArray[np.int16], *, is_ct: bool
) -> tuple[Refusal | None, float]:
    """Read the frames of one file into their places: HU at once for CT, the stored values for others."""
    first, error = slices[next(iter(places.values()))], 0.0
    try:
        for frame, stored in planes_of_file(first, frozenset(places)):
            one = slices[places[frame]]
            values = significant(stored, _stored(one))
            if not is_ct:
                volume[places[frame]] = values.view(np.int16)
                continue
            refusal, off = _to_hu(one, values, volume[places[frame]])
            if refusal is not None:
                return refusal, 0.0
            error = max(error, off)
    except (*PARSE_ERRORS, RuntimeError, MemoryError, MissingDependency) as problem:
        return _undecodable(first, problem), 0.0
    return None, error


def _stored(one: Slice) -> Stored:
    if one.stored is None:
        raise ValueError("the attributes of the pixels are missing")
    return one.stored


def significant(values: NDArray[Any], stored: Stored) -> NDArray[Any]:
    """Keep the stored bits, with their sign; older scanners keep overlays in the bits above."""
    if values.dtype.itemsize == 1:
        return values.view(np.int8).astype(np.int16) if stored.is_signed else values.astype(np.uint16)
    bits = stored.bits
    values = values.astype(np.uint16, copy=False)
    if bits == 16:
        return values.view(np.int16) if stored.is_signed else values
    if stored.is_signed:
        return (values << (16 - bits)).view(np.int16) >> (16 - bits)
    return values & np.uint16((1 << bits) - 1)


def _undecodable(one: Slice, problem: Exception) -> Refusal:
    name = UID(one.syntax).name
    if isinstance(problem, MissingDependency):
        return Refusal("undecodable", f"its pixels ({name}) cannot be decoded: {problem}", (one.name,))
    if one.syntax in NATIVE:
        reason = f"its pixels ({name}) are cut short or missing ({type(problem).__name__}); export it again."
    else:
        reason = f"its pixels ({name}) are damaged or cut short ({type(problem).__name__}); export it again."
    return Refusal("undecodable", reason, (one.name,))


def _to_hu(one: Slice, stored: NDArray[Any], out: NDArray[np.int16]) -> tuple[Refusal | None, float]:
    slope, intercept = one.slope[0], one.intercept[0]
    low, high = (float(value) * slope + intercept for value in (stored.min(), stored.max()))
    if not INT16.min <= min(low, high) <= max(low, high) <= INT16.max:
        reason = f"its values ({low:g} to {high:g} HU) do not fit a CT volume (int16); its rescale is likely wrong."
        return Refusal("hu-range", reason, (one.name,)), 0.0
    if slope == 1 and intercept.is_integer():
        # The range was checked, so wrapping arithmetic on 16 bits gives the exact result.
        np.add(stored.astype(np.int16, copy=False), np.int16(intercept), out=out)
    elif slope.is_integer() and intercept.is_integer():
        out[...] = stored.astype(np.int64) * int(slope) + int(intercept)
    else:
        out[...] = np.rint(stored.astype(np.float64) * slope + intercept)
        return None, 0.5
    return None, 0.0


def to_one_scale(volume: NDArray[np.int16], slices: Sequence[Slice]) -> tuple[float, float]:
    """Bring the stored values of all slices to one factor, in place.

    Parameters
    ----------
    volume : ndarray, int16, shape (z, y, x)
        Stored values; the bits of unsigned ones as they are.
    slices : sequence of Slice
        In the same order, with their own slope and intercept.

    Returns
    -------
    float
        The factor.
    float
        The most by which rounding moved a voxel, in the series' unit: half the factor, or 0 where all are exact.
    """
    raw = [
        plane if _stored(one).is_signed else plane.view(np.uint16) for plane, one in zip(volume, slices, strict=True)
    ]
    rescale = [(one.slope[0], one.intercept[0]) for one in slices]
    largest = max(
        abs(float(value) * slope + intercept)
        for plane, (slope, intercept) in zip(raw, rescale, strict=True)
        for value in (plane.min(), plane.max())
    )
    scale = max(slope for slope, _ in rescale)
    if largest > INT16.max * scale:
        scale = largest / INT16.max
    error = 0.0
    for out, plane, (slope, intercept) in zip(volume, raw, rescale, strict=True):
        shift = intercept / scale
        if slope == scale and shift.is_integer():
            if shift:
                out[...] = plane.astype(np.int32) + int(shift)
        else:
            error = scale / 2
            out[...] = np.rint((plane.astype(np.float64) * slope + intercept) / scale)
    return scale, error
