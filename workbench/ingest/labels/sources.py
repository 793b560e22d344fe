"""Every label file of a folder, put on the scan it belongs to: SEG, RTSTRUCT, and masks as image files.

Runs in: ingest host
Source: DICOM PS3.3 2026c A.19 (RT structure set), A.51 (segmentation), A.85 (label map segmentation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from workbench.ingest.deidentify.profile import Profile, load_profile
from workbench.ingest.deidentify.pseudonyms import patient_identity
from workbench.ingest.labels import rtstruct, seg
from workbench.ingest.labels.fields import first_text, instances, is_cut_short
from workbench.ingest.labels.files import is_mask_file, read_mask
from workbench.ingest.labels.label_set import LabelledScan, LabelSet
from workbench.ingest.labels.layers import MOST_LAYERS, Region, make_label_sets
from workbench.ingest.labels.names import Namer, namer_of
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import PARSE_ERRORS
from workbench.ingest.series.found import Kept, LabelSource
from workbench.ingest.series.volumes import SourceVolume
from workbench.ingest.silence import silent_pydicom

LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
WITHOUT_IMAGE = (
    "label-without-image: the images it was drawn on are not in the folder; ingest labels and images together"
)
References = list[tuple[str, tuple[str, ...]]]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class _Kind:
    """How one kind of label file is read."""

    name: str
    prefix: str
    references: Callable[[Dataset], References]
    read: Callable[[FileDataset, str, LabelledScan, Namer], tuple[list[Region], list[str]] | Refusal]


SEG = _Kind("SEG", "segment", seg.referenced_series, seg.read_segmentation)
RTSTRUCT = _Kind("RTSTRUCT", "ROI", rtstruct.referenced_series, rtstruct.read_structures)
KINDS = {SegmentationStorage: SEG, LABEL_MAP_STORAGE: SEG, RTStructureSetStorage: RTSTRUCT}


@dataclass
class FoundLabels:
    """What the label files of a folder gave.

    Parameters
    ----------
    found : list of (str, LabelSet)
        Label sets with the `uid` of the scan they lie on.
    refusals : list of Refusal
        Files that may not come in.
    ignored : list of dict
        `{file, reason}` of what was left out; on the ingest host alone.
    """

    found: list[tuple[str, LabelSet]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    ignored: list[dict[str, str]] = field(default_factory=list)


def read_labels(
    sources: Sequence[LabelSource],
    scans: Sequence[SourceVolume],
    *,
    profile: Profile | None = None,
    progress: Progress | None = None,
) -> tuple[list[tuple[str, LabelSet]], list[Refusal], list[dict[str, str]]]:
    """Read label files and put each on its scan.

    Parameters
    ----------
    sources : sequence of LabelSource or Kept
        DICOM SEG, label map segmentation and RTSTRUCT files, NIfTI and MetaImage masks; anything else is ignored by
        name.
    scans : sequence of SourceVolume
        The volumes of the same folder.
    profile : Profile, optional
        Says whether names of regions may stay; `standard` when left out.
    progress : callable, optional
        Called with (done, total, what).

    Returns
    -------
    list of (str, LabelSet)
        The `uid` of the scan, and labels on its grid, named `seg-1`, `rtstruct-1`, `rtstruct-1-layer-2` …
    list of Refusal
        Files that would give wrong labels, by code: `label-other-patient`, `label-frame-of-reference`, `label-grid`,
        `label-outside`, `label-contour`, `label-frames`, `label-values`, `label-too-many`, `label-several-scans`,
        `unsupported-pixels`, `undecodable`, `unreadable`.
    list of dict
        `{file, reason}` of files without their images, or without a region.
    """
    result, files = FoundLabels(), []
    labelled, policy = [LabelledScan.of(scan) for scan in scans], profile or load_profile()
    with silent_pydicom():
        for done, source in enumerate(sources, 1):
            files += _read_one(source, labelled, result, policy)
            if progress is not None:
                progress(done, len(sources), "labels")
    result.found += name_label_sets(files)
    return result.found, result.refusals, result.ignored


def name_label_sets(files: Sequence[tuple[str, list[LabelSet]]]) -> list[tuple[str, LabelSet]]:
    """Name the label sets of each scan by kind and number; the order comes from the voxels, never from file names."""
    named: list[tuple[str, LabelSet]] = []
    counts: Counter[tuple[str, str]] = Counter()
    for scan, layers in sorted(files, key=lambda file: (file[0], file[1][0].source_kind, _digest(file[1]))):
        kind = layers[0].source_kind.lower()
        counts[scan, kind] += 1
        name = f"{kind}-{counts[scan, kind]}"
        for number, layer in enumerate(layers, 1):
            named.append((scan, layer.named(name if number == 1 else f"{name}-layer-{number}")))
    return named


def find_scan(
    source: Dataset, references: References, scans: Sequence[LabelledScan], name: str
) -> LabelledScan | Refusal | None:
    """Give the scan that a label file was made on; nothing when it is not among them."""
    series = {uid for uid, _ in references if uid}
    used = _used_instances(source) + Counter(uid for _, uids in references for uid in uids if uid)
    votes = {
        scan.uid: (sum(used[uid] for uid in scan.instances), scan.series in series)
        for scan in scans
        if scan.series in series or any(uid in used for uid in scan.instances)
    }
    if not votes and not series and not used:
        frame = first_text(source, "FrameOfReferenceUID")
        votes = {scan.uid: (0, False) for scan in scans if frame and scan.frame_of_reference == frame}
    best = [scan for scan in scans if scan.uid in votes and votes[scan.uid] == max(votes.values())]
    if not best:
        return None
    if len(best) > 1:
        reason = "it belongs to several series alike, so its scan is not known; ingest one of them with it."
        return Refusal("label-several-scans", reason, (name,))
    (scan,) = best
    if scan.patient and scan.patient != patient_identity(source):
        reason = "it says that it is of another patient than the images it was drawn on; export both again."
        return Refusal("label-other-patient", reason, (name,))
    return scan


def _read_one(
    source: LabelSource | Kept, scans: Sequence[LabelledScan], result: FoundLabels, profile: Profile
) -> list[tuple[str, list[LabelSet]]]:
    """Read one file into the result, or give the layers that it makes and their scan."""
    try:
        read = _labels_of(source, scans, profile)
    except InvalidDicomError:
        read = "not a DICOM file"
    except PARSE_ERRORS as problem:
        reason = f"the file is damaged or cut short ({type(problem).__name__} while reading it)."
        read = Refusal("unreadable", reason, (source.name,))
    if isinstance(read, Refusal):
        result.refusals.append(read)
    elif isinstance(read, str):
        result.ignored.append({"file": source.name, "reason": read})
    else:
        return [read]
    return []


def _labels_of(
    source: LabelSource | Kept, scans: Sequence[LabelledScan], profile: Profile
) -> tuple[str, list[LabelSet]] | Refusal | str:
    if is_mask_file(source.name):
        kept = Kept(source.path, source.name)
        mask = read_mask(kept, scans, source.patient if isinstance(source, LabelSource) else "")
        return mask if isinstance(mask, Refusal) else (mask[0], [mask[1]]) if mask else WITHOUT_IMAGE
    file = dcmread(source.path)
    if is_cut_short(file):
        return Refusal("unreadable", "the file is cut short; copy or export it again.", (source.name,))
    kind = KINDS.get(first_text(file, "SOPClassUID"))
    if kind is None:
        return "not a segmentation or structure set"
    scan = find_scan(file, kind.references(file), scans, source.name)
    if scan is None:
        return WITHOUT_IMAGE
    if isinstance(scan, Refusal):
        return scan
    made = kind.read(file, source.name, scan, namer_of(file, kind.prefix, profile))
    if isinstance(made, Refusal):
        return made
    regions, notes = made
    if not regions:
        return " ".join(["it holds no region.", *notes])
    layers = make_label_sets(kind.name, regions, scan.grid, notes)
    if layers is None:
        reason = f"its regions overlap in more than {MOST_LAYERS} layers; split it into several files."
        return Refusal("label-too-many", reason, (source.name,))
    return scan.uid, layers


def _used_instances(source: Dataset) -> Counter[str]:
    """Count how often each source image is named by a contour or a frame."""
    contours = (
        contour.get("ContourImageSequence")
        for roi in source.get("ROIContourSequence") or ()
        for contour in roi.get("ContourSequence") or ()
    )
    frames = (
        derivation.get("SourceImageSequence")
        for frame in source.get("PerFrameFunctionalGroupsSequence") or ()
        for derivation in frame.get("DerivationImageSequence") or ()
    )
    return Counter(uid for sequence in (*contours, *frames) for uid in instances(sequence) if uid)


def _digest(layers: Sequence[LabelSet]) -> str:
    together = sha256()
    for layer in layers:
        for slab in layer.packed.slabs:
            together.update(slab)
        together.update(repr(layer.segments).encode())
    return together.hexdigest()
