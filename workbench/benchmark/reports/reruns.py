"""The re-runs that a crate has collected: who ran it again, when, where, and with which verdict.

A re-run is a further action of the crate. Its record names the digest of everything that was in the crate before it,
so a re-run that was taken out, moved or copied from another crate is noticed, as is any changed file. The crate is
replaced in one step: whoever reads it sees it with the re-run or without.

Runs in: anywhere
Source: RO-Crate 1.3; Process Run Crate 0.6, one CreateAction per execution, failed ones with `error`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.benchmark.reports.crate import METADATA_FILE, REPORT, read_contents
from workbench.benchmark.reports.crate_facts import is_time
from workbench.errors import Conflict, InvalidInput, cause_of

VERDICTS = ("IDENTICAL", "WITHIN_TOLERANCE", "DIFFERENT", "NOT_RUN")
# Each re-run brings up to four files and a crate holds at most 300.
MAX_RERUNS = 60
RECORD_NAME = re.compile(r"reruns/(\d{2})/rerun\.json")
RECORD_FIELDS: dict[str, type | tuple[type, ...]] = {
    "number": int, "verdict": str, "cause": (str, type(None)), "message": str, "results": list,
    "first_diverging_cell": (int, type(None)), "account": str, "isolation": str, "started": str, "ended": str,
    "environment_changes": list, "data": dict, "after": str,
}  # fmt: skip
Contents = dict[str, bytes]
Render = Callable[[Mapping[str, bytes], list[dict[str, Any]]], bytes]


@dataclass(frozen=True)
class Rerun:
    """One re-run to be added: its record, its notebook and its environment.

    Parameters
    ----------
    record : mapping
        As `verdicts_of` gives it, less ``number`` and ``after``, which the crate decides.
    notebook : str or None
        The notebook with the outputs of this run; None when nothing ran.
    report : bytes or None
        The report of this run.
    environment : sequence of str
        Its lock, as `environment_lock` gives it.
    """

    record: Mapping[str, Any]
    environment: tuple[str, ...] = ()
    notebook: str | None = None
    report: bytes | None = None


def verdicts_of(crate: Path | str) -> list[dict[str, Any]]:
    """Give the verdicts that a crate has collected, oldest first.

    Returns
    -------
    list of dict
        ``number`` (from 1), ``verdict``, ``cause``, ``message``, ``results``, ``first_diverging_cell``, ``account``,
        ``isolation``, ``started``, ``ended`` (ISO 8601), ``environment_changes``, ``data``, ``after`` (digest of the
        crate before it).

    Raises
    ------
    InvalidInput
        When it is not a crate of a run, or it or one of its re-runs was changed.
    """
    path = Path(crate)
    return reruns_in(read_contents(path), path.name)


def run_again_of(crate: Path | str, number: int) -> str | None:
    """Give the notebook of a re-run as text; None when nothing ran.

    Raises
    ------
    InvalidInput
        As `verdicts_of`, and when there is no such re-run.
    """
    path = Path(crate)
    contents = read_contents(path)
    if not 1 <= number <= len(reruns_in(contents, path.name)):
        raise InvalidInput(f"{path.name} holds no re-run number {number}.")
    found = contents.get(f"{_folder(number)}/run.ipynb")
    return None if found is None else found.decode("utf-8", "replace")


def reruns_in(contents: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    """Give the records of the re-runs among the files of a crate, each checked against what stood before it."""
    numbers = sorted(int(match[1]) for file in contents if (match := RECORD_NAME.fullmatch(file)))
    if numbers != list(range(1, len(numbers) + 1)):
        raise InvalidInput(f"{name} lacks one of its re-runs; the crate was changed.")
    records = [_record(contents, number, name) for number in numbers]
    for record in records:
        if record["after"] != _digest_before(contents, record["number"]):
            raise InvalidInput(f"{name}: re-run {record['number']} is not of this crate; it was changed.")
    return records


def _record(contents: Mapping[str, bytes], number: int, name: str) -> dict[str, Any]:
    try:
        record = json.loads(contents[f"{_folder(number)}/rerun.json"])
        is_right = set(record) == set(RECORD_FIELDS) and all(
            isinstance(record[field], kind) for field, kind in RECORD_FIELDS.items()
        )
        is_right = is_right and is_time(record["started"]) and is_time(record["ended"])
        is_right = is_right and all(isinstance(row, dict) for row in record["results"])
        json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        is_right = False
    if not is_right or record["number"] != number or record["verdict"] not in VERDICTS:
        raise InvalidInput(f"{name}: the record of re-run {number} is malformed; the crate was changed.")
    return dict(record)


def _digest_before(contents: Mapping[str, bytes], number: int) -> str:
    """Give the digest of the first run and of every re-run before this one; descriptions and the report may change."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        place = name.split("/")
        is_later = place[0] == "reruns" and (len(place) < 3 or not place[1].isdigit() or int(place[1]) >= number)
        if name not in (METADATA_FILE, REPORT) and not name.startswith("ro-crate-preview") and not is_later:
            digest.update(f"{name}\n{hashlib.sha256(contents[name]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _folder(number: int) -> str:
    return f"reruns/{number:02d}"


def add_rerun(crate: Path | str, rerun: Rerun, render: Render | None = None) -> dict[str, Any]:
    """Add a re-run to a crate, atomically, and give its record.

    Parameters
    ----------
    crate : Path or str
        The crate; it stays what it was when anything goes wrong.
    rerun : Rerun
        What to add.
    render : callable, optional
        Gives the crate's report anew from its files and the verdicts so far.

    Raises
    ------
    InvalidInput
        When the crate was changed since it was written.
    Conflict
        When it is full, or may not be written.
    """
    path = Path(crate).resolve()
    with _alone(path):
        contents = read_contents(path)
        before = reruns_in(contents, path.name)
        number = len(before) + 1
        if number > MAX_RERUNS:
            raise Conflict(f"{path.name} holds {MAX_RERUNS} re-runs already; this one is not added.")
        record = {**rerun.record, "number": number, "after": _digest_before(contents, number)}
        added = _files_of(rerun, record, number)
        reports = {} if render is None else {REPORT: render(contents, [*before, record])}
        described = _described(contents, record, added, reports)
        whole = {**contents, **added, **reports, METADATA_FILE: described}
        reruns_in(whole, path.name)
        _replace(path, whole)
    return record


def _files_of(rerun: Rerun, record: Mapping[str, Any], number: int) -> Contents:
    files: dict[str, bytes | None] = {
        "rerun.json": json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False).encode(),
        "run.ipynb": None if rerun.notebook is None else rerun.notebook.encode(),
        "report.html": rerun.report,
        "environment.txt": "".join(f"{line}\n" for line in rerun.environment).encode() or None,
    }
    return {f"{_folder(number)}/{name}": content for name, content in files.items() if content is not None}


