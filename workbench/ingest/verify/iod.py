"""New errors of Debian's `dciodvfy`, which knows what the standard asks of every kind of instance.

An attribute that is missing because the profile does not let its value stand is the profile's decision, not an error
of the output: it is counted in a note. So is a missing attribute of type 2, which may be empty anyway.

Runs in: ingest host
Source: dicom3tools 1.00 (`dciodvfy`); DICOM PS3.3 2026c annex A.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.ingest.verify.conformity import conforms, is_known_code
from workbench.ingest.verify.dicom_bytes import Element, parse, walk
from workbench.ingest.verify.facts import SERIES, Facts
from workbench.ingest.verify.findings import Finding, tag_name
from workbench.ingest.verify.policy import TAG_OF, Policy, Rule

PROGRAM = "dciodvfy"
MISSING = "The standard's own rules were not checked: dciodvfy is not installed (Debian's dicom3tools)."
ELEMENT = re.compile(r"(?:Element=|[Aa]ttribute |for )<?(\w+)>?")
ABSENT = re.compile(r"(?:Missing|Empty) attribute .*Type (?P<type>\w+) .*Element=<(?P<keyword>\w+)>")
TAG = re.compile(r"\(0x([0-9a-fA-F]{4}),0x([0-9a-fA-F]{4})\)")
# What an error says of single values is left out: a shifted date is another value, not another error.
VALUES = re.compile(r" = ?<[^>]*>|value(?: \d+)? ?<[^>]*>|value \d+|\[\d+\]|values are .*|<(?!\w+>)[^<>]*>")
LONGEST_S = 60


class Folders(NamedTuple):
    """Where the files of a check lie, and by which profile the output was made."""

    out: Path
    against: Path
    policy: Policy


def check_iod(
    found: Sequence[tuple[Facts, Facts]], folders: Folders, notes: list[str], *, every_file: bool
) -> Iterator[Finding]:  # fmt: skip
    """Find errors in outputs that their sources do not have; one file per series unless `every_file`."""
    if shutil.which(PROGRAM) is None:
        notes.append(MISSING)
        return
    taken: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for source, output in sorted(found, key=lambda each: each[1].name):
        key = (output.texts.get(SERIES, ""), output.sop_class)
        if key in seen and not every_file:
            continue
        seen.add(key)
        before, after = _errors(folders.against / source.name), _errors(folders.out / output.name)
        for kind in sorted(after.keys() - before.keys()):
            if _is_decided(kind, folders.against / source.name, folders.out / output.name, folders.policy):
                taken.add(after[kind])
            else:
                yield Finding(output.name, after[kind], "iod-error")
    if taken:
        notes.append(
            f"{len(taken)} kinds of element that the standard asks for are missing, because the profile does not let "
            f"their values stand: {', '.join(sorted(taken))}."
        )


def _is_decided(kind: str, source: Path, output: Path, policy: Policy) -> bool:
    """Whether an error only says that an element is missing which the profile would not let stand."""
    absent = ABSENT.search(kind)
    if absent is None:
        return False
    tag = TAG_OF.get(absent["keyword"])
    if tag is None or absent["type"].startswith("2"):
        return tag is not None
    parsed, made = parse(source.read_bytes()), parse(output.read_bytes())
    sop_class = parsed.get(0x00080016)
    rules = policy.rules(sop_class.value.decode("latin-1").strip(" \0") if sop_class else "") or {}
    there = {path for path, element in walk(made.elements) if element.tag == tag}
    wanted = _with_rules(parsed.elements, rules, tag)
    return not any(path not in there and _may_stand(element, rule, policy) for path, element, rule in wanted)


def _with_rules(
    elements: list[Element], rules: Mapping[int, Rule], tag: int, path: str = ""
) -> Iterator[tuple[str, Element, Rule | None]]:  # fmt: skip
    for element in elements:
        rule, where = rules.get(element.tag), path + tag_name(element.tag)
        if element.tag == tag:
            yield where, element, rule
        for number, item in enumerate(element.items or ()):
            yield from _with_rules(item, rule.items if rule else {}, tag, f"{where}[{number}].")


def _may_stand(element: Element, rule: Rule | None, policy: Policy) -> bool:
    if rule is None or rule.action == "burned-in":
        return False
    if element.items is not None:
        return rule.action != "codes" or any(is_known_code(policy, item) for item in element.items)
    return conforms(policy, rule, element) is not False


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
