"""Gateways, evaluators and sandboxed workers are killed at random moments under load: everything ends, once.

Killed by their ids, with SIGKILL, while submissions wait and run. Afterwards every submission has ended, the quota is
that of what was scored, nothing was scored twice, and equal predictions have equal numbers.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import pytest
from homes import Lines, lines_of
from submission_homes import BINARY, TASK, answers, fill_tasks, marks, model, serve_impatiently, submit

from workbench.connection import gateway_answers
from workbench.errors import GatewayUnavailable, WorkbenchError
from workbench.gateway.lifecycle import serve
from workbench.governance.record.audit import verify_home
from workbench.settings import Settings

pytest.importorskip("onnx")
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmark" / "evaluation"))
from small_models import endless_model

SENT_FIRST, KILLS = 8, 12
PEOPLE = ("researcher", "teacher")
KINDS = ((TASK, "predictions", marks()), (BINARY, "predictions", answers()), (TASK, "onnx", model()))
ENDED = {"scored", "valid", "failed", "withdrawn"}
LONGEST_S = 400.0
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["workbench.gateway.lifecycle"])


class House:
    """One home whose gateway may be killed and started again."""

    def __init__(self, settings: Settings, serve: Callable[[Settings], None]) -> None:
        self.settings = settings
        self.serve = serve
        self.process = self.start()

    def start(self) -> BaseProcess:
        process = FORKS.Process(target=self.serve, args=(self.settings,), daemon=True)
        process.start()
        while not gateway_answers(self.settings):
            assert process.is_alive()
            time.sleep(0.01)
        return process

    def kill(self) -> None:
        """Kill the gateway, and see that its evaluators do not outlive it."""
        evaluators = self.below()
        self.process.kill()
        self.process.join()
        _, alive = psutil.wait_procs(evaluators, timeout=60)
        assert alive == []
        self.process = self.start()

    def below(self) -> list[psutil.Process]:
        """Give the evaluators and what runs in their sandboxes."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.settings.store)) as db:
            return db.execute(sql).fetchall()


@pytest.fixture
def open_house(home: Settings, bubblewrap: None) -> Iterator[Callable[..., House]]:
    """Give a function that opens this test's home, with the tasks' data in it."""
    opened: list[House] = []

    def make(serve: Callable[[Settings], None] = serve) -> House:
        opened.append(House(home, serve))
        with lines_of(home) as lines:
            fill_tasks(lines)
        return opened[0]

    yield make
    for house in opened:
        house.process.terminate()
        house.process.join()


def send(lines: Lines, chance: random.Random) -> None:
    """Send one submission of some kind; a gateway that dies meanwhile has it whole or not at all."""
    task, kind, content = chance.choice(KINDS)
    with suppress(GatewayUnavailable):
        submit(lines.person(chance.choice(PEOPLE)), content, task=task, kind=kind)


def take_back(house: House, lines: Lines, chance: random.Random) -> None:
    """Take back something that waits or runs, if nothing is faster."""
    left = house.rows("SELECT id, person FROM submissions WHERE state IN ('queued', 'running')")
    if left:
        submission, person = chance.choice(left)
        with suppress(WorkbenchError):
            lines.person(person).post(f"/v1/submissions/{submission}/withdraw")


def harm(house: House, chance: random.Random) -> str:
    """Kill the gateway, or something below it: an evaluator, or what runs in its sandbox."""
    below = house.below()
    if not below or chance.random() < 0.35:
        house.kill()
        return "gateway"
    with suppress(psutil.NoSuchProcess):
        chance.choice(below).kill()
    return "evaluator"


def wait_until_all_ended(house: House) -> Counter[str]:
    end = time.monotonic() + LONGEST_S
    while True:
        states = Counter(state for (state,) in house.rows("SELECT state FROM submissions"))
        if set(states) <= ENDED:
            return states
        assert time.monotonic() < end, states
        time.sleep(0.2)


@pytest.mark.timeout(600)
def test_whatever_is_killed_every_submission_ends_once(open_house: Callable[..., House]) -> None:
    house, chance, killed = open_house(), random.Random(5), Counter[str]()  # noqa: S311 - moments to kill, no secrets
    with lines_of(house.settings) as lines:
        for _ in range(SENT_FIRST):
            send(lines, chance)
        for turn in range(KILLS):
            time.sleep(chance.uniform(0.0, 2.0))
            killed[harm(house, chance)] += 1
            send(lines, chance)
            if turn % 5 == 4:
                take_back(house, lines, chance)
        states = wait_until_all_ended(house)
    assert min(killed["gateway"], killed["evaluator"]) >= 3 and states["scored"] >= 3
    check_that_nothing_was_scored_twice(house)
    check_the_quota(house)
    assert verify_home(house.settings)["ok"]


