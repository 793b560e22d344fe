"""The folder of a prepared dataset: what lies in it, and how it is written so that no kill leaves half a scan.

::

    NAME/preparing.json             dataset, version and recipe; written first
    NAME/scans/S0001/scan.json      geometry, dataset version, recipe, and the sha256 of each file
    NAME/scans/S0001/image.zarr     windowed voxels, float32, OME-Zarr 0.5 in one shard
    NAME/scans/S0001/labels/lungs.zarr   lungs, uint8, the same
    NAME/manifest.json              every scan with the sha256 of its scan.json; written last

A scan is written below `.partial`, brought to the disk and then renamed, so it is there as a whole or not at all.

Runs in: kernel
Source: rename(2) and fsync(2): a rename is atomic, and lasting once the folder that holds the name is synchronised.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.compute.recipe import check_name
from workbench.errors import Conflict, DiskFull, IntegrityError, NotFound

FORMAT = 1
PLAN, MANIFEST, RECORD, SCANS, PARTIAL, LOCK = (
    "preparing.json", "manifest.json", "scan.json", "scans", ".partial", ".lock",
)  # fmt: skip
IMAGE, LUNGS = "image.zarr", "labels/lungs.zarr"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PIECE_BYTES = 1024 * 1024


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the only run that writes into a folder; the system lets go of the lock when its holder dies.

    Raises
    ------
    Conflict
        When another run writes into it now.
    """
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another run writes into “{folder.name}” now; wait until it has ended, or cancel it, then run again."
            ) from None
        yield


def write_json(file: Path, value: object) -> None:
    """Write JSON under a temporary name, bring it to the disk, and rename it.

    Raises
    ------
    DiskFull
        When there is no room.
    """
    draft = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        _write(draft, _json_bytes(value))
        _sync(draft)
        draft.replace(file)
        _sync_folder(file.parent)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise no_room(problem, f"writing {file.name}") or problem from None


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object that `write_json` wrote.

    Raises
    ------
    NotFound
        When there is none.
    IntegrityError
        When it is not what was written.
    """
    try:
        value = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no {file.name} in “{file.parent.name}”.") from None
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise IntegrityError(f"{file.name} in “{file.parent.name}” is not what was written.")
    return value


def write_scan(folder: Path, scan: str, files: Mapping[str, bytes], record: Mapping[str, Any]) -> None:
    """Put one prepared scan into the folder, as a whole or not at all; one that is there already stays.

    Parameters
    ----------
    folder : Path
        Of the prepared dataset.
    scan : str
        Such as ``S0001``.
    files : mapping of str to bytes
        Paths below the scan's folder, and their content.
    record : mapping
        What `scan.json` says besides the files.

    Raises
    ------
    DiskFull
        When there is no room.
    """
    draft = folder / PARTIAL / f"{check_name(scan, 'scan')}-{uuid.uuid4().hex}"
    try:
        for path, content in files.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            _write(draft / path, content)
        _write(draft / RECORD, _json_bytes({**record, "scan": scan, "files": _digests(files)}))
        # A new file takes its name and the folders above along to the disk (ext4, XFS, btrfs); each flush costs.
        for path in (*files, RECORD):
            _sync(draft / path)
        _rename(draft, folder / SCANS / scan)
    except OSError as problem:
        raise no_room(problem, "writing it") or problem from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_scan(folder: Path, scan: str) -> dict[str, Any]:
    """Read every byte of a prepared scan against its sha256 and give its record.

    Raises
    ------
    NotFound
        When it is not prepared yet.
    IntegrityError
        When a file is missing or is not what was written; names the scan.
    """
    place = folder / SCANS / check_name(scan, "scan")
    record = read_record(folder, scan)
    for path, told in record["files"].items():
        try:
            with (place / path).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = ""
        if found != told["sha256"]:
            raise damaged(scan, folder.name)
    return record


def read_record(folder: Path, scan: str) -> dict[str, Any]:
    """Give what `scan.json` says of a prepared scan; its files are not read."""
    try:
        record = read_json(folder / SCANS / check_name(scan, "scan") / RECORD)
    except NotFound:
        if (folder / SCANS / scan).exists():
            raise damaged(scan, folder.name) from None
        raise NotFound(f"Scan {scan} is not prepared in “{folder.name}”.") from None
    except IntegrityError:
        raise damaged(scan, folder.name) from None
    if record.get("scan") != scan or not isinstance(record.get("files"), dict):
        raise damaged(scan, folder.name)
    return record


def digest_of(folder: Path, scan: str) -> str:
    """Give the sha256 of a scan's `scan.json`, which holds those of its files."""
    return hashlib.sha256((folder / SCANS / scan / RECORD).read_bytes()).hexdigest()


def remove_scan(folder: Path, scan: str) -> None:
    """Take a damaged scan out of the folder; its name is free at once, also when this is killed."""
    aside = folder / PARTIAL / f"{check_name(scan, 'scan')}-{uuid.uuid4().hex}"
    (folder / SCANS / scan).rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def damaged(scan: str, name: str) -> IntegrityError:
    """Give the error of a prepared scan that is not what was written."""
    return IntegrityError(
        f"The prepared scan {scan} of “{name}” is damaged: a file is missing or its sha256 differs. Run `workbench "
        "preprocess` again with the same words, which makes this scan anew.",
        code="prepared-scan-damaged",
    )


def no_room(problem: OSError, doing: str) -> DiskFull | None:
    """Give the error of a full disk, or None for another problem."""
    if problem.errno not in NO_ROOM:
        return None
    why = "a file would be larger than files may be" if problem.errno == errno.EFBIG else "the disk is full"
    return DiskFull(
        f"There was no room while {doing}: {why}. What is finished stays; make room (or choose a wider spacing) and "
        "run the same command again, it goes on from there.",
        code="file-too-large" if problem.errno == errno.EFBIG else "disk-full",
    )


def _rename(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError as problem:
        # Whoever was faster wrote the same: equal recipes give equal files.
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    _sync_folder(target.parent)


def _digests(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for path, content in sorted(files.items())
    }


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as target:
        target.write(content)


def _sync(path: Path, flags: int = 0) -> None:
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    # Some file systems refuse to synchronise a folder; there the rename alone has to do.
    with suppress(OSError):
        _sync(folder, os.O_DIRECTORY)
