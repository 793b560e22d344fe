"""A de-identified folder against its source: every file, every element, every byte.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput
from workbench.ingest.progress import Progress, quiet
from workbench.ingest.verify.dicom_bytes import Parsed, parse
from workbench.ingest.verify.facts import Facts, facts_of
from workbench.ingest.verify.findings import Finding, sorted_once
from workbench.ingest.verify.heads import DECISIONS, check_heads
from workbench.ingest.verify.identity import SourceIdentity
from workbench.ingest.verify.iod import Folders, check_iod
from workbench.ingest.verify.keys import expected_uids
from workbench.ingest.verify.leaks import LeakSearch
from workbench.ingest.verify.marks import check_marks
from workbench.ingest.verify.pairing import Pairs, pair
from workbench.ingest.verify.pixels import check_pixels, check_text
from workbench.ingest.verify.policy import load_policy
from workbench.ingest.verify.relations import (
    birth_date,
    check_dates,
    check_patients,
    check_uids,
    check_unpaired_references,
)
from workbench.settings import Settings


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Parameters
    ----------
    findings : tuple of Finding
        Empty when the output may leave.
    files, source_files : int
        How many files were looked at.
    notes : tuple of str
        What was not checked, and why; sources without an output.
    """

    findings: tuple[Finding, ...]
    files: int
    source_files: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "files": self.files,
            "source_files": self.source_files,
            "notes": list(self.notes),
        }


def check_folder(
    out: Path, against: Path, *, profile: str | None = None, project: str | None = None,
    settings: Settings | None = None, defacing: str | None = None, every_file: bool = False,
    progress: Progress | None = None,
) -> list[Finding]:  # fmt: skip
    """Give everything in a de-identified folder that must not leave; see `inspect_folder`."""
    return list(
        inspect_folder(
            out, against, profile=profile, project=project, settings=settings, defacing=defacing,
            every_file=every_file, progress=progress,
        ).findings
    )  # fmt: skip


def inspect_folder(
    out: Path, against: Path, *, profile: str | None = None, project: str | None = None,
    settings: Settings | None = None, defacing: str | None = None, every_file: bool = False,
    progress: Progress | None = None,
) -> CheckReport:  # fmt: skip
    """Check a de-identified folder against its source, sharing no code with de-identification.

    Parameters
    ----------
    out, against : Path
        The output, and the source that it was made from.
    profile : str, default "standard"
        The profile that the output was made with: a shipped name, or the path of a site's JSON file.
    project : str, optional
        The project whose key made the pseudonyms; with `settings` it makes the pairing of files exact.
    settings : Settings, optional
        The home that holds the key.
    defacing : str, optional
        The custodian's decision on head scans, `done` or `not-needed`.
    every_file : bool, default False
        Whether dciodvfy looks at every file, not at one per series.
    progress : callable, optional
        Called with (done, total, what).

    Raises
    ------
    InvalidInput
        When a folder or the profile cannot be read.
    """
    for folder in (out, against):
        if not folder.is_dir():
            raise InvalidInput(
                f"There is no folder “{folder}” to check; give the output and, with --against, its source."
            )
    if defacing not in (None, *DECISIONS):
        raise InvalidInput(f"“{defacing}” is no decision about defacing; it is {' or '.join(DECISIONS)}.")
    check = _Check(out, against, SourceIdentity(load_policy(profile or "standard")), progress or quiet)
    check.read_source()
    check.read_output()
    expected = expected_uids(settings, project, check.sources) if settings and project else None
    check.compare(pair(check.sources, check.outputs, expected), defacing, every_file=every_file)
    return CheckReport(
        tuple(sorted_once(check.findings)), check.output_count, check.source_count, tuple(dict.fromkeys(check.notes))
    )


