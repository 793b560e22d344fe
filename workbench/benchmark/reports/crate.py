"""The crate of a run: everything a stranger needs to run it again and compare, and never the data.

Runs in: Jupyter server | terminal
Source: RO-Crate 1.3; Process Run Crate 0.6 (https://w3id.org/ro/wfrun/process/0.6).
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from workbench.benchmark.reports.crate_facts import checked_facts
from workbench.benchmark.reports.crate_graph import describe, profile_problems
from workbench.benchmark.reports.recording import Result
from workbench.errors import InvalidInput, cause_of

METADATA_FILE = "ro-crate-metadata.json"
NOTEBOOK, RUN, REPORT, ABOUT, RESULTS, LOCK = (
    "notebook.ipynb", "run.ipynb", "report.html", "about.json", "results.json", "environment.txt"
)  # fmt: skip
CHECKPOINT = "audit-checkpoint.json"
NEEDED = (METADATA_FILE, NOTEBOOK, RUN, REPORT, ABOUT, RESULTS)
KINDS = {
    NOTEBOOK: ("The notebook as it was given, without outputs", "application/x-ipynb+json"),
    RUN: ("The notebook with the outputs of this run", "application/x-ipynb+json"),
    REPORT: ("The report of this run", "text/html"),
    ABOUT: ("Question, parameters, data versions, account, isolation, head of the audit log", "application/json"),
    RESULTS: ("The declared results", "application/json"),
    LOCK: ("Every package and its version", "text/plain"),
    CHECKPOINT: ("Signed checkpoint of the audit log after this run", "application/json"),
}
# What `zipfile` raises on a file that was damaged, or made to be; found by changing bytes at random.
UNREADABLE = (
    OSError, EOFError, IndexError, ValueError, NotImplementedError, RuntimeError, OverflowError, zipfile.BadZipFile,
    zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
MAX_FILES = 300
MAX_FILE_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 256 * 2**20
# A notebook that prints the same line over and over is no bomb; small files may shrink as far as they like.
MAX_RATIO, ANY_RATIO_BYTES = 200, 16 * 2**20
# With the files of 60 re-runs they stay below `MAX_FILES`; the notebook holds every picture.
MAX_PICTURES = 50


@dataclass(frozen=True)
class Crate:
    """A crate's content, read and checked."""

    source: str
    run: str
    about: dict[str, Any]
    results: list[Result]


def write_crate(
    source: nbformat.NotebookNode, done: nbformat.NotebookNode, about: Mapping[str, Any], results: Sequence[Result],
    *, report: Path, crate: Path,
) -> None:  # fmt: skip
    """Write the crate of a run as one zip file.

    Raises
    ------
    InvalidInput
        When it would be so large that nobody could read it; no crate is written then.
    """
    files = {
        NOTEBOOK: nbformat.writes(_without_outputs(source)).encode(),
        RUN: nbformat.writes(done).encode(),
        REPORT: report.read_bytes(),
        ABOUT: _json(dict(about)),
        RESULTS: _json([result.as_dict() for result in results]),
        LOCK: ("\n".join(about["environment"]) + "\n").encode(),
        **dict(_pictures(done)),
    }
    if about.get("audit_checkpoint"):
        files[CHECKPOINT] = _json(about["audit_checkpoint"])
    described = describe(files, KINDS, about, results)
    draft = crate.with_name(f".{crate.name}.draft.zip")
    described.write_zip(str(draft))
    try:
        read_contents(draft)
        draft.replace(crate)
    except InvalidInput as problem:
        why = problem.message.removeprefix(draft.name).strip()
        text = f"The run has ended, and its crate was not written, because it {why} Have the notebook show less."
        raise InvalidInput(text) from None
    finally:
        draft.unlink(missing_ok=True)


