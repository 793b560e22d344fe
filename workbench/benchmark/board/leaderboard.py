"""The leaderboard of a task version: what each participant's best and each baseline reached, and how sure that is.

A participant stands with the last submission that the Ladder answered with a number; baselines stand for ever, their
numbers rounded like everybody's. Ranks, their intervals and tie groups come from the draws on the shared resamples;
once the final test is done they come from the final split, and the public ones stay beside them.

Runs in: gateway
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.benchmark.board import final
from workbench.benchmark.board.climbing import Floats, shown_cost, shown_numbers
from workbench.benchmark.board.ladder import answers, draws_of, of_scores
from workbench.benchmark.board.ranking import places
from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.submissions.records import definition_of, find_row, pins
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.errors import Conflict, NotFound
from workbench.governance.evidence.records import remember
from workbench.governance.store import Store

PUBLIC, FINAL = "public_test", "final_test"
SYNTHETIC = "Synthetic data: a number here says how well phantoms are read, nothing about patients."
# Who computed the predictions, and under which guard.
SEALED, AUTHOR, HOUSE = "sealed", "author", "house"
ISOLATION = {
    SEALED: "Run here in the sandbox: no network, no labels, and limits on time, memory, processes and output.",
    AUTHOR: "Predictions that their author computed outside, with means that nobody here has seen.",
    HOUSE: "A baseline that the evaluator computes itself.",
}
LEVELS = {"onnx": SEALED, "folder": SEALED, "predictions": AUTHOR}


@dataclass(frozen=True)
class Result:
    """One measured result as it is stored: scores as JSON text, and its draws."""

    scores: str
    draws: bytes | None

    @property
    def value(self) -> float:
        """The exact value, by which entries are ranked."""
        return float(json.loads(self.scores)["value"])

    @property
    def drawn(self) -> Floats | None:
        """The draws on the shared resamples."""
        return draws_of(self.draws)

    def numbers(self) -> tuple[float, Sequence[float] | None]:
        """Give value and interval as they are shown, to two digits of their error; a baseline's tell labels, too."""
        exact = json.loads(self.scores)
        return shown_numbers(exact["value"], exact.get("interval"), self.drawn)


@dataclass(frozen=True)
class Line:
    """A line of the board before it is ranked: what is known of the entry, its public and its final result."""

    entry: Mapping[str, Any]
    public: Result
    final: Result | None = None


def leaderboard(
    store: Store, task: TaskDefinition, *, version: str | None = None, is_exact: bool = False
) -> dict[str, Any]:
    """Give the board of a task version.

    Parameters
    ----------
    store : Store
        The home's store.
    task : TaskDefinition
        As it is now.
    version : str, optional
        An older version's hash or its beginning; the present one when left out.
    is_exact : bool
        Whether each entry also has its exact numbers: for who answers for the hidden data, and administrators.

    Returns
    -------
    dict
        The task, its metric and version, `closed`, `final` (how the final test stands) and `entries`, best first.

    Raises
    ------
    NotFound
        When the task has no such version.
    """
    version = present_version(store, task) if version is None else find_version(store, task.id, version)
    wanted = definition_of(store, version, task.id) if version else task
    meaning = definition(wanted.metric)
    stands = final.read(store, version)

    def rank() -> list[dict[str, Any]]:
        lines = [*_participants(store, version, stands["state"]), *_baselines(store, version, stands["state"])]
        return _ranked(lines, is_better_higher=meaning.higher_is_better, is_exact=is_exact)

    # Many pages look at a board that changes rarely, and ranking compares everybody with everybody.
    entries = remember(store, ("board", version, is_exact), rank)
    closed = store.read().execute("SELECT closed FROM task_versions WHERE version = ?", (version,)).fetchone()
    return {
        "task": task.id, "title": wanted.title, "question": wanted.question, "metric": wanted.metric,
        "metric_name": meaning.name, "definition": meaning.text, "higher_is_better": meaning.higher_is_better,
        "version": version, "versions": versions_of(store, task.id), "synthetic": wanted.synthetic,
        "band": SYNTHETIC if wanted.synthetic else None, "unit": wanted.unit,
        "closed": bool(closed and closed["closed"]), "final": stands, "isolation": ISOLATION, "entries": entries,
    }  # fmt: skip


def present_version(store: Store, task: TaskDefinition) -> str:
    """Give the hash of the task as it is now; empty while its data are not filled in."""
    try:
        return task.version(pins(store, task))
    except Conflict:
        return ""


def versions_of(store: Store, task: str) -> list[dict[str, Any]]:
    """Give every version of a task that was submitted to: its hash, since when, and when it was closed."""
    rows = store.read().execute(
        "SELECT version, created, closed FROM task_versions WHERE task = ? ORDER BY created, version", (task,)
    )
    return [dict(row) for row in rows.fetchall()]


def find_version(store: Store, task: str, version: str) -> str:
    """Give the whole hash of one of a task's versions by its first digits.

    Raises
    ------
    NotFound
        When none begins like this, or several do.
    """
    known = [str(row["version"]) for row in versions_of(store, task)]
    found = [one for one in known if version and one.startswith(version)]
    if len(found) != 1:
        said = ", ".join(one[:12] for one in known) or "none yet"
        raise NotFound(f"{task} has no single version “{version[:64]}”; those with submissions are: {said}.")
    return found[0]


