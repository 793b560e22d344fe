"""One volume as what the gateway keeps of it: the pyramid's objects and the facts of the scan.

Runs in: ingest host
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import IS, DSdecimal, DSfloat

from workbench.geometry import Geometry
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.found import FoundSeries
from workbench.ingest.series.frames import Slice
from workbench.ingest.series.geometry_gate import check_series
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.ingest.series.pixels import Voxels, read_voxels

# Level and width in HU that a lung is read with; what a viewer opens with.
LUNG_WINDOW = (-600, 1500)
# What a viewer opens other images with: nearly all of their values, without the few that outshine them. (percent)
WINDOW_PERCENT = (1.0, 99.5)
# A scan of a patient has air around or in the patient; without any, the intercept was likely lost on the way.
AIR_BELOW_HU = -200
# The actions whose elements describe how a scan was made; the others hold pseudonyms, or nothing.
DESCRIBING = frozenset(("age", "codes", "date", "number", "pattern", "terms", "words"))


class SourceVolume(Protocol):
    """A volume that may come in, from DICOM or from an image file; its voxels are read when asked for.

    Attributes
    ----------
    grid : Geometry
    modality : str
        `CT`, `MR`, `PT`, or `OT` for another image.
    uid, subject_pseudonym : str
        What stands for series and patient.
    source_uid : str
        The series' UID at the source, or the file's name; never leaves this process.
    files : tuple of str
        The files it is made of, relative to the ingested folder.
    instances : tuple of str
        The source's SOP instance UIDs by index z; empty for an image file.
    patient, frame_of_reference : str
        What the source calls them; kept in this process only.
    warnings : tuple of str
        What a custodian should know; no values of the patient.
    facts : dict
        What describes the scan, for `scan.json`.
    """

    @property
    def grid(self) -> Geometry: ...  # noqa: D102 - described above
    @property
    def modality(self) -> str: ...  # noqa: D102
    @property
    def uid(self) -> str: ...  # noqa: D102
    @property
    def subject_pseudonym(self) -> str: ...  # noqa: D102
    @property
    def source_uid(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def instances(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def patient(self) -> str: ...  # noqa: D102
    @property
    def frame_of_reference(self) -> str: ...  # noqa: D102
    @property
    def warnings(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def facts(self) -> dict[str, Any]: ...  # noqa: D102

    def read(self) -> Voxels | Refusal:
        """Read the voxels."""
        ...


@dataclass(frozen=True)
class CheckedSeries:
    """A series that passed the geometry gate; its pixels are not read yet.

    Parameters
    ----------
    slices : tuple of Slice
        From first to last index z.
    grid : Geometry
        Of the volume they make.
    found : FoundSeries
        Whose slices they are.
    """

    slices: tuple[Slice, ...]
    grid: Geometry
    found: FoundSeries

    @property
    def modality(self) -> str:
        """`CT`, `MR` or `PT`."""
        return self.slices[0].context.modality

    @property
    def source_uid(self) -> str:
        """The series' UID at the source; never leaves this process."""
        return self.found.source_uid

    @property
    def uid(self) -> str:
        """The pseudonym of the series, or of one stack of it."""
        return self.found.uid

    @property
    def subject_pseudonym(self) -> str:
        """The pseudonym of the patient."""
        return self.found.subject

    @property
    def patient(self) -> str:
        """What tells the patient from others at the source; never leaves this process."""
        return self.slices[0].patient

    @property
    def frame_of_reference(self) -> str:
        """The frame of reference's UID at the source; never leaves this process."""
        return self.slices[0].context.frame_of_reference

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files, each once, in the order of index z."""
        return tuple(dict.fromkeys(one.name for one in self.slices))

    @property
    def instances(self) -> tuple[str, ...]:
        """The source's SOP instance UIDs by index z; one alone for a multi-frame file."""
        uids = tuple(one.instance for one in self.slices)
        return uids if len(set(uids)) > 1 else uids[:1]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a custodian should know of how the pixels were made."""
        told = []
        if any(one.context.is_lossy for one in self.slices):
            told.append("The images were compressed with loss before they came; fine structure may be missing.")
        if self.modality == "CT" and self.slices[0].context.rescale_type == "US":
            told.append("The files say that the unit of their values is unspecified; compare a few values with HU.")
        return tuple(told)

    @property
    def facts(self) -> dict[str, Any]:
        """What the series' files say alike, by keyword, and whether they were compressed with loss."""
        facts: dict[str, Any] = {"dicom": shared_attributes(self.found)}
        if any(one.context.is_lossy for one in self.slices):
            facts["lossy"] = True
        return facts

    def read(self) -> Voxels | Refusal:
        """Read the voxels."""
        return read_voxels(self.slices, self.grid)