class _Check:
    """One check in its three passes."""

    def __init__(self, out: Path, against: Path, identity: SourceIdentity, progress: Progress) -> None:
        self.out, self.against, self.identity, self.progress = out, against, identity, progress
        self.sources: list[Facts] = []
        self.outputs: list[Facts] = []
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.source_count = self.output_count = 0

    def read_source(self) -> None:
        """Collect what the source says, and what its files are."""
        broken = 0
        names = [name for name, _ in _files(self.against)]
        self.source_count = len(names)
        for number, name in enumerate(names, 1):
            parsed = _read(self.against / name)
            self.progress(number, len(names), "source")
            if parsed is None or not parsed.is_dicom:
                continue
            broken += bool(parsed.error)
            self.identity.add(parsed)
            self.sources.append(facts_of(name, parsed))
        if broken:
            self.notes.append(f"{broken} files of the source cannot be read to their end; what could be read was used.")

    def read_output(self) -> None:
        """Look through every output file by itself."""
        search = LeakSearch(self.identity, self.identity.policy)
        names = list(_files(self.out))
        self.output_count = len(names)
        for number, (name, is_link) in enumerate(names, 1):
            found = {*search.in_path(name), *self._in_one(name, search, is_link=is_link)}
            self.findings += [Finding(name, element, rule) for element, rule in found]
            self.progress(number, len(names), "output")

    def _in_one(self, name: str, search: LeakSearch, *, is_link: bool) -> Iterator[tuple[str, str]]:
        parsed = _read(self.out / name)
        if is_link or parsed is None:
            yield "path", "not-dicom"
            return
        if not parsed.is_dicom:
            yield "content", "not-dicom"
            yield from search.in_bytes(parsed.body, "content")
            return
        if parsed.error:
            yield "content", "unparseable"
            yield from search.in_bytes(parsed.body, "content")
        if parsed.preamble.strip(b"\0"):
            yield "preamble", "preamble"
        yield from parsed.irregular
        yield from search.in_file(parsed)
        yield from check_marks(parsed, self.identity.policy)
        facts = facts_of(name, parsed)
        self.outputs.append(facts)
        yield from ((finding.element, finding.rule) for finding in birth_date(facts))

    def compare(self, pairs: Pairs, defacing: str | None, *, every_file: bool) -> None:
        """Compare outputs with their sources, and with each other."""
        found, findings = pairs.found, self.findings
        findings += [Finding(one.name, "file", "no-source") for one in pairs.alone]
        findings += [Finding(one.name, "pixels", one.extra) for one in (*pairs.alone, *pairs.twins) if one.extra]
        findings += check_uids(found)
        findings += check_unpaired_references(self.outputs, pairs.alone)
        findings += check_patients(found)
        findings += check_dates(found)
        findings += check_pixels(found, self.out, self.against)
        findings += check_heads(found, defacing)
        self.progress(0, 1, "standard")
        findings += check_iod(
            found, Folders(self.out, self.against, self.identity.policy), self.notes, every_file=every_file
        )
        self.progress(0, 1, "writing")
        unpaired = [(None, one) for one in (*pairs.alone, *pairs.twins)]
        findings += check_text([*found, *unpaired], self.out, self.notes)
        self.progress(1, 1, "writing")
        if pairs.missing:
            count = len(pairs.missing)
            self.notes.append(
                f"{count} instance{'s' if count > 1 else ''} of the source {'have' if count > 1 else 'has'} no output; "
                "refused and ignored files are such, so compare with the refusals of the de-identification."
            )
        if pairs.twins:
            self.notes.append(f"{len(pairs.twins)} files equal others so much that their source is not told apart.")


def _files(folder: Path) -> Iterator[tuple[str, bool]]:
    """Give the relative path of every file, in order, and whether it is a link (as a linked folder is)."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted((*names, *links)):
            path = Path(place) / name
            yield path.relative_to(folder).as_posix(), path.is_symlink()


def _read(path: Path) -> Parsed | None:
    try:
        return parse(path.read_bytes())
    except OSError:
        return None
