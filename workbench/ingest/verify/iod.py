"""New errors of Debian's `dciodvfy`, which knows what the standard asks of every kind of instance.

Runs in: ingest host
Source: dicom3tools 1.00 (`dciodvfy`); DICOM PS3.3 2026c annex A.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.ingest.verify.facts import SERIES, Facts
from workbench.ingest.verify.findings import Finding, tag_name
from workbench.ingest.verify.policy import TAG_OF

PROGRAM = "dciodvfy"
MISSING = "The standard's own rules were not checked: dciodvfy is not installed (Debian's dicom3tools)."
ELEMENT = re.compile(r"(?:Element=|[Aa]ttribute |for )<?(\w+)>?")
TAG = re.compile(r"\(0x([0-9a-fA-F]{4}),0x([0-9a-fA-F]{4})\)")
# What an error says of single values is left out: a shifted date is another value, not another error.
VALUES = re.compile(r"= ?<[^>]*>|value \d+|\[\d+\]|values are .*|<[^<>]*[^\w<>][^<>]*>")
LONGEST_S = 60


def check_iod(
    found: Sequence[tuple[Facts, Facts]], out: Path, against: Path, notes: list[str], *, every_file: bool
) -> Iterator[Finding]:
    """Find errors in outputs that their sources do not have; one file per series unless `every_file`."""
    if shutil.which(PROGRAM) is None:
        notes.append(MISSING)
        return
    seen: set[tuple[str, str]] = set()
    for source, output in sorted(found, key=lambda each: each[1].name):
        key = (output.texts.get(SERIES, ""), output.sop_class)
        if key in seen and not every_file:
            continue
        seen.add(key)
        before, after = _errors(against / source.name), _errors(out / output.name)
        for kind in sorted(after.keys() - before.keys()):
            yield Finding(output.name, after[kind], "iod-error")


def _errors(path: Path) -> dict[str, str]:
    """Give the kinds of error in a file, without values, with the element each is about."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, a path as its only argument
            [str(shutil.which(PROGRAM)), str(path)], capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return {}
    lines = (done.stderr + done.stdout).decode("latin-1").splitlines()
    errors = [line for line in lines if line.startswith("Error - ")]
    return {VALUES.sub("", line): _element(line) for line in errors}


def _element(line: str) -> str:
    tag = TAG.search(line)
    if tag:
        return f"({tag[1]},{tag[2]})".upper()
    named = next((word for word in ELEMENT.findall(line) if word in TAG_OF), None)
    return tag_name(TAG_OF[named]) if named else "file"
