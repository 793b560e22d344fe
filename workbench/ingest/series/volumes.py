"""One series of slices as what the gateway keeps of it: the pyramid's objects and the facts of the scan.

Runs in: ingest host
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import IS, DSdecimal, DSfloat

from workbench.geometry import Geometry
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import Slice
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.ingest.series.pixels import read_volume

# Level and width in HU that a lung is read with; what a viewer opens with.
LUNG_WINDOW = (-600, 1500)
# The rules whose elements describe how a scan was made; the others hold pseudonyms, or nothing.
DESCRIBING = frozenset(("age", "codes", "number", "pattern", "shift-date", "vocabulary"))


@dataclass(frozen=True)
class CheckedSeries:
    """A series that passed the geometry gate; its pixels are not read yet.

    Parameters
    ----------
    slices : tuple of Slice
        From first to last index z.
    grid : Geometry
        Of the volume they make.
    """

    slices: tuple[Slice, ...]
    grid: Geometry

    @property
    def source_uid(self) -> str:
        """The series' UID at the source; never leaves this process."""
        return self.slices[0].series

    @property
    def uid(self) -> str:
        """The pseudonym of the series."""
        return str(self.slices[0].header.SeriesInstanceUID)

    @property
    def subject_pseudonym(self) -> str:
        """The pseudonym of the patient."""
        return str(self.slices[0].header.PatientID)


@dataclass(frozen=True)
class Place:
    """Where a series goes in its dataset: the ids of scan and subject, and the split."""

    scan: str
    subject: str
    split: str | None


def make_scan(
    series: CheckedSeries, place: Place, profile: Profile
) -> tuple[dict[str, bytes], dict[str, Any]] | Refusal:
    """Read a series' pixels and encode them.

    Returns
    -------
    tuple or Refusal
        The zarr objects by key, and the scan's facts as they are kept in `scan.json`.
    """
    volume = read_volume(series.slices, series.grid, profile)
    if isinstance(volume, Refusal):
        return volume
    objects, levels = write_ome_zarr(volume, series.grid)
    facts = {
        "scan": place.scan,
        "subject": place.subject,
        "split": place.split,
        "modality": "CT",
        **series.grid.as_dict(),
        "sha256": voxel_digest(volume),
        "levels": levels,
        "window": list(LUNG_WINDOW),
        "hu": {"min": int(volume.min()), "max": int(volume.max()), "mean": float(volume.mean())},
        "series_uid": series.uid,
        "subject_pseudonym": series.subject_pseudonym,
        "profile": {"name": profile.name, "sha256": profile.digest},
        "dicom": shared_attributes(series.slices, profile),
    }
    return objects, facts


def voxel_digest(volume: NDArray[Any]) -> str:
    """Give the SHA-256 (hex) of the voxels as little-endian int16 in (z, y, x) order."""
    return hashlib.sha256(volume.astype("<i2", order="C", copy=False).data).hexdigest()


def shared_attributes(slices: Sequence[Slice], profile: Profile) -> dict[str, Any]:
    """Give the kept attributes that all slices of a series share, by keyword, as JSON values.

    Pseudonyms are not among them: they tie a scan to its source, and nobody who reads a scan needs that.
    """
    first = slices[0].header
    shared = {
        tag: first[tag] for tag in first.keys() if tag in profile.rules and profile.rules[tag].action in DESCRIBING
    }
    for one in slices[1:]:
        for tag in [tag for tag, element in shared.items() if one.header.get(tag) != element]:
            del shared[tag]
    return {element.keyword: _plain(element.value) for element in shared.values() if element.value not in (None, "")}


def _plain(value: Any) -> Any:
    if isinstance(value, DicomSequence):
        return [{element.keyword: _plain(element.value) for element in item} for item in value]
    if isinstance(value, MultiValue | list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, IS):
        return int(value)
    if isinstance(value, DSfloat | DSdecimal):
        return float(value)
    return value if isinstance(value, int | float) else str(value)
