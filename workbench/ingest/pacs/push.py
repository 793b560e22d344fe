"""Send a de-identified folder to an archive, after it was looked through.

Runs in: ingest host
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from workbench.errors import IngestRefused, InvalidInput
from workbench.ingest.pacs.archive import Archive
from workbench.ingest.progress import Progress, quiet
from workbench.ingest.silence import silent_pydicom
from workbench.ingest.verify.folder import check_folder

IDENTITY_REMOVED = 0x00120062


@dataclass(frozen=True)
class Sent:
    """What an archive took.

    Parameters
    ----------
    files, sent : int
        How many there were, and how many it took.
    failed : tuple of str
        The others, relative to the folder.
    """

    files: int
    sent: int
    failed: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {"files": self.files, "sent": self.sent, "failed": list(self.failed)}


def push_folder(
    folder: Path, archive: Archive, *, against: Path | None = None, progress: Progress | None = None
) -> Sent:  # fmt: skip
    """Send every file of a de-identified folder.

    Parameters
    ----------
    folder : Path
        What `workbench deidentify` wrote; every file must carry its mark (0012,0062).
    archive : Archive
        Whom to send to.
    against : Path, optional
        The source; anything the verifier finds of it stops the push before the first file is sent.
    progress : callable, optional
        Called with (files, files in all, "sending").

    Raises
    ------
    InvalidInput
        When the folder is missing or empty.
    IngestRefused
        When a file is not marked as de-identified (`not-deidentified`), or the verifier found something
        (`identifiers-left`).
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if not files:
        raise InvalidInput(f"There is nothing to send in “{folder}”; give a folder that `workbench deidentify` wrote.")
    _check_marks(folder, files)
    if against is not None and check_folder(folder, against):
        raise IngestRefused(
            "Nothing was sent: the verifier found something of the source in this folder; "
            "`workbench check` lists what and where.",
            code="identifiers-left",
        )
    failed, show = [], progress or quiet
    for done, (path, is_taken) in enumerate(archive.send(files), 1):
        if not is_taken:
            failed.append(str(path.relative_to(folder)))
        show(done, len(files), "sending")
    return Sent(len(files), len(files) - len(failed), tuple(failed))


def _check_marks(folder: Path, files: list[Path]) -> None:
    for path in files:
        try:
            with silent_pydicom():
                header = dcmread(path, stop_before_pixels=True, specific_tags=[IDENTITY_REMOVED])
            is_marked = header.get("PatientIdentityRemoved") == "YES"
        except (InvalidDicomError, OSError, ValueError, EOFError):
            is_marked = False
        if not is_marked:
            raise IngestRefused(
                f"Nothing was sent: {path.relative_to(folder)} does not say that it was de-identified; "
                "send only what `workbench deidentify` wrote.",
                code="not-deidentified",
            )
