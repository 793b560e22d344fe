"""What a decision costs in processor time: 50 policies, 1,000 people with a grant each, nothing remembered by time.

`python tests/bench/decide.py` prints the rows; `run.py` collects them with those of the other benches.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.governance.catalogue import NewDataset, register_dataset
from workbench.governance.decide import Context, decide
from workbench.governance.people import seed
from workbench.governance.policy.settling import house
from workbench.governance.policy.texts import set_policy
from workbench.governance.store import Store
from workbench.settings import Settings

PEOPLE, POLICIES, ROUNDS = 1_000, 50, 3
NOW = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
GOVERNED = Context(kind="kernel", isolation="bubblewrap", now=NOW)


def run() -> list[dict[str, Any]]:
    """Measure decisions in a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "home" / "store.sqlite", clock=lambda: NOW)
        _fill(store, Settings(Path(folder) / "home"))
        people = [f"person-{number}" for number in range(PEOPLE)]
        steps = iter(range(10_000_000))

        def ask(person: str) -> None:
            # Another second each time, so that nothing can be remembered of the one before.
            moment = NOW + timedelta(seconds=next(steps))
            if not decide(store, person, "dataset.read", "clinic-ct", replace(GOVERNED, now=moment)).allowed:
                raise RuntimeError("this decision should have been a yes")

        ask(people[0])
        first = _times(ask, people)
        again = _times(ask, people * ROUNDS)
        store.close()
    return [
        _row("first question of each person", first, 150.0),
        _row("every later question", again, 150.0),
        _row("every later question, p99", again, None, quantile=0.99),
    ]


def _fill(store: Store, settings: Settings) -> None:
    seed(store, settings)
    register_dataset(store, "custodian", NewDataset("clinic-ct", "Clinic CT", "controlled", "custodian"))
    own = POLICIES - len(house())
    set_policy(store, "custodian", "clinic-ct", "\n".join(_policy(number) for number in range(own)))
    with store.change("system", "bench.fill", "home") as db:
        for number in range(PEOPLE):
            person = f"person-{number}"
            db.execute("INSERT INTO people (id, name, created) VALUES (?, ?, 'then')", (person, person))
            db.execute("INSERT INTO roles (person, role) VALUES (?, 'researcher')", (person,))
            db.execute(
                "INSERT INTO requests (id, dataset, person, purpose, days, note, status, created) "
                "VALUES (?, 'clinic-ct', ?, 'teaching', 30, '', 'granted', 'then')",
                (f"R{number}", person),
            )
            db.execute(
                "INSERT INTO grants (id, request, dataset, person, purpose, starts, ends, approved_by) VALUES "
                "(?, ?, 'clinic-ct', ?, 'teaching', '2026-05-01T00:00:00Z', '2027-05-01T00:00:00Z', 'custodian')",
                (f"G{number}", f"R{number}", person),
            )


def _policy(number: int) -> str:
    """Give a policy that is asked at every read and permits it in one case of its own."""
    return (
        f'@id("rule-{number}") @bin("people.age by {number + 1}")\n'
        'permit (principal in Role::"researcher", action == Action::"read", resource)\n'
        f'when {{ principal.training && (principal.institution == "clinic {number}" || context.sandbox) }};'
    )


def _times(ask: Callable[[str], None], people: list[str]) -> list[float]:
    found = []
    for person in people:
        start = time.process_time_ns()
        ask(person)
        found.append((time.process_time_ns() - start) / 1000)
    return found


def _row(subject: str, times: list[float], peer: float | None, *, quantile: float = 0.5) -> dict[str, Any]:
    value = statistics.quantiles(times, n=100)[int(quantile * 100) - 1]
    return {
        "bench": "decide", "subject": subject, "value": value, "unit": "µs CPU",
        "peer": "the promise" if peer else None, "peer_value": peer, "ratio": value / peer if peer else None,
    }  # fmt: skip


if __name__ == "__main__":
    for row in run():
        print(f"{row['subject']:<34}{row['value']:>8.1f} {row['unit']}")