@contextmanager
def begun_request(settings: Settings, token: str) -> Iterator[None]:
    """Have a request whose body does not come, for which a gateway that stops waits a while."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(settings.socket))
        head = f"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n"
        line.sendall(head.encode())
        yield


@pytest.mark.timeout(600)
@pytest.mark.parametrize("is_held_up", [False, True])
def test_a_gateway_that_stops_in_good_order_hands_its_leases_back(
    open_house: Callable[..., House], is_held_up: bool
) -> None:
    house = open_house()
    with lines_of(house.settings) as lines:
        submit(lines.person("researcher"), marks())
        while not house.below():
            time.sleep(0.02)
        with ExitStack() as held:
            if is_held_up:
                # While it waits for this request to end, the gateway listens no more.
                held.enter_context(begun_request(house.settings, lines.person("teacher").token))
            house.process.terminate()
            house.process.join()
    assert house.rows("SELECT state, attempts, lease FROM submissions") == [("queued", 0, None)]
    house.process = house.start()
    assert wait_until_all_ended(house) == {"scored": 1}
    assert house.rows("SELECT attempts FROM submissions") == [(1,)]


@pytest.mark.timeout(600)
def test_an_evaluator_that_stands_still_is_given_up(open_house: Callable[..., House]) -> None:
    house = open_house(serve_impatiently)
    with lines_of(house.settings) as lines:
        submit(lines.person("researcher"), marks())
        while not house.below():
            time.sleep(0.05)
        house.below()[0].send_signal(signal.SIGSTOP)
        states = wait_until_all_ended(house)
    reasons = {reason for (reason,) in house.rows("SELECT reason FROM audit WHERE action = 'submission.lose'")}
    assert states["scored"] + states["failed"] == 1 and "the evaluator was silent" in reasons
    check_that_nothing_was_scored_twice(house)


@pytest.mark.timeout(600)
def test_a_model_whose_sandbox_is_killed_runs_once_more(open_house: Callable[..., House]) -> None:
    house = open_house()
    with lines_of(house.settings) as lines:
        submit(lines.person("researcher"), endless_model(), task=BINARY, kind="onnx")
    for which in (0, -1):
        assert psutil.wait_procs(kill_in_sandbox(house, which), timeout=60)[1] == []
    assert wait_until_all_ended(house) == {"failed": 1}
    assert house.rows("SELECT code, attempts FROM submissions") == [("INTERNAL_ERROR", 2)]
    reasons = house.rows("SELECT reason FROM audit WHERE action = 'submission.lose'")
    assert reasons == [("the evaluator ended with status 1",)] * 2
    check_the_quota(house)


def kill_in_sandbox(house: House, which: int) -> list[psutil.Process]:
    """Kill a process of the sandbox in which a model runs, bubblewrap first and the model's program last; give all."""
    while True:
        below = house.below()
        with suppress(psutil.NoSuchProcess):
            if any("infer.py" in " ".join(one.cmdline()[:3]) for one in below):
                below[1:][which].kill()
                return below
        time.sleep(0.01)


def check_that_nothing_was_scored_twice(house: House) -> None:
    finished = Counter(name for (name,) in house.rows("SELECT resource FROM audit WHERE action = 'submission.finish'"))
    scored = {name for (name,) in house.rows("SELECT id FROM submissions WHERE state = 'scored'")}
    assert set(finished.values()) <= {1} and scored <= set(finished)
    starts = Counter(name for (name,) in house.rows("SELECT resource FROM audit WHERE action = 'submission.start'"))
    assert max(starts.values()) <= 2
    numbers = house.rows(
        "SELECT task, kind, COUNT(DISTINCT scores) FROM submissions WHERE scores > '' GROUP BY task, kind"
    )
    assert {count for _, _, count in numbers} <= {1}
    # A large worker that is killed with SIGKILL met, as a rule, the kernel that found too little memory.
    failed = house.rows("SELECT DISTINCT kind, code, attempts FROM submissions WHERE state = 'failed'")
    for kind, code, attempts in failed:
        assert (code, attempts) == ("INTERNAL_ERROR", 2) or (kind, code) == ("onnx", "OOM_KILLED")


def check_the_quota(house: House) -> None:
    counted = "SELECT task, person, COUNT(*) FROM submissions WHERE state = 'scored' GROUP BY task, person"
    scored = {(task, person): count for task, person, count in house.rows(counted)}
    with lines_of(house.settings) as lines:
        for person in PEOPLE:
            for task in (TASK, BINARY):
                quota = lines.person(person).get(f"/v1/tasks/{task}")["quota"]
                assert quota["week_used"] == quota["total_used"] == scored.get((task, person), 0)
