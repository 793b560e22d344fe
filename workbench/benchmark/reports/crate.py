"""The crate of a run: everything a stranger needs to run it again and compare, and never the data.

Runs in: terminal
Source: RO-Crate 1.1; Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process).
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from rocrate.model.contextentity import ContextEntity
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

import workbench
from workbench.benchmark.reports.recording import Result
from workbench.errors import InvalidInput

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
METADATA_FILE = "ro-crate-metadata.json"
NOTEBOOK, RUN, REPORT, ABOUT, RESULTS, LOCK = (
    "notebook.ipynb", "run.ipynb", "report.html", "about.json", "results.json", "environment.txt"
)  # fmt: skip
CHECKPOINT = "audit-checkpoint.json"
NEEDED = (METADATA_FILE, NOTEBOOK, RUN, ABOUT, RESULTS)
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
    OSError, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError, zipfile.BadZipFile,
    zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
MAX_FILES = 300
MAX_FILE_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 256 * 2**20
MAX_RATIO = 200


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
    """Write the crate of a run as one zip file."""
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
    with tempfile.TemporaryDirectory(prefix="crate-") as folder:
        for name, content in files.items():
            place = Path(folder, name)
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content)
        described = ROCrate()
        _describe(described, Path(folder), files, about, results)
        draft = crate.with_name(f".{crate.name}.draft.zip")
        described.write_zip(str(draft))
        draft.replace(crate)


def _describe(
    crate: ROCrate, folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any], results: Sequence[Result]
) -> None:
    crate.name = str(about["question"])
    crate.description = "One run of a benchmark notebook in a governed kernel; the data stay where they are."
    crate.license = "https://www.apache.org/licenses/LICENSE-2.0"
    added = {}
    for name, content in files.items():
        said, kind = KINDS.get(name, ("A picture of this run", "image/png"))
        properties = {
            "name": said, "encodingFormat": kind, "sha256": hashlib.sha256(content).hexdigest(),
            "contentSize": str(len(content)),
        }  # fmt: skip
        if name == NOTEBOOK:
            properties["@type"] = ["File", "SoftwareSourceCode"]  # type: ignore[assignment]
        added[name] = crate.add_file(str(folder / name), name, properties=properties)
    profile = _entity(crate, PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    crate.root_dataset["conformsTo"] = profile
    inputs = [added[NOTEBOOK]]
    for name, value in about["parameters"].items():
        inputs.append(_entity(crate, f"#parameter/{name}", "PropertyValue", name=name, value=json.dumps(value)))
    for name, version in about["data"].items():
        inputs.append(_entity(crate, f"#data/{name}", "Dataset", name=name, version=version, identifier=version))
    outputs = [item for name, item in added.items() if name not in (NOTEBOOK, LOCK)]
    for result in results:
        around = {} if result.interval is None else {"minValue": result.interval[0], "maxValue": result.interval[1]}
        outputs.append(
            _entity(crate, f"#result/{result.name}", "PropertyValue", name=result.name, value=result.value, **around)
        )
    tool = _entity(
        crate, "#workbench", "SoftwareApplication", name="ai4h-workbench", version=workbench.__version__,
        softwareRequirements=added[LOCK],
    )  # fmt: skip
    agent = crate.add(Person(crate, f"#person/{about['account']}", properties={"name": about["account"]}))
    action = _entity(
        crate, "#run", "CreateAction", name=f"Run of {about['notebook']}", startTime=about["started"],
        endTime=about["ended"], actionStatus="http://schema.org/CompletedActionStatus",
    )  # fmt: skip
    action["instrument"], action["agent"], action["object"], action["result"] = tool, agent, inputs, outputs
    crate.root_dataset["mentions"] = [action]
    crate.root_dataset["mainEntity"] = added[NOTEBOOK]


def _entity(crate: ROCrate, identifier: str, kind: str, /, **properties: Any) -> Any:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


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
            png = output.get("data", {}).get("image/png")
            if png:
                number += 1
                yield f"figures/figure-{number:02d}.png", base64.b64decode(png)


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
        raise InvalidInput(f"{path.name} is not a readable crate ({type(problem).__name__}).") from None
    missing = [name for name in NEEDED if name not in contents]
    if missing:
        raise InvalidInput(f"{path.name} lacks {missing[0]}, so it is not a crate of a workbench run.")
    _check_digests(contents, path.name)
    return contents


def parse_crate(contents: Mapping[str, bytes], name: str) -> Crate:
    """Give what the files of a crate say; `name` is what messages call it."""
    try:
        about, results = json.loads(contents[ABOUT]), json.loads(contents[RESULTS])
        found = [Result.from_dict(result) for result in results]
        return Crate(contents[NOTEBOOK].decode(), contents[RUN].decode(), _checked_about(about), found)
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
        if member.file_size > MAX_FILE_BYTES or member.file_size > MAX_RATIO * max(member.compress_size, 1024):
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
        graph = json.loads(contents[METADATA_FILE])["@graph"]
        told = {item["@id"]: item["sha256"] for item in graph if "sha256" in item}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput(f"{crate} has no readable {METADATA_FILE}.") from None
    for name, content in contents.items():
        is_described = name == METADATA_FILE or name.startswith("ro-crate-preview")
        if not is_described and hashlib.sha256(content).hexdigest() != told.get(name):
            raise InvalidInput(f"{crate}: {name} is not the file that the crate describes; it was changed.")


def _checked_about(about: Any) -> dict[str, Any]:
    wanted = {"parameters": dict, "data": dict, "environment": list, "notebook": str, "question": str}
    for name, kind in wanted.items():
        if not isinstance(about.get(name), kind):
            raise InvalidInput(f"The crate does not say its {name}; it was not written by a workbench run.")
    return dict(about)
