"""Which file of the source an output came from, found without asking the de-identifier.

Pixels and technical numbers decide: first both, then the numbers, then the pixels, then what is left over within a
series. Files that nothing tells apart stay `twins`: they are from the source, but it is not said which is which.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.1 (General Image), C.7.6.2 (Image Plane).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from workbench.ingest.verify.facts import INSTANCE, SERIES, Facts

Key = Callable[[Facts], Hashable]
KEYS: tuple[Key, ...] = (
    lambda one: (one.sop_class, one.digest, one.shape, one.place, one.moments),
    lambda one: (one.sop_class, one.digest, one.shape, one.place),
    lambda one: (one.sop_class, one.shape, one.place) if any(one.place) else None,
    lambda one: (one.sop_class, one.digest),
    lambda one: (one.sop_class, one.shape),
)


@dataclass
class Pairs:
    """Outputs with their sources.

    Parameters
    ----------
    found : list of tuple
        (source, output).
    twins : list of Facts
        Outputs that several equal sources could be the source of.
    alone : list of Facts
        Outputs without a source.
    missing : list of Facts
        Sources without an output.
    """

    found: list[tuple[Facts, Facts]] = field(default_factory=list)
    twins: list[Facts] = field(default_factory=list)
    alone: list[Facts] = field(default_factory=list)
    missing: list[Facts] = field(default_factory=list)


def pair(sources: Iterable[Facts], outputs: Iterable[Facts], expected: Mapping[str, str] | None = None) -> Pairs:
    """Find the source of every output.

    Parameters
    ----------
    sources, outputs : iterable of Facts
    expected : dict of str to str, optional
        Output SOP Instance UID by source SOP Instance UID, where a project's key makes that known.
    """
    pairs, left, right = Pairs(), _once(sources), list(outputs)
    if expected:
        wanted: defaultdict[str, list[Facts]] = defaultdict(list)
        for one in left:
            wanted[expected.get(one.texts.get(INSTANCE, ""), "")].append(one)
        left, right = _take(pairs, left, right, lambda one: _likest(wanted.get(one.texts.get(INSTANCE, ""), []), one))
    for key in KEYS:
        for narrow in (False, True):
            left, right = _match(pairs, left, right, key, narrow=narrow)
    classes = {_loose(one) for one in left}
    matched = {id(source) for source, _ in pairs.found}
    pairs.twins = [one for one in right if _loose(one) in classes]
    pairs.alone = [one for one in right if _loose(one) not in classes]
    pairs.missing = [one for one in left if id(one) not in matched]
    return pairs


def _likest(sources: list[Facts], output: Facts) -> Facts | None:
    """Give the source with the output's pixels, if several different files claim to be one instance."""
    return next((one for one in sources if one.digest == output.digest), sources[0] if sources else None)


def _loose(one: Facts) -> Hashable:
    return one.sop_class, one.shape


def _once(sources: Iterable[Facts]) -> list[Facts]:
    """Leave out second copies of an instance: they become one output."""
    found: dict[Hashable, Facts] = {}
    for one in sources:
        found.setdefault((one.texts.get(INSTANCE) or one.name, one.digest), one)
    return list(found.values())


def _take(
    pairs: Pairs, left: list[Facts], right: list[Facts], source_of: Callable[[Facts], Facts | None]
) -> tuple[list[Facts], list[Facts]]:
    taken: set[int] = set()
    rest = []
    for output in right:
        source = source_of(output)
        if source is None or id(source) in taken:
            rest.append(output)
            continue
        taken.add(id(source))
        pairs.found.append((source, output))
    return [one for one in left if id(one) not in taken], rest


def _match(
    pairs: Pairs, left: list[Facts], right: list[Facts], key: Key, *, narrow: bool
) -> tuple[list[Facts], list[Facts]]:
    """Pair what a key leaves only one choice for; `narrow` also asks for the series that was seen to belong."""
    series = _series(pairs) if narrow else {}
    if narrow and not series:
        return left, right
    groups: defaultdict[Hashable, tuple[list[Facts], list[Facts]]] = defaultdict(lambda: ([], []))
    for side, facts in enumerate((left, right)):
        for one in facts:
            known = key(one)
            if known is None:
                continue
            name = one.texts.get(SERIES, "")
            if narrow:
                name = series.get(name, "") if side == 0 else name
                if not name or name not in series.values():
                    continue
                known = (known, name)
            groups[known][side].append(one)
    choice = {id(outputs[0]): sources[0] for sources, outputs in groups.values() if len(sources) == len(outputs) == 1}
    return _take(pairs, left, right, lambda one: choice.get(id(one)))


def _series(pairs: Pairs) -> dict[str, str]:
    """Give the output series that most instances of a source series went to."""
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for source, output in pairs.found:
        votes[source.texts.get(SERIES, "")][output.texts.get(SERIES, "")] += 1
    return {name: counted.most_common(1)[0][0] for name, counted in votes.items() if name}
