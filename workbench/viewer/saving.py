"""Marks into a file and back: a table, a DICOM segmentation or a DICOM structured report, by the file's ending.

A file is written whole or not at all, and none is replaced unless that is asked for.

Runs in: kernel
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.viewer.dicom_source import DAMAGE
from workbench.viewer.file_names import check_place, could_not_write, read_path, reason
from workbench.viewer.mark_set import LabelSet, Marks
from workbench.viewer.marks_table import read_table, write_table
from workbench.viewer.shown_volume import ShownVolume, as_shown

__all__ = ["LabelSet", "Marks", "load_marks", "save_marks"]

TABLES = (".csv", ".parquet")
EXAMPLES = "'marks.csv' or 'marks.dcm'"
KINDS = ("table", "seg", "sr")
SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.34"
STRUCTURE_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"


def save_marks(
    path: str | os.PathLike[str], marks: Marks, scan: object, *, kind: str | None = None, overwrite: bool = False,
    boxes_as_masks: bool = False,
) -> Path:  # fmt: skip
    """Save what was marked on a scan.

    Parameters
    ----------
    path : str or path
        Ending in .csv or .parquet for a table, in .dcm for DICOM.
    marks : Marks
    scan : ShownVolume or what `as_shown` takes
        The scan they were made on.
    kind : {"table", "seg", "sr"}, optional
        For .dcm: a segmentation (contours and labels as voxels) or a structured report (boxes, contours,
        measurements, candidates and judgements). Left out where only one of them can hold the marks.
    overwrite : bool, default False
        Whether a file of this name is replaced.
    boxes_as_masks : bool, default False
        Whether a segmentation also holds the voxels of the boxes.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InvalidInput
        When there is nothing to save, or the name's ending, the folder or the kind will not do.
    """
    shown = as_shown(scan)
    target = _target(path, overwrite)
    kind = _kind(target, marks, kind, boxes_as_masks)
    # Not by the target's name, which may be as long as names can be.
    draft = target.with_name(f".{secrets.token_hex(6)}.draft")
    try:
        if kind == "table":
            write_table(marks, shown, draft, target.suffix.lower())
        elif kind == "seg":
            from workbench.viewer.saving_seg import write_seg  # noqa: PLC0415 - heavy, loaded on first use

            write_seg(marks, shown, draft, boxes_as_masks=boxes_as_masks)
        else:
            from workbench.viewer.saving_sr import write_sr  # noqa: PLC0415 - heavy, loaded on first use

            write_sr(marks, shown, draft)
        _place(draft, target, overwrite)
    except OSError as problem:
        raise could_not_write(target, problem) from None
    finally:
        # In a folder that may not be entered there is no draft, and asking for it fails too.
        with suppress(OSError):
            draft.unlink()
    return target


def load_marks(path: str | os.PathLike[str], scan: object) -> Marks:
    """Read marks that were saved, a DICOM segmentation or RT structure set, as marks on a scan.

    Parameters
    ----------
    path : str or path
        A .csv, .parquet or DICOM file.
    scan : ShownVolume or what `as_shown` takes
        The scan they belong to.

    Returns
    -------
    Marks
        A segmentation gives `labels`, and `mask_to_contours` their outlines; a structure set gives `contours`.

    Raises
    ------
    InvalidInput
        When the file is absent, of another kind, or of another scan.

    Examples
    --------
    >>> marks = load_marks("reader-1.csv", ct.volume("S0001"))  # doctest: +SKIP
    >>> wb.view(ct.volume("S0001"), boxes=marks.boxes)  # doctest: +SKIP
    """
    shown, source = as_shown(scan), read_path(path, EXAMPLES)
    if not os.path.isfile(source):
        raise InvalidInput(
            f"There is no file {source.name} in {source.parent.name or 'this folder'} to read marks from."
        )
    try:
        source.open("rb").close()
    except OSError as problem:
        raise InvalidInput(f"“{source.name}” could not be read: {reason(problem)}; give a file you may read.") from None
    if source.suffix.lower() in TABLES:
        return read_table(source, shown)
    return _load_dicom(source, shown)


def _load_dicom(source: Path, shown: ShownVolume) -> Marks:
    from pydicom import dcmread  # noqa: PLC0415 - heavy, loaded on first use
    from pydicom.errors import BytesLengthException, InvalidDicomError  # noqa: PLC0415 - heavy, loaded on first use

    try:
        kind = str(dcmread(source, specific_tags=["SOPClassUID"]).get("SOPClassUID", ""))
    except (InvalidDicomError, BytesLengthException, *DAMAGE):
        raise InvalidInput(f"{source.name} is neither a table (.csv, .parquet) nor a DICOM file.") from None
    try:
        return _read_kind(kind, source, shown)
    except BytesLengthException:
        raise InvalidInput(f"{source.name} is a damaged DICOM file; save or export it again.") from None


def _read_kind(kind: str, source: Path, shown: ShownVolume) -> Marks:
    if kind in SEG_CLASSES:
        from workbench.viewer.reading_seg import read_seg  # noqa: PLC0415 - heavy, loaded on first use

        return read_seg(source, shown)
    if kind == SR_CLASS:
        from workbench.viewer.reading_sr import read_sr  # noqa: PLC0415 - heavy, loaded on first use

        return read_sr(source, shown)
    if kind == STRUCTURE_CLASS:
        from workbench.viewer.reading_structures import read_structures  # noqa: PLC0415 - heavy, loaded on first use

        return read_structures(source, shown)
    raise InvalidInput(
        f"{source.name} is no DICOM file that holds marks; segmentations, 3D structured reports and RT structure sets "
        "can be read."
    )


def _target(path: object, overwrite: bool) -> Path:
    target = read_path(path, EXAMPLES)
    check_place(target, "'marks.csv'")
    if os.path.exists(target) and not overwrite:
        raise InvalidInput(f"{target.name} exists already; give another name, or overwrite=True to replace it.")
    return target


def _kind(target: Path, marks: Marks, kind: str | None, boxes_as_masks: bool) -> str:
    """Give what to write, when the ending, the kind and the marks go together."""
    ending = target.suffix.lower()
    if ending not in (*TABLES, ".dcm"):
        raise InvalidInput(f"{target.name} ends in no form that marks are saved in; use .csv, .parquet or .dcm.")
    if kind not in (None, *KINDS) or (kind is not None and (kind == "table") != (ending in TABLES)):
        raise InvalidInput(f"The kind {kind!r} does not go with {ending}; .dcm takes “seg” or “sr”, others “table”.")
    if marks.is_empty:
        raise InvalidInput("Nothing is marked on this scan yet, so there is nothing to save.")
    has_voxels = bool(marks.contours or marks.labels or (boxes_as_masks and marks.boxes))
    has_findings = bool(marks.boxes or marks.contours or marks.measurements or marks.candidates)
    if ending == ".dcm" and kind is None:
        if marks.labels and (marks.boxes or marks.measurements or marks.candidates) or marks.contours:
            raise InvalidInput(
                "Say kind='seg' (contours and labels as voxels) or kind='sr' (boxes, contours, findings)."
            )
        kind = "seg" if has_voxels else "sr"
    if kind == "seg" and not has_voxels:
        raise InvalidInput(
            "A segmentation holds contours and labels, and there are none; save kind='sr', or the voxels of the boxes "
            "with boxes_as_masks=True."
        )
    if kind == "sr" and not has_findings:
        raise InvalidInput(
            "A structured report holds boxes, contours and findings, and there are none; use kind='seg'."
        )
    return kind or "table"


def _place(draft: Path, target: Path, overwrite: bool) -> None:
    """Give a written draft its name; without `overwrite` never in place of another file, even one made meanwhile."""
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    if overwrite:
        draft.replace(target)
        return
    try:
        os.link(draft, target)
    except FileExistsError:
        raise InvalidInput(f"{target.name} was made meanwhile by somebody else; give another name.") from None
    except OSError:
        # Some file systems know no links.
        if target.exists():
            raise InvalidInput(f"{target.name} was made meanwhile by somebody else; give another name.") from None
        draft.rename(target)
