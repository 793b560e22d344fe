"""What a folder was found to hold, before any pixel is read.

Runs in: ingest host
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataelem import DataElement
from pydicom.tag import BaseTag

from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.profile import ClassRules
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.frames import Slice


@dataclass
class FoundSeries:
    """The planes of one series, and what they share.

    Parameters
    ----------
    source_uid : str
        The series' UID at the source; never leaves this process.
    uid, subject : str
        The pseudonyms of series and patient.
    rules : ClassRules
        Of its SOP class.
    shared : dict
        The de-identified elements that all its files share, by tag.
    slices : list of Slice
        In the order in which they were found.
    """

    source_uid: str
    uid: str
    subject: str
    rules: ClassRules
    shared: dict[BaseTag, DataElement]
    slices: list[Slice] = field(default_factory=list)

    def keep_shared(self, other: dict[BaseTag, DataElement]) -> None:
        """Forget what another file of the series does not say alike."""
        if self.shared != other:
            self.shared = {tag: one for tag, one in self.shared.items() if tag in other and other[tag] == one}


@dataclass(frozen=True)
class LabelSource:
    """A file of labels (SEG, RTSTRUCT): where it is, and what it was drawn on.

    Parameters
    ----------
    path : Path
    name : str
        The file relative to the ingested folder.
    sop_class : str
    patient, study : str
        What the source calls them; kept in this process only.
    series : tuple of str
        The series that it refers to, by their UIDs at the source.
    """

    path: Path
    name: str
    sop_class: str
    patient: str
    study: str
    series: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A file that is not DICOM: where it is, and its name relative to the ingested folder."""

    path: Path
    name: str


@dataclass
class FolderScan:
    """What a folder holds.

    Parameters
    ----------
    series : dict
        By (series UID at the source, stack of a multi-frame file).
    labels : list of LabelSource
        Segmentations and structure sets.
    images, tables : list of Kept
        NIfTI and MetaImage files; CSV, Parquet and JSON files.
    partners : list of Kept
        The voxels of MetaImage headers, which come in with these.
    ignored : list of dict
        `{file, reason}`; on the ingest host only.
    refusals : list of Refusal
    cleaners : dict
        The de-identifier of each patient.
    files : int
        How many files there are.
    """

    series: dict[tuple[str, str], FoundSeries] = field(default_factory=dict)
    labels: list[LabelSource] = field(default_factory=list)
    images: list[Kept] = field(default_factory=list)
    tables: list[Kept] = field(default_factory=list)
    partners: list[Kept] = field(default_factory=list)
    ignored: list[dict[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    cleaners: dict[str, Deidentifier] = field(default_factory=dict)
    files: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How often each de-identification rule was applied."""
        total: Counter[str] = Counter()
        for cleaner in self.cleaners.values():
            total.update(cleaner.counts)
        return dict(sorted(total.items()))