def _participants(store: Store, version: str, state: str) -> Iterable[Line]:
    tested = {run["submission"]: run for run in final.runs(store, version)} if state == "done" else {}
    persons = {run["person"]: run["submission"] for run in tested.values()}
    for person in final.participants(store, version):
        # With its final run, the line is about what was tested.
        row = find_row(store, persons.get(person) or answers(store, person, version)[-1].best)
        run = tested.get(row["id"])
        entry = {
            "submission": row["id"], "person": person, "note": row["note"], "kind": "submission",
            "payload": row["kind"], "isolation": LEVELS[row["kind"]], "created": row["created"],
            "cost": shown_cost(row["cost"]),
            "final_failed": run["code"] if run and run["scores"] is None else None,
        }  # fmt: skip
        tested_result = Result(run["scores"], run["draws"]) if run and run["scores"] else None
        yield Line(entry, Result(row["scores"], row["draws"]), tested_result)


def _baselines(store: Store, version: str, state: str) -> Iterable[Line]:
    rows = store.read().execute("SELECT * FROM baselines WHERE task_version = ? ORDER BY name", (version,)).fetchall()
    measured = {(row["split"], row["name"]): Result(row["scores"], row["draws"]) for row in rows}
    for row in rows:
        if row["split"] == PUBLIC:
            entry = {
                "submission": None, "person": row["name"], "note": "", "kind": "baseline", "payload": "baseline",
                "isolation": HOUSE, "created": row["created"], "cost": None, "final_failed": None,
            }  # fmt: skip
            tested = measured.get((FINAL, row["name"])) if state == "done" else None
            yield Line(entry, measured[PUBLIC, row["name"]], tested)


def _ranked(lines: Sequence[Line], *, is_better_higher: bool, is_exact: bool) -> list[dict[str, Any]]:
    entries = [_entry(line, is_better_higher=is_better_higher, is_exact=is_exact) for line in lines]
    for entry, place in zip(entries, _places([line.public for line in lines], entries, is_better_higher), strict=True):
        entry.update(place)
    tested = [number for number, line in enumerate(lines) if line.final is not None]
    results = [line.final for line in lines if line.final is not None]
    named = [entries[number] for number in tested]
    for entry, result, place in zip(named, results, _places(results, named, is_better_higher), strict=True):
        entry["final"] = {**_numbers(result, is_exact=is_exact), **place}
    return sorted(entries, key=lambda entry: _order(entry, has_final=bool(tested)))


def _order(entry: Mapping[str, Any], *, has_final: bool) -> tuple[Any, ...]:
    # Who has no final result, such as a run that failed there, stands below all who have.
    tested = entry["final"]["rank"] if entry["final"] else 10**9
    return (tested if has_final else 0, entry["rank"], entry["created"], entry["person"])


def _entry(line: Line, *, is_better_higher: bool, is_exact: bool) -> dict[str, Any]:
    exact = json.loads(line.public.scores)
    # The best result may stand on the items that were answered; what is missing counts, and is said.
    return {
        **line.entry, **_numbers(line.public, is_exact=is_exact), "units": exact.get("units"),
        "items": exact.get("items"), "answered": exact.get("answered"), "coverage": exact.get("coverage"),
        "worst_subgroup": _worst(line.public, is_better_higher), "final": None,
    }  # fmt: skip


def _numbers(result: Result, *, is_exact: bool) -> dict[str, Any]:
    value, interval = result.numbers()
    numbers: dict[str, Any] = {"value": value, "interval": list(interval) if interval else None}
    if is_exact:
        exact = json.loads(result.scores)
        numbers["exact"] = {"value": exact["value"], "interval": exact.get("interval")}
    return numbers


def _worst(result: Result, is_better_higher: bool) -> dict[str, Any] | None:
    """Give the subgroup in which an entry does worst; None when the task names none that carries an interval."""
    exact = json.loads(result.scores)
    groups = exact.get("subgroups") or []
    seen = of_scores(result.scores, result.draws, is_shown=True)["subgroups"]
    # Without an interval there are too few in it: what is worst there says nothing of the entry.
    measured = [number for number, group in enumerate(groups) if group.get("interval")]
    if not measured:
        return None
    sign = 1.0 if is_better_higher else -1.0
    worst: dict[str, Any] = seen[min(measured, key=lambda number: sign * groups[number]["value"])]
    return worst


def _places(
    results: Sequence[Result], named: Sequence[Mapping[str, Any]], is_better_higher: bool
) -> list[dict[str, Any]]:
    found = places(
        [result.value for result in results], [result.drawn for result in results], higher_is_better=is_better_higher
    )
    return [
        {
            "rank": place.rank, "rank_interval": list(place.rank_interval), "tie_group": place.tie_group,
            "ties": [named[other]["submission"] or named[other]["person"] for other in place.ties],
        }
        for place in found
    ]  # fmt: skip
