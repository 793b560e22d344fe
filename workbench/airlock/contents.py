"""The files of an offer with what the automatic checks found in each, alone and together.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.airlock.differencing import RULE, Shown, find_differences
from workbench.airlock.findings import Finding, ScanContext
from workbench.airlock.kinds import clean_file, kind_of
from workbench.airlock.scan import scan_file
from workbench.airlock.scanners.table import cells_of
from workbench.airlock.sidecar import ENDING, sidecar_name
from workbench.errors import InvalidInput, OutputNotClean

MAX_FILES = 50
MAX_OFFER_BYTES = 200_000_000
# Files that help to judge another: they are looked at, and never leave.
EVIDENCE = (ENDING, ".evaluation.json")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,119}")


@dataclass(frozen=True)
class Kept:
    """One file of an offer: its content, and what its own check found."""

    name: str
    content: bytes
    findings: tuple[dict[str, str], ...] = ()

    @property
    def is_evidence(self) -> bool:
        """Whether it helps to judge another file and never leaves."""
        return self.name.lower().endswith(EVIDENCE)

    @property
    def sha256(self) -> str:
        """The hash under which it is kept."""
        return hashlib.sha256(self.content).hexdigest()


def shown_tables(release: str, files: Sequence[Kept], *, is_new: bool) -> list[Shown]:
    """Give the tables among files as the check of differences sees them; what is unreadable is judged elsewhere."""
    contents = {file.name: file.content for file in files}
    tables = []
    for file in files:
        if file.is_evidence or kind_of(file.name) != "table":
            continue
        try:
            cells, dataset, is_sure = cells_of(file.name, file.content, contents.get(sidecar_name(file.name)))
        except ValueError:
            continue
        tables.append(Shown(release, file.name, cells, is_new, is_sure, dataset))
    return tables


def scanned(files: Mapping[str, bytes], name: str) -> Kept:
    """Check one file, knowing the others, and give it with what was found."""
    content = files[name]
    if name.lower().endswith(EVIDENCE):
        return Kept(name, content)
    context = ScanContext(files={other: bytes_ for other, bytes_ in files.items() if other != name})
    return Kept(name, content, tuple(found.as_dict() for found in scan_file(name, content, context)))


def with_differences(release: str, files: Sequence[Kept], before: Sequence[Shown]) -> list[Kept]:
    """Give the files with what their tables reveal together with those that went out before."""
    found = find_differences([*shown_tables(release, files, is_new=True), *before])
    kept = []
    for file in files:
        own = tuple(finding for finding in file.findings if finding["rule"] != RULE)
        revealed = tuple(finding.as_dict() for finding in found if finding.file == file.name)
        kept.append(Kept(file.name, file.content, own + revealed))
    return kept


def stops_in(files: Sequence[Kept]) -> list[Finding]:
    """Give the findings that refuse a release."""
    return [Finding(**found) for file in files for found in file.findings if found["severity"] == "stop"]  # type: ignore[arg-type]


def refuse_stops(files: Sequence[Kept]) -> None:
    """Refuse what an automatic check stopped, with its first reason."""
    stops = stops_in(files)
    if stops:
        first, rest = stops[0], len(stops) - 1
        more = f" ({rest} more such findings.)" if rest else ""
        raise OutputNotClean(
            f"“{first.file}”, {first.place}: {first.reason}{more} Change it and offer it again, or keep it as a draft.",
            code=first.rule,
        )


def checked(files: Mapping[str, bytes], touched: Sequence[str], old: Mapping[str, Kept]) -> list[Kept]:
    """Check the touched files, each knowing the others, and keep what is known of the rest."""
    odd = next((name for name in files if not _NAME.fullmatch(name)), None)
    if odd is not None:
        raise InvalidInput(f"The name {odd[:40]!r} is not plain letters, digits, dots and dashes; rename the file.")
    if not 1 <= len(files) <= MAX_FILES or all(Kept(name, b"").is_evidence for name in files):
        raise InvalidInput(f"A release holds 1 to {MAX_FILES} files; {len(files)} were offered.")
    if sum(map(len, files.values())) > MAX_OFFER_BYTES:
        raise InvalidInput(f"The files of one release have at most {MAX_OFFER_BYTES:,} bytes together.")
    if len({name.lower() for name in files}) < len(files):
        raise InvalidInput("Two files have names that differ by capitals only; rename one.")
    cleaned = {name: clean_file(name, file) if name in touched else file for name, file in files.items()}
    return [scanned(cleaned, name) if name in touched else old.get(name, Kept(name, cleaned[name])) for name in files]