@dataclass(frozen=True)
class Place:
    """Where a series goes in its dataset: the ids of scan and subject, and the split."""

    scan: str
    subject: str
    split: str | None


def pass_gate(found: FoundSeries) -> CheckedSeries | Refusal:
    """Give the volume that a found series makes, or say why it makes none."""
    verdict = check_series(found.slices)
    if isinstance(verdict, Refusal):
        return verdict
    return CheckedSeries(tuple(verdict[0]), verdict[1], found)


def make_scan(
    series: SourceVolume, place: Place, profile: Profile
) -> tuple[dict[str, bytes], dict[str, Any]] | Refusal:
    """Read a volume's voxels and encode them.

    Returns
    -------
    tuple or Refusal
        The zarr objects by key, and the scan's facts as they are kept in `scan.json`.
    """
    voxels = series.read()
    return voxels if isinstance(voxels, Refusal) else encode_scan(series, voxels, place, profile)


def encode_scan(
    series: SourceVolume, voxels: Voxels, place: Place, profile: Profile
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Give the zarr objects of a volume by key, and its facts as they are kept in `scan.json`."""
    volume = voxels.values
    objects, levels = write_ome_zarr(volume, series.grid, kind=KIND_OF_MODALITY[series.modality])
    warnings = [*series.warnings, *_doubts(series.modality, voxels)]
    facts = {
        "scan": place.scan,
        "subject": place.subject,
        "split": place.split,
        "modality": series.modality,
        **series.grid.as_dict(),
        "sha256": voxel_digest(volume),
        "levels": levels,
        "window": list(default_window(series.modality, volume)),
        "unit": voxels.unit,
        "scale": voxels.scale,
        "scale_error": voxels.scale_error,
        # The range of the stored numbers: HU for CT, else times `scale` in `unit`.
        "hu": {"min": int(volume.min()), "max": int(volume.max()), "mean": float(volume.mean())},
        "series_uid": series.uid,
        "subject_pseudonym": series.subject_pseudonym,
        "profile": {"name": profile.name, "sha256": profile.digest},
        **series.facts,
        **({"warnings": warnings} if warnings else {}),
    }
    return objects, facts


KIND_OF_MODALITY = {"CT": "ct", "MR": "mr", "PT": "pet", "OT": "image"}


def _doubts(modality: str, voxels: Voxels) -> list[str]:
    doubts = []
    if modality == "CT" and int(voxels.values.min()) > AIR_BELOW_HU:
        doubts.append("The scan holds no air, so the rescale intercept may have been lost; compare a few values.")
    if modality == "CT" and voxels.scale_error:
        doubts.append("Rescaled values were rounded to whole HU, so they are off by at most 0.5 HU.")
    if modality != "CT" and voxels.scale_error:
        told = f"{voxels.scale_error:.3g}{'' if voxels.unit in ('arbitrary', '1') else ' ' + voxels.unit}"
        doubts.append(f"Values were rescaled to one factor, so they are off by at most {told}.")
    return doubts


def default_window(modality: str, volume: NDArray[np.int16]) -> tuple[int, int]:
    """Give level and width that a viewer opens a scan with, in the numbers that are stored."""
    if modality == "CT":
        return LUNG_WINDOW
    step = max(1, round(volume.size / 2**21))
    sample = np.sort(volume.reshape(-1)[::step])
    low, high = (int(sample[round((len(sample) - 1) * percent / 100)]) for percent in WINDOW_PERCENT)
    if modality == "PT":
        low = 0
    return (low + high) // 2, max(2, high - low)


def voxel_digest(volume: NDArray[Any]) -> str:
    """Give the SHA-256 (hex) of the voxels as little-endian int16 in (z, y, x) order."""
    return hashlib.sha256(volume.astype("<i2", order="C", copy=False).data).hexdigest()


def shared_attributes(found: FoundSeries) -> dict[str, Any]:
    """Give the kept attributes that all files of a series share, by keyword, as JSON values.

    Pseudonyms are not among them: they tie a scan to its source, and nobody who reads a scan needs that.
    """
    return _described(
        element
        for tag, element in sorted(found.shared.items())
        if tag in found.rules.rules and found.rules.rules[tag].action in DESCRIBING
    )


def _described(elements: Iterable[DataElement]) -> dict[str, Any]:
    return {element.keyword: _plain(element.value) for element in elements if element.value not in (None, "")}


def _plain(value: Any) -> Any:
    if isinstance(value, DicomSequence):
        return [_described(item) for item in value]
    if isinstance(value, Dataset):
        return _described(value)
    if isinstance(value, MultiValue | list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, IS):
        return int(value)
    if isinstance(value, DSfloat | DSdecimal):
        return float(value)
    return value if isinstance(value, int | float) else str(value)
