"""Many scans are answered on a cluster: the same answers as part after part, and one end for all its processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from workbench.benchmark.client import read_entry, send, wait_for
from workbench.benchmark.evaluation.parts import PART_SCANS
from workbench.connection import Connection, gateway_answers, operator_secret, running_gateway, sign_in
from workbench.ingest.phantoms import ingest_phantoms
from workbench.settings import Settings, load_settings

pytest.importorskip("onnx")
from small_models import HONEST, folder_of

TASK = "lung-nodule-detection"
SCANS = PART_SCANS + 2
PLAN = (
    ("train", 11),
    ("validation", 12),
    *(("public_test", 20 + number) for number in range(SCANS)),
    ("final_test", 15),
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("many") / "home"
    settings = load_settings(home)
    with running_gateway(settings):
        owner = Connection(settings.socket, operator_secret(settings))
        ingest_phantoms(owner, plan=PLAN, size=96)
        owner.close()
    return settings


@pytest.fixture
def line(many: Settings, bubblewrap: None, request: pytest.FixtureRequest) -> Iterator[Connection]:
    (many.home / "settings.toml").write_text(f"evaluation_workers = {request.param}\n")
    settings = load_settings(many.home)
    while gateway_answers(settings):  # one that read the settings before
        time.sleep(0.05)
    with running_gateway(settings):
        opened = sign_in(settings, "researcher")
        yield opened
        opened.close()


def predictions_of(line: Connection, home: Path, program: str) -> bytes:
    ended = wait_for(line, send(line, TASK, folder_of(program), kind="folder"))
    assert ended.state == "scored"
    return (home / "submissions" / f"{ended.submission}.predictions").read_bytes()


KNOWN: dict[int, bytes] = {}


@pytest.mark.parametrize(("line", "workers"), [(1, 1), (2, 2)], indirect=["line"])
def test_answers_do_not_depend_on_the_number_of_workers(line: Connection, many: Settings, workers: int) -> None:
    KNOWN[workers] = predictions_of(line, many.home, f"# {workers}\n{HONEST}")
    assert KNOWN[workers].count(b'"id"') == SCANS
    assert KNOWN[workers] == KNOWN[1]


def evaluator_of(submission: str) -> psutil.Process | None:
    words = ["workbench.benchmark.evaluation.evaluator", submission]
    found = [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-2:] == words]
    return found[0] if found else None


def workers_of(evaluator: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [one for one in evaluator.children() if "spawn_main" in " ".join(one.cmdline())]
    return []


@pytest.mark.parametrize("line", [2], indirect=True)
def test_a_part_that_fails_ends_all_and_leaves_no_worker(line: Connection, many: Settings) -> None:
    fails_late = HONEST + "\nif len(index['scans']) < 3: raise SystemExit(3)\n"
    entry = send(line, TASK, folder_of(fails_late), kind="folder")
    family: set[psutil.Process] = set()
    while read_entry(line, entry.submission).state in ("queued", "running"):
        evaluator = evaluator_of(entry.submission)
        family |= {evaluator, *workers_of(evaluator)} if evaluator else set()
        time.sleep(0.05)

    ended = read_entry(line, entry.submission)
    assert (ended.state, ended.code) == ("failed", "NONZERO_EXIT")
    assert len(family) >= 1 + 2
    assert psutil.wait_procs(family, timeout=60)[1] == []


@pytest.mark.parametrize("line", [2], indirect=True)
def test_workers_end_with_an_evaluator_that_is_killed(line: Connection, many: Settings) -> None:
    entry = send(line, TASK, folder_of("import time; time.sleep(4)\n" + HONEST), kind="folder")
    workers: list[psutil.Process] = []
    while len(workers) < 2:
        assert read_entry(line, entry.submission).state in ("queued", "running")
        evaluator = evaluator_of(entry.submission)
        workers = workers_of(evaluator) if evaluator else []
        time.sleep(0.05)
    assert evaluator is not None
    evaluator.kill()

    assert psutil.wait_procs(workers, timeout=60)[1] == []
    assert wait_for(line, entry).state == "scored"
