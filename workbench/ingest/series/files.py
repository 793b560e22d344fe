"""NIfTI and MetaImage files as volumes that may come in, with a warning: nothing in them says whose they are.

Of such a file only sizes, places and voxels are read. Its free text (`descrip`, `db_name`, `aux_file`, other tags) is
never looked at.

Runs in: ingest host
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import IngestRefused, InvalidInput
from workbench.geometry import Geometry
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import PARSE_ERRORS
from workbench.ingest.series.found import Kept
from workbench.ingest.series.geometry_gate import LARGEST_EDGE, LARGEST_MM, LARGEST_SPACING_MM, LARGEST_VOXELS
from workbench.ingest.series.image_headers import ImageHeader, read_header
from workbench.ingest.series.pixels import INT16, Voxels

NO_IDENTITY = (
    "The file carries no identity to check: who ingests it vouches for its subject, and that nobody is known by it."
)
GUESSED = "The file does not say how it was made; it was taken for {} by its values. A list of files can say it."
MODALITIES = ("CT", "MR", "PT", "OT")
# No image but CT has values this low; a CT without air has none, and must be named in a list.
ONLY_CT_BELOW = -500
# Directions written with 32-bit numbers are off by less.
TOLERANCE_DIRECTION = 1e-3
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Listed:
    """What a list of files says of one: whose it is, and how it was made."""

    subject: str
    modality: str = ""


@dataclass(frozen=True)
class ImageFile:
    """An image file that passed the geometry gate; its voxels are not read yet.

    Parameters
    ----------
    kept : Kept
        The file.
    header : ImageHeader
    grid : Geometry
    uid, subject_pseudonym : str
        What stands for the image (by its content) and for its subject.
    patient : str
        What tells the subject from others at the source; never leaves this process.
    modality : str
        `CT`, `MR`, `PT` or `OT`.
    warnings : tuple of str
    """

    kept: Kept
    header: ImageHeader
    grid: Geometry
    uid: str
    subject_pseudonym: str
    patient: str
    modality: str
    warnings: tuple[str, ...]

    @property
    def source_uid(self) -> str:
        """The file's name; never leaves this process."""
        return self.kept.name

    @property
    def files(self) -> tuple[str, ...]:
        """The file's name, relative to the ingested folder."""
        return (self.kept.name,)

    @property
    def instances(self) -> tuple[str, ...]:
        """Nothing, for the file has no instances."""
        return ()

    @property
    def frame_of_reference(self) -> str:
        """Nothing, for the file names none."""
        return ""

    @property
    def facts(self) -> dict[str, Any]:
        """What the file says of how it was made: nothing."""
        return {"dicom": {}}

    def read(self) -> Voxels | Refusal:
        """Read the voxels."""
        values = read_values(self.kept, self.header)
        return values if isinstance(values, Refusal) else _to_int16(self.kept, values, self.modality)


def read_image_file(kept: Kept, key: bytes, listed: Mapping[str, Listed] | None = None) -> ImageFile | Refusal:
    """Pass an image file through the geometry gate.

    Parameters
    ----------
    kept : Kept
        The file, as `read_folder` found it.
    key : bytes
        The secret of the pseudonyms.
    listed : mapping of str to Listed, optional
        By file name relative to the ingested folder. A file that is not in it is a subject of its own, whose
        pseudonym comes from the file's name.

    Returns
    -------
    ImageFile or Refusal
        A refusal names the file and the rule.
    """
    try:
        header = read_header(kept.path)
        grid = _grid(header)
        digest = _digest(header.files)
        said = (listed or {}).get(kept.name, Listed(""))
        modality, warnings = said.modality, (NO_IDENTITY, *header.notes)
        if not modality:
            values = read_values(kept, header)
            if isinstance(values, Refusal):
                return values
            modality = "CT" if values.min() < ONLY_CT_BELOW else "OT"
            warnings = (*warnings, GUESSED.format("CT" if modality == "CT" else "an image in arbitrary units"))
    except IngestRefused as problem:
        return Refusal(problem.code, problem.message, (kept.name,))
    except (*PARSE_ERRORS, MemoryError) as problem:
        return _damaged(kept, problem)
    patient = f"id\0{said.subject}\0" if said.subject else f"file\0{kept.name}"
    pseudonyms = Pseudonyms(key, patient)
    return ImageFile(
        kept=kept, header=header, grid=grid, uid=pseudonyms.uid(f"file\0{digest}"), patient=patient,
        subject_pseudonym=pseudonyms.patient_id, modality=modality, warnings=warnings,
    )  # fmt: skip


