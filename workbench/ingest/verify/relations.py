"""What must hold between files: one UID for one UID, one pseudonym and one date shift for one patient.

Runs in: ingest host
Source: DICOM PS3.15 2026c E.1.1 (consistent replacement of UIDs), E.3.6 (modified dates).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from workbench.ingest.verify.facts import FRAME, INSTANCE, SERIES, STUDY, Facts, without_indexes
from workbench.ingest.verify.findings import Finding, tag_name
from workbench.ingest.verify.forms import dates_in

PATIENT_ID, PATIENT_NAME, BIRTH_DATE = 0x00100020, 0x00100010, 0x00100030
OWN = (STUDY, SERIES, INSTANCE, FRAME)
Pair = tuple[Facts, Facts]


def check_uids(found: Sequence[Pair]) -> Iterator[Finding]:
    """Find UIDs that became two, UIDs that two became, and references that lead to nothing."""
    forward, backward = _own_uids(found)
    for source, output in found:
        for tag in OWN:
            old, new = source.texts.get(tag, ""), output.texts.get(tag, "")
            if old and new and (forward[old] != new or backward[new] != old):
                yield Finding(output.name, tag_name(tag), "uid-inconsistent")
    others: dict[str, str] = {}
    for source, output in found:
        yield from _references(source, output, forward, others)


def check_unpaired_references(outputs: Sequence[Facts], alone: Sequence[Facts]) -> Iterator[Finding]:
    """Find references to nothing in outputs whose source is not known."""
    defined = {uid for one in outputs for tag in OWN if (uid := one.texts.get(tag))}
    for one in alone:
        for path, uid in one.uids:
            if "." in path and uid not in defined:
                yield Finding(one.name, path, "uid-unresolved")


def check_patients(found: Sequence[Pair]) -> Iterator[Finding]:
    """Find a patient with two pseudonyms, or two patients with one."""
    for tag in (PATIENT_ID, PATIENT_NAME):
        names: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        owners: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        for source, output in found:
            names[source.patient][output.texts.get(tag, "")] += 1
            owners[output.texts.get(tag, "")][source.patient] += 1
        for source, output in found:
            name = output.texts.get(tag, "")
            is_usual = names[source.patient].most_common(1)[0][0] == name
            is_shared = bool(name) and owners[name].most_common(1)[0][0] != source.patient
            if not is_usual or is_shared:
                yield Finding(output.name, tag_name(tag), "patient-inconsistent")


def check_dates(found: Sequence[Pair]) -> Iterator[Finding]:
    """Find dates that are not shifted by the patient's one offset, and dates that the source does not have."""
    shifts: defaultdict[tuple[str, ...], list[tuple[str, str, int | None]]] = defaultdict(list)
    for source, output in found:
        for path, days in _shifts(source, output):
            shifts[source.patient].append((output.name, path, days))
    for of_patient in shifts.values():
        counted = Counter(days for _, _, days in of_patient if days)
        usual = counted.most_common(1)[0][0] if counted else None
        for name, path, days in of_patient:
            if days is None or days == 0 or days != usual:
                yield Finding(name, path, "date-shift")


def birth_date(output: Facts) -> Iterator[Finding]:
    """Find a birth date, shifted or not."""
    for path, _ in output.dates:
        if path.endswith(tag_name(BIRTH_DATE)):
            yield Finding(output.name, path, "date-shift")


def _own_uids(found: Sequence[Pair]) -> tuple[dict[str, str], dict[str, str]]:
    """Give which UID most often stands for which, in both directions; a tampered one stays in the minority."""
    forward: defaultdict[str, Counter[str]] = defaultdict(Counter)
    backward: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for source, output in found:
        for tag in OWN:
            old, new = source.texts.get(tag, ""), output.texts.get(tag, "")
            if old and new:
                forward[old][new] += 1
                backward[new][old] += 1
    return (
        {old: counted.most_common(1)[0][0] for old, counted in forward.items()},
        {new: counted.most_common(1)[0][0] for new, counted in backward.items()},
    )


def _references(source: Facts, output: Facts, known: dict[str, str], others: dict[str, str]) -> Iterator[Finding]:
    """Compare the references of one pair, element by element.

    A reference whose target is in the source and in the output must lead to that output. One whose target the source
    does not hold either may be anything, as long as it is the same everywhere.
    """
    own = {tag_name(tag) for tag in OWN}
    olds, news = _by_place(source), _by_place(output)
    for place, references in news.items():
        if place in own:
            continue
        before = [uid for _, uid in olds.get(place, ())]
        is_aligned = len(before) == len(references)
        allowed = {known.get(uid) or others.get(uid) for uid in before}
        for number, (path, uid) in enumerate(references):
            if is_aligned:
                old = before[number]
                if known.get(old, uid) != uid:
                    yield Finding(output.name, path, "uid-unresolved")
                elif old not in known and others.setdefault(old, uid) != uid:
                    yield Finding(output.name, path, "uid-inconsistent")
            elif uid not in allowed and (not before or all(old in known for old in before)):
                yield Finding(output.name, path, "uid-unresolved")


def _by_place(facts: Facts) -> dict[str, list[tuple[str, str]]]:
    places: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, uid in facts.uids:
        places[without_indexes(path)].append((path, uid))
    return places


def _shifts(source: Facts, output: Facts) -> Iterator[tuple[str, int | None]]:
    """Give (path, days) of every date; None for one that the source does not have there."""
    before: defaultdict[str, list[date | None]] = defaultdict(list)
    for path, value in source.dates:
        before[path].append(_day(value))
    seen: Counter[str] = Counter()
    for path, value in output.dates:
        if path.endswith(tag_name(BIRTH_DATE)):
            continue
        there = before.get(path, [])
        old = there[seen[path]] if seen[path] < len(there) else None
        seen[path] += 1
        new = _day(value)
        yield path, (new - old).days if new and old else None


def _day(value: str) -> date | None:
    days = dates_in(value)
    return days[0] if days else None
