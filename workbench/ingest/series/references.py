"""The series that a file of labels refers to.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.8.8.5 (structure set), C.12.1.1.1 (common instance reference, used by segmentations).
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from workbench.ingest.series.frames import texts


def referenced_series(source: Dataset) -> tuple[str, ...]:
    """Give the UIDs of the series that labels were drawn on, each once."""
    return tuple(dict.fromkeys(uid for item in _items(source) for uid in texts(item.get("SeriesInstanceUID"))))


def _items(source: Dataset) -> Iterator[Dataset]:
    yield from source.get("ReferencedSeriesSequence") or ()
    for study in source.get("StudiesContainingOtherReferencedInstancesSequence") or ():
        yield from study.get("ReferencedSeriesSequence") or ()
    for frame in source.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            yield from study.get("RTReferencedSeriesSequence") or ()
