"""CT scans in files: a folder of DICOM, a NIfTI or a MetaImage file, for `workbench infer`.

Files pass the same strict gate as an ingest: what makes no regular volume is refused by the rule's name. Nothing of
a header is kept but the grid; no file name and no identity is repeated.

Runs in: terminal
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.compute.scan_input import ScanInput, make_scan, not_ct
from workbench.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from workbench.ingest.refusals import Refusal
    from workbench.ingest.series.found import FolderScan, FoundSeries

IMAGE_ENDINGS = (".nii", ".nii.gz", ".mha", ".mhd")
# What says that a slice may be missing, rather than that a file is of another kind.
BROKEN = ("unreadable", "not-dicom")


def read_scan(path: Path) -> ScanInput:
    """Read a CT scan from files.

    Parameters
    ----------
    path : Path
        A folder with the files of one CT series, or a ``.nii``, ``.nii.gz``, ``.mha`` or ``.mhd`` file.

    Raises
    ------
    NotFound
        When nothing is there.
    InvalidInput
        When it is no CT volume; `code` names the rule, such as ``not-ct``, ``empty-folder`` or ``missing-slice``.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise NotFound(
            f"There is no scan “{path.name}”; give a folder of DICOM, or a .nii, .nii.gz, .mha or .mhd file."
        )
    if not path.name.lower().endswith(IMAGE_ENDINGS):
        raise InvalidInput(
            "One file is no series: give the folder that holds all files of the series, or a NIfTI or MetaImage file.",
            code="not-a-scan",
        )
    return _of_file(path)


def _of_folder(folder: Path) -> ScanInput:
    from workbench.ingest.deidentify.profile import load_profile  # noqa: PLC0415 - heavy, loaded on first use
    from workbench.ingest.progress import quiet  # noqa: PLC0415 - with it
    from workbench.ingest.refusals import Refusal  # noqa: PLC0415 - with it
    from workbench.ingest.series.folder import read_folder  # noqa: PLC0415 - with it
    from workbench.ingest.series.volumes import pass_gate  # noqa: PLC0415 - with it

    # Headers are de-identified as they are read, under a key that nobody keeps.
    found = read_folder(folder, secrets.token_bytes(32), load_profile(), quiet)
    checked = pass_gate(_one_series(found))
    voxels = checked if isinstance(checked, Refusal) else checked.read()
    if isinstance(checked, Refusal) or isinstance(voxels, Refusal):
        raise _unreadable(checked if isinstance(checked, Refusal) else voxels)  # type: ignore[arg-type]
    return make_scan(voxels.values, checked.grid)


def _one_series(found: FolderScan) -> FoundSeries:
    if not found.files:
        raise InvalidInput(
            "The folder is empty; give the folder that holds the files of one CT series.", code="empty-folder"
        )
    for refusal in found.refusals:
        if refusal.code in BROKEN:
            raise _unreadable(refusal)
    if not found.series:
        if found.images:
            raise InvalidInput("The folder holds image files; give the path of one of them.", code="not-a-scan")
        if found.refusals:
            raise _unreadable(found.refusals[0])
        raise InvalidInput("The folder holds no DICOM series of CT images.", code="empty-folder")
    of_ct = [one for one in found.series.values() if one.slices[0].context.modality == "CT"]
    if not of_ct:
        kinds = ", ".join(sorted({one.slices[0].context.modality for one in found.series.values()}))
        raise not_ct(kinds)
    if len(of_ct) > 1:
        raise InvalidInput(
            f"The folder holds {len(of_ct)} CT series; give a folder with the files of one.", code="several-series"
        )
    return of_ct[0]


def _of_file(path: Path) -> ScanInput:
    from workbench.ingest.refusals import Refusal  # noqa: PLC0415 - heavy, loaded on first use
    from workbench.ingest.series.files import ONLY_CT_BELOW, Listed, read_image_file  # noqa: PLC0415 - with it
    from workbench.ingest.series.found import Kept  # noqa: PLC0415 - with it

    name = path.name
    image = read_image_file(Kept(path, name), secrets.token_bytes(32), {name: Listed("one", "CT")})
    voxels = image if isinstance(image, Refusal) else image.read()
    if isinstance(image, Refusal) or isinstance(voxels, Refusal):
        raise _unreadable(image if isinstance(image, Refusal) else voxels)  # type: ignore[arg-type]
    if int(voxels.values.min()) >= ONLY_CT_BELOW:
        raise InvalidInput(
            f"No value of the file is below {ONLY_CT_BELOW}, so it holds no air as a chest CT does, or is no CT in HU "
            "(MR, a mask, another scale); give a CT in HU.", code="not-ct",
        )  # fmt: skip
    return make_scan(voxels.values, image.grid)


def _unreadable(refusal: Refusal) -> InvalidInput:
    # The reason names no file; a file name may be a patient's.
    return InvalidInput(f"The scan cannot be read: {refusal.reason} [{refusal.code}]", code=refusal.code)