SAID = {
    "rerun.json": ("The record of a re-run: who, when, where, verdict", "application/json"),
    "run.ipynb": ("The notebook with the outputs of a re-run", "application/x-ipynb+json"),
    "report.html": ("The report of a re-run", "text/html"),
    "environment.txt": ("Every package of a re-run and its version", "text/plain"),
}


def _described(
    contents: Mapping[str, bytes], record: Mapping[str, Any], added: Mapping[str, bytes], reports: Mapping[str, bytes]
) -> bytes:
    """Give the crate's description with the re-run as a further action."""
    body = json.loads(contents[METADATA_FILE])
    graph, known = body["@graph"], {item.get("@id"): item for item in body["@graph"]}
    first, root = known.get("#run"), known.get("./")
    if first is None or root is None:
        raise InvalidInput("The crate does not describe its run, so no re-run can be added.")
    for name, content in reports.items():
        known[name].update(_told(content))
    for name, content in added.items():
        last = name.rsplit("/", 1)[1]
        said, kind = SAID[last]
        told = {"name": last, "description": said, "encodingFormat": kind, **_told(content)}
        graph.append({"@id": name, "@type": "File", **told})
    agent = f"#person/{quote(str(record['account']), safe='-_.')}"
    if agent not in known:
        graph.append({"@id": agent, "@type": "Person", "name": record["account"]})
    tool = _tool(record, known.get("#workbench", {}), added)
    action = _action(record, first, agent, list(added)) | {"instrument": {"@id": tool["@id"]}}
    graph += [tool, action]
    root["mentions"] = [*_listed(root.get("mentions")), {"@id": action["@id"]}]
    root["hasPart"] = [*_listed(root.get("hasPart")), *({"@id": name} for name in added)]
    return json.dumps(body, indent=4, ensure_ascii=False).encode()


def _tool(record: Mapping[str, Any], first: Mapping[str, Any], added: Mapping[str, bytes]) -> dict[str, Any]:
    """Describe what ran it again: the workbench as it was then, on the packages of the re-run."""
    lock = f"{_folder(record['number'])}/environment.txt"
    lines = added.get(lock, b"").decode().splitlines()
    version = next((line.partition("==")[2] for line in lines if line.startswith("ai4h-workbench==")), "unknown")
    changes = ", ".join(str(change) for change in record["environment_changes"]) or "none"
    isolation = record["isolation"] or "none, since nothing ran"
    needed = {"softwareRequirements": {"@id": lock}} if lock in added else {}
    return {
        "@id": f"#workbench/rerun/{record['number']}", "@type": "SoftwareApplication", "name": "ai4h-workbench",
        "version": version, "url": first.get("url", REPORT), **needed,
        "description": f"Isolation {isolation}. Changes since the first run: {changes}.",
    }  # fmt: skip


def _action(record: Mapping[str, Any], first: Mapping[str, Any], agent: str, files: list[str]) -> dict[str, Any]:
    is_done = record["verdict"] != "NOT_RUN"
    action = {
        "@id": f"#rerun/{record['number']}", "@type": "CreateAction",
        "name": f"Re-run {record['number']}: {record['verdict']}",
        "description": record["message"] or f"The verdict is {record['verdict']}.",
        "startTime": record["started"], "endTime": record["ended"],
        "actionStatus": f"http://schema.org/{'Completed' if is_done else 'Failed'}ActionStatus",
        "object": first.get("object"), "agent": {"@id": agent}, "result": [{"@id": name} for name in files],
    }  # fmt: skip
    return action if is_done else {**action, "error": record["cause"] or record["message"]}


def _told(content: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "contentSize": str(len(content))}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a crate while it is added to; whoever comes at the same time waits, then sees what was added."""
    while True:
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as problem:
            raise InvalidInput(f"{path.name} is not a readable crate ({cause_of(problem)}).") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            # The crate may have been replaced while this waited; then the lock is on a file that is gone.
            is_current = path.exists() and os.fstat(file).st_ino == path.stat().st_ino
            if is_current:
                yield
                return
        finally:
            os.close(file)


def _replace(path: Path, contents: Mapping[str, bytes]) -> None:
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent)
    except OSError as problem:
        raise Conflict(f"{path.name} lies where nothing may be written ({cause_of(problem)}).") from None
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            os.fsync(file.fileno())
        read_contents(Path(draft))
        Path(draft).replace(path)
    except OSError as problem:
        raise Conflict(f"The re-run was not added to {path.name} ({cause_of(problem)}).") from None
    finally:
        Path(draft).unlink(missing_ok=True)