def _without_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def _pictures(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, bytes]]:
    number = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            png = "".join(output.get("data", {}).get("image/png") or "")
            try:
                picture = base64.b64decode(png) if number < MAX_PICTURES else b""
            except ValueError:
                # A cell may show anything as a picture.
                continue
            if picture:
                number += 1
                yield f"figures/figure-{number:02d}.png", picture


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode()


def read_crate(path: Path) -> Crate:
    """Read a crate that may come from anybody; nothing is unpacked to the disk.

    Raises
    ------
    InvalidInput
        When it is not a crate of this kind, was changed, is too large, or tries to write outside itself.
    """
    return parse_crate(read_contents(path), path.name)


def read_contents(path: Path) -> dict[str, bytes]:
    """Give every file of a crate, after checking each against the digest that the crate tells for it.

    Raises
    ------
    InvalidInput
        As `read_crate`.
    """
    try:
        with zipfile.ZipFile(path) as file:
            contents = {name: _member(file, name) for name in _checked_names(file, path.name)}
    except UNREADABLE as problem:
        raise InvalidInput(f"{path.name} is not a readable crate ({cause_of(problem)}).") from None
    missing = [name for name in NEEDED if name not in contents]
    if missing:
        raise InvalidInput(f"{path.name} lacks {missing[0]}, so it is not a crate of a workbench run.")
    _check_digests(contents, path.name)
    return contents


def parse_crate(contents: Mapping[str, bytes], name: str) -> Crate:
    """Give what the files of a crate say; `name` is what messages call it."""
    try:
        about, results = checked_facts(json.loads(contents[ABOUT])), json.loads(contents[RESULTS])
        if not isinstance(results, list):
            raise InvalidInput(f"{name} holds no list of results; it was not written by a workbench run.")
        found = [Result.from_dict(result) for result in results]
        return Crate(contents[NOTEBOOK].decode(), contents[RUN].decode(), about, found)
    except (ValueError, TypeError, RecursionError, AttributeError):
        raise InvalidInput(f"{name} holds malformed JSON.") from None


def _checked_names(file: zipfile.ZipFile, crate: str) -> list[str]:
    """Give the names to read, after refusing what no crate of ours looks like."""
    members = file.infolist()
    if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise InvalidInput(f"{crate} holds too many files or bytes; it is not read.")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise InvalidInput(f"{crate} holds a file twice; it is not read.")
    for member in members:
        place = PurePosixPath(member.filename)
        if place.is_absolute() or ".." in place.parts or "\\" in member.filename or "\0" in member.filename:
            raise InvalidInput(f"{crate} holds a path that leads outside; it is not read.")
        is_bomb = member.file_size > max(MAX_RATIO * member.compress_size, ANY_RATIO_BYTES)
        if member.file_size > MAX_FILE_BYTES or is_bomb:
            raise InvalidInput(f"{crate} holds a file that unpacks too far; it is not read.")
    return [member.filename for member in members if not member.is_dir()]


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    """Read one member, never more than it may have, whatever its header says."""
    with file.open(name) as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput("The crate holds a file that unpacks too far; it is not read.")
    return content


def _check_digests(contents: Mapping[str, bytes], crate: str) -> None:
    try:
        metadata = json.loads(contents[METADATA_FILE])
        told = {item["@id"]: item["sha256"] for item in metadata["@graph"] if "sha256" in item}
        problems = profile_problems(metadata)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidInput(f"{crate} has no readable {METADATA_FILE}.") from None
    gone = sorted(str(name) for name in set(told) - set(contents))
    if gone:
        raise InvalidInput(f"{crate} lacks {gone[0]}, which it describes; it was changed.")
    for name, content in contents.items():
        is_described = name == METADATA_FILE or name.startswith("ro-crate-preview")
        if not is_described and hashlib.sha256(content).hexdigest() != told.get(name):
            raise InvalidInput(f"{crate}: {name} is not the file that the crate describes; it was changed.")
    if problems:
        raise InvalidInput(f"{crate} is not a Process Run Crate: {problems[0]}.")
