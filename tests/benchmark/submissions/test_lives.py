"""Whatever happens in whatever order, a submission ends once, and the quota is what the states say."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from submission_desk import SCHEMAS, Clock, Desk, fill, scored

from workbench.benchmark.submissions import ending, leases
from workbench.benchmark.submissions.ending import Outcome
from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.tasks.definition import task_definition
from workbench.benchmark.tasks.fields import Quota
from workbench.errors import Conflict, SubmissionRefused
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

picks = st.integers(0, 1000)


class Lives(RuleBasedStateMachine):
    """People send and take back, evaluators answer late or never, gateways die, and time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        home, clock = Settings(Path(self.folder.name)), Clock()
        store = Store(home.store, SCHEMAS, clock=clock)
        seed(store, home)
        fill(store)
        task = task_definition("lung-nodule-detection")
        task = task.model_copy(update={"quota": Quota(scored_per_week=3, scored_in_all=4)})
        self.desk = Desk(store, Payloads(home.home / "submissions"), clock, task)
        self.sent: dict[str, str] = {}
        self.leases: list[tuple[str, str]] = []
        self.ended: dict[str, str] = {}

    @rule(intent=st.sampled_from(["scored", "validation"]))
    def send(self, intent: str) -> None:
        counted = sum(state in ("queued", "running", "scored") for state in self.states("scored").values())
        try:
            self.sent[self.desk.send(intent=intent)] = intent
        except SubmissionRefused:
            assert intent == "scored" and counted >= 3
        else:
            assert intent == "validation" or counted < 4

    @rule()
    def start(self) -> None:
        waits = "queued" in self.states().values()
        job = leases.take_next(self.desk.store)
        assert waits == (job is not None)
        if job is not None:
            self.leases.append((job["id"], job["lease"]))

    @rule(pick=picks, outcome=st.sampled_from([scored(), Outcome("valid"), Outcome("failed", "TIMEOUT")]))
    def answer(self, pick: int, outcome: Outcome) -> None:
        if not self.leases:
            return
        submission, lease = self.leases[pick % len(self.leases)]
        fits = outcome.state == "failed" or (outcome.state == "valid") == (self.sent[submission] == "validation")
        if not fits:
            return
        row = self.desk.store.read().execute("SELECT * FROM submissions WHERE id = ?", (submission,)).fetchone()
        is_holder = row["lease"] == lease
        try:
            ending.finish(self.desk.store, submission, lease, outcome)
        except Conflict:
            assert not is_holder
        else:
            assert is_holder

    @rule(pick=picks)
    def lose(self, pick: int) -> None:
        if self.leases:
            leases.lose(self.desk.store, *self.leases[pick % len(self.leases)], "a test")

    @rule(pick=picks)
    def take_back(self, pick: int) -> None:
        names = list(self.sent)
        if names and self.desk.state(names[pick % len(names)]) in ("queued", "running"):
            ending.withdraw(self.desk.store, self.desk.payloads, names[pick % len(names)], "researcher")

    @rule()
    def die(self) -> None:
        leases.recover(self.desk.store)

    @rule(minutes=st.sampled_from([1, 20, 600]))
    def wait(self, minutes: int) -> None:
        self.desk.clock.now += timedelta(minutes=minutes)
        leases.expire(self.desk.store)

    @invariant()
    def what_has_ended_stays_so(self) -> None:
        now = self.states()
        assert self.ended.items() <= now.items()
        self.ended = {name: state for name, state in now.items() if state not in ("queued", "running")}

    @invariant()
    def nothing_is_finished_twice(self) -> None:
        for submission in self.sent:
            assert self.desk.events(submission, "submission.finish") <= 1

    @invariant()
    def the_quota_is_what_the_states_say(self) -> None:
        counted = sum(state in ("queued", "running", "scored") for state in self.states("scored").values())
        assert self.desk.used()[1] == counted <= 4

    def states(self, intent: str = "") -> dict[str, str]:
        rows = self.desk.store.read().execute(
            "SELECT id, state FROM submissions WHERE ? IN ('', intent)", (intent,)
        )  # fmt: skip
        return {row["id"]: row["state"] for row in rows.fetchall()}

    def teardown(self) -> None:
        self.desk.clock.now += timedelta(days=2)
        leases.expire(self.desk.store)
        assert not {"queued", "running"} & set(self.states().values())
        self.desk.store.close()
        self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=10, stateful_step_count=30, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
