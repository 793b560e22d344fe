"""Random datasets and policies for the differential test, and how they get into a home."""

from __future__ import annotations

import itertools
import json
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from homes import scan_facts
from hypothesis import strategies as st
from naive import ORDERED, Filter, Policy, Rule, Table, World
from numpy.typing import NDArray

from workbench.gateway.state import State
from workbench.gateway.tables import TYPES, to_file
from workbench.geometry import Geometry
from workbench.governance.catalogue import NewDataset, commit_version
from workbench.governance.versions import PUBLISHED, NewVersion
from workbench.ingest.labels.encoding import encode_labels
from workbench.ingest.labels.layers import Piece, Region, make_label_sets
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.vault.manifest import Manifest, save_manifest

DATASET, LABEL = "field-ct", "rtstruct-1"
SHAPE = (4, 6, 8)
SUBJECTS = ("P0001", "P0002", "P0003")
SCANS = ("S0001", "S0002", "S0003", "S0004")
GRID = Geometry(SHAPE, (2.0, 0.7, 0.7), (0.0, 0.0, 0.0))
NUMBERS, DATES = ("34", "89", "12.5", "-3"), ("2020-01-31", "2020-03-01")
WORDS = ("a", "b", "true", "train", "validation", "CT", "P0001", "S0002")
# The columns that a table may have, with the type of each and some values.
POOL: dict[str, dict[str, tuple[str, tuple[Any, ...]]]] = {
    "people": {
        "subject": ("string", ()), "age": ("int64", (None, 91, 34, 0, -3)),
        "dose": ("float64", (None, 0.5, 12.5, 90.0)),
        "years": ("string", (None, "91", "34", "7")), "note": ("string", (None, "a", "b", "7")),
        "smokes": ("bool", (None, True, False)), "day": ("date", (None, date(2020, 1, 31), date(1969, 12, 30))),
    },
    "marks": {
        "scan": ("string", (None, *SCANS)), "age": ("int64", (None, 91, 34)), "size": ("float64", (None, 0.5, 89.5)),
        "label": ("string", (None, "a", "b")),
        "seen": ("time", (None, datetime(2020, 1, 31, 23, 59), datetime(2020, 3, 1))),
    },
}  # fmt: skip
FILTERED = {"scans": ("split", "split", "scan", "subject", "modality", "slices"), "nowhere": ("age",)}
_numbers = itertools.count()


def scans() -> st.SearchStrategy[tuple[dict[str, Any], ...]]:
    def build(drawn: list[tuple[str, str | None, str]]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {"scan": name, "subject": subject, "split": split, "modality": modality, "slices": SHAPE[0]}
            for name, (subject, split, modality) in zip(SCANS, drawn, strict=False)
        )

    split = st.sampled_from(("train", "train", "validation", "final_test", None))
    one = st.tuples(st.sampled_from(SUBJECTS), split, st.sampled_from(("CT", "MR")))
    return st.lists(one, min_size=2, max_size=len(SCANS)).map(build)


@st.composite
def table(draw: st.DrawFn, name: str) -> Table:
    columns = draw(st.lists(st.sampled_from(sorted(POOL[name])), min_size=1, unique=True))
    rows = []
    for owner in draw(st.lists(st.sampled_from(SUBJECTS), max_size=6)):
        values = [owner if c == "subject" else draw(st.sampled_from(POOL[name][c][1])) for c in columns]
        rows.append((owner, tuple(values)))
    return Table(tuple((c, POOL[name][c][0]) for c in columns), tuple(rows))


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from(("scans", "scans", "scans", "people", "marks", *draw(_rarely("nowhere")))))
    column = draw(st.sampled_from(FILTERED.get(name) or sorted(POOL[name])))
    fitting = draw(st.integers(0, 9)) > 0
    suiting = _suiting(name, column) if fitting else WORDS + NUMBERS + DATES
    ordered = [word for word in suiting if word in NUMBERS + DATES]
    operator = draw(st.sampled_from(("=", "!=", "in", "not in", *(ORDERED if ordered else ()))))
    if operator in ORDERED:
        return Filter(name, column, operator, (draw(st.sampled_from(ordered)),))
    most = 3 if "in" in operator else 1
    values = draw(st.lists(st.sampled_from(suiting), min_size=1, max_size=most, unique=True))
    return Filter(name, column, operator, tuple(values))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    name = draw(st.sampled_from(("scans", "people", "marks", "*", *draw(_rarely("nowhere")))))
    known = {"scans": ["subject", "split", "modality"], "nowhere": ["age"]}.get(name)
    columns = known or sorted({c for n in POOL for c in POOL[n] if name in (n, "*")} - {"scan"})
    column = draw(st.sampled_from(columns))
    kinds = _kinds(column) if draw(st.integers(0, 9)) else ("bin", "cap", "shift")
    kind = draw(st.sampled_from(("drop", "mask", *kinds)))
    amounts = {"bin": ("5", "2.5", "4", "6"), "cap": ("89", "12.5", "0"), "shift": ("1", "30")}
    amount = Fraction(draw(st.sampled_from(amounts[kind]))) if kind in amounts else Fraction(0)
    return Rule(kind, name, column, amount)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    if draw(st.integers(0, 14)) == 0:
        return Policy("forbid", draw(st.booleans()))
    found = draw(st.lists(filters(), max_size=2)), draw(st.lists(rules(), max_size=2))
    return Policy("permit", draw(st.integers(0, 5)) > 0, tuple(found[0]), tuple(found[1]))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = draw(st.sampled_from((("people", "marks"), ("people", "marks"), ("people",), ("marks",), ())))
    tables = {name: draw(table(name)) for name in names}
    found = draw(st.lists(policies(), max_size=2))
    if draw(st.booleans()):
        # Often enough some scans are there and some are not.
        some = Filter("scans", "split", "in", draw(st.sampled_from((("train",), ("train", "validation")))))
        found.append(Policy("permit", True, (some,)))
    return World(draw(scans()), tables, tuple(found))