def read_list(path: Path) -> dict[str, Listed]:
    """Read a list of image files: CSV with the columns `file`, `subject` and, if known, `modality`.

    Raises
    ------
    InvalidInput
        When it cannot be read, a column is missing, a file stands twice, or a modality is unknown.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InvalidInput(
            "The list of image files cannot be read; give as --subjects a CSV file in UTF-8 with the columns file, "
            "subject and modality."
        ) from None
    found: dict[str, Listed] = {}
    for number, row in enumerate(rows, 2):
        file, subject, modality = ((row.get(name) or "").strip() for name in ("file", "subject", "modality"))
        if not file or not subject or file in found or (modality and modality not in MODALITIES):
            raise InvalidInput(
                f"Line {number} of the list of image files needs a `file` that stands once, a `subject`, and as "
                f"`modality` one of {', '.join(MODALITIES)} or nothing."
            )
        found[file] = Listed(subject, modality)
    return found


def read_values(kept: Kept, header: ImageHeader) -> NDArray[Any] | Refusal:
    """Give the values of an image file as they are stored and scaled, shape (z, y, x)."""
    try:
        content = header.content()
        if len(content) != header.size:
            return Refusal("undecodable", "its voxels are cut short; save it again.", (kept.name,))
        stored: NDArray[Any] = np.frombuffer(content, dtype=header.dtype).reshape(header.shape)
    except (*PARSE_ERRORS, MemoryError) as problem:
        return _damaged(kept, problem)
    if (header.slope, header.intercept) != (1.0, 0.0):
        stored = stored.astype(np.float64) * header.slope + header.intercept
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        return Refusal("impossible-value", "some of its voxels are not numbers; save it without them.", (kept.name,))
    return stored


def holds_labels(values: NDArray[Any]) -> bool:
    """Whether voxels look like labels: bytes from 0, or nothing but 0 and 1."""
    if values.dtype.kind not in "iub" or values.min() < 0:
        return False
    return values.dtype.itemsize == 1 or bool(values.max() <= 1)


def _damaged(kept: Kept, problem: Exception) -> Refusal:
    reason = f"the file is damaged or cut short ({type(problem).__name__} while reading it)."
    return Refusal("unreadable", reason, (kept.name,))


def _digest(files: Iterable[Path]) -> str:
    together = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while part := stream.read(CHUNK_BYTES):
                together.update(part)
    return together.hexdigest()


def _grid(header: ImageHeader) -> Geometry:
    """Give the grid; one that is sheared, or has impossible numbers, is unusable."""
    if max(header.shape) > LARGEST_EDGE or np.prod(header.shape) > LARGEST_VOXELS:
        raise IngestRefused("its sizes are not those of an image; save it again.", code="impossible-value")
    steps = header.affine[:, :3]
    spacing = np.linalg.norm(steps, axis=0)
    origin = header.affine[:, 3]
    if not (np.all(spacing > 0) and np.all(spacing <= LARGEST_SPACING_MM) and np.all(np.abs(origin) <= LARGEST_MM)):
        raise IngestRefused("its spacing or origin is not that of a patient; save it again.", code="impossible-value")
    direction = steps / spacing
    if np.abs(direction.T @ direction - np.eye(3)).max() > TOLERANCE_DIRECTION:
        raise IngestRefused("its axes are not at right angles; resample it upright first.", code="sheared")
    # The nearest matrix whose columns are exactly at right angles; axis-aligned ones stay as they are.
    if not np.array_equal(np.abs(direction), np.abs(direction).round()):
        left, _, right = np.linalg.svd(direction)
        direction = left @ right
    x_mm, y_mm, z_mm = (float(n) for n in spacing)
    return Geometry(
        header.shape, (z_mm, y_mm, x_mm), (float(origin[0]), float(origin[1]), float(origin[2])),
        tuple(float(n) for n in (direction + 0.0).ravel()),
    )  # fmt: skip


def _to_int16(kept: Kept, values: NDArray[Any], modality: str) -> Voxels | Refusal:
    """Give voxels as int16: as they are where they fit, rounded to whole HU for CT, by one factor for others."""
    low, high = float(values.min()), float(values.max())
    fits = INT16.min <= low and high <= INT16.max
    if modality == "CT" and not fits:
        reason = f"its values ({low:g} to {high:g} HU) do not fit a CT volume (int16)."
        return Refusal("hu-range", reason, (kept.name,))
    is_whole = values.dtype.kind in "iu" or bool(np.array_equal(values, np.rint(values)))
    unit = "HU" if modality == "CT" else "arbitrary"
    if fits and is_whole:
        return Voxels(values.astype(np.int16), unit)
    if modality == "CT":
        return Voxels(np.rint(values).astype(np.int16), unit, 1.0, 0.5)
    scale = max(abs(low), abs(high)) / INT16.max
    return Voxels(np.rint(values.astype(np.float64) / scale).astype(np.int16), unit, scale, scale / 2)