def cedar(world: World) -> str:
    """Give the custodian's policy as Cedar text."""
    said = []
    for number, policy in enumerate(world.policies):
        lines = [f'@id("rule-{number}")']
        pieces: dict[str, list[str]] = {"rows": [_filter_text(one) for one in policy.filters]}
        for rule in policy.rules:
            pieces.setdefault(rule.kind, []).append(_rule_text(rule))
        lines += [f'@{kind}("{"; ".join(found)}")' for kind, found in pieces.items() if found]
        role = "researcher" if policy.matches else "teacher"
        lines.append(f'{policy.effect} (principal in Role::"{role}", action == Action::"read", resource);')
        said.append("\n".join(lines))
    return "\n\n".join(said)


def publish(state: State, world: World) -> str:
    """Make a world the newest version of the dataset and give the version's id."""
    entries = [state.vault.put(DATASET, "", "card.json", b"%d" % next(_numbers))]
    for scan in world.scans:
        entries += _image(state, scan["scan"], scan["subject"])
        facts = scan_facts(voxels(scan["scan"]), 1) | scan | {"dicom": {"Modality": scan["modality"]}}
        put = json.dumps(facts).encode()
        entries.append(state.vault.put(DATASET, scan["subject"], f"scans/{scan['scan']}/scan.json", put))
    for name, one in world.tables.items():
        columns = [{"name": c, "type": kind} for c, kind in one.columns]
        declared = json.dumps({"title": name, "columns": columns}).encode()
        entries.append(state.vault.put(DATASET, "", f"tables/{name}.json", declared))
        for subject in sorted({owner for owner, _ in one.rows}):
            part = to_file(_part(one, subject))
            entries.append(state.vault.put(DATASET, subject, f"tables/{name}/{subject}.arrow", part))
    manifest = Manifest(entries)
    kept = save_manifest(state.vault, DATASET, manifest)
    people = len({entry.subject for entry in entries} - {""})
    version = NewVersion(DATASET, manifest.root, len(world.scans), people, 1, kept, status=PUBLISHED, uploader="x")
    commit_version(state.store, "system", NewDataset(DATASET, "Field", "controlled", "custodian"), version)
    return manifest.root


def voxels(scan: str) -> NDArray[np.int16]:
    return np.random.default_rng(SCANS.index(scan)).integers(-1000, 1000, SHAPE).astype(np.int16)


@cache
def objects(scan: str) -> dict[str, bytes]:
    """Give the encoded image and labels of a scan, by path below it."""
    image, _ = write_ome_zarr(voxels(scan), GRID)
    mask = np.ones((2, 2, 2), dtype=bool)
    region = Region("GTV-1", None, (Piece((slice(0, 2), slice(0, 2), slice(0, 2)), mask),))
    made = make_label_sets("RTSTRUCT", [region], GRID, ["drawn for a test."]) or ()
    encoded = encode_labels(next(iter(made)).named(LABEL), GRID, scan)
    below = {path.removeprefix(f"scans/{scan}/"): data for path, data in encoded.items()}
    return {**{f"image.zarr/{key}": data for key, data in image.items()}, **below}


_put: dict[tuple[int, str, str], list[Any]] = {}


def _image(state: State, scan: str, subject: str) -> list[Any]:
    """Store a scan under a subject, once per home."""
    place = id(state), scan, subject
    if place not in _put:
        _put[place] = [
            state.vault.put(DATASET, subject, f"scans/{scan}/{path}", data) for path, data in objects(scan).items()
        ]
    return _put[place]


def _part(one: Table, subject: str) -> pa.Table:
    rows = [values for owner, values in one.rows if owner == subject]
    arrays = [pa.array([row[n] for row in rows], TYPES[kind]) for n, (_, kind) in enumerate(one.columns)]
    return pa.table(arrays, names=[name for name, _ in one.columns])


def _suiting(name: str, column: str) -> tuple[str, ...]:
    """Give words that suit a column."""
    of_scans = {
        "scan": SCANS, "subject": SUBJECTS, "split": ("train", "validation", "final_test"), "modality": ("CT", "MR"),
        "slices": ("3", "4", "34"),
    }  # fmt: skip
    if name == "scans":
        return of_scans[column]
    kind = POOL[name][column][0] if name in POOL else "string"
    numbers = NUMBERS if kind != "string" or column == "years" else ("a", "b", "7", "P0001", "S0002")
    return {"bool": ("true", "false"), "date": DATES, "time": DATES}.get(kind, numbers)


def _kinds(column: str) -> tuple[str, ...]:
    """Give the kinds of rule that a column can bear beside being dropped or masked."""
    if column in ("age", "size", "dose", "years"):
        return ("bin", "cap")
    return ("shift",) if column in ("day", "seen") else ()


def _filter_text(one: Filter) -> str:
    return f"{one.table}.{one.column} {one.operator} {', '.join(one.values)}"


def _rule_text(rule: Rule) -> str:
    word = {"bin": " by ", "cap": " at ", "shift": " by "}.get(rule.kind)
    return f"{rule.table}.{rule.column}" + (f"{word}{float(rule.amount):g}" if word else "")


def _rarely(word: str) -> st.SearchStrategy[list[str]]:
    return st.integers(0, 9).map(lambda n: [word] if n == 0 else [])
