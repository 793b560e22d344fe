"""A crate collects its re-runs, stays verifiable with them, and says when one was changed, moved or taken out."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from rocrate.rocrate import ROCrate

from workbench.benchmark.reports import reruns
from workbench.benchmark.reports.crate import read_crate, write_crate
from workbench.benchmark.reports.crate_graph import profile_problems
from workbench.benchmark.reports.recording import Result
from workbench.benchmark.reports.reruns import Rerun, add_rerun, run_again_of, verdicts_of
from workbench.errors import Conflict, InvalidInput

ABOUT: dict[str, Any] = {
    "question": "Does it work?", "notebook": "n.ipynb", "parameters": {"seed": 7}, "account": "researcher",
    "isolation": "bubblewrap", "kernel": "workbench-python", "data": {}, "audit_head": None,
    "environment": ["python==3.11.7"], "started": "2026-05-03T10:00:00+00:00", "ended": "2026-05-03T10:01:00+00:00",
}  # fmt: skip


def rerun(verdict: str = "IDENTICAL", **changed: Any) -> Rerun:
    record = {
        "verdict": verdict, "cause": None, "message": "", "results": [], "first_diverging_cell": None,
        "account": "reviewer", "isolation": "bubblewrap", "started": "2026-05-04T10:00:00+00:00",
        "ended": "2026-05-04T10:01:00+00:00", "environment_changes": [], "data": {}, **changed,
    }  # fmt: skip
    return Rerun(record, ("python==3.11.7",), "{}")


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Does it work?")])
    report, file = tmp_path / "r.html", tmp_path / "r.crate.zip"
    report.write_text("<p>first</p>")
    write_crate(made, made, ABOUT, [Result("cpm", 0.5)], report=report, crate=file)
    return file


def members(crate: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(crate) as file:
        return {name: file.read(name) for name in file.namelist()}


def forged(crate: Path, change: dict[str, bytes | None]) -> Path:
    """Change members and mend the description's digests, as somebody would who knows the format."""
    contents = {name: content for name, content in {**members(crate), **change}.items() if content is not None}
    body = json.loads(contents["ro-crate-metadata.json"])
    for item in body["@graph"]:
        if item["@id"] in contents and "sha256" in item:
            item["sha256"] = hashlib.sha256(contents[item["@id"]]).hexdigest()
    contents["ro-crate-metadata.json"] = json.dumps(body).encode()
    with zipfile.ZipFile(crate, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return crate


def test_a_fresh_crate_holds_no_verdicts(crate: Path) -> None:
    assert verdicts_of(crate) == []


def test_re_runs_are_kept_in_order_and_the_first_run_stays(crate: Path) -> None:
    before = read_crate(crate)
    add_rerun(crate, rerun())
    add_rerun(crate, rerun("NOT_RUN", cause="NO_GRANT", message="no grant"))
    found = verdicts_of(crate)
    assert [(one["number"], one["verdict"], one["cause"]) for one in found] == [
        (1, "IDENTICAL", None), (2, "NOT_RUN", "NO_GRANT"),
    ]  # fmt: skip
    assert (found[0]["account"], found[0]["started"]) == ("reviewer", "2026-05-04T10:00:00+00:00")
    assert read_crate(crate) == before


def test_each_re_run_is_an_action_of_the_crate(crate: Path, tmp_path: Path) -> None:
    add_rerun(crate, rerun())
    add_rerun(crate, rerun("NOT_RUN", cause="OOM"))
    with zipfile.ZipFile(crate) as file:
        file.extractall(tmp_path / "out")
    graph = ROCrate(tmp_path / "out")
    first, second, third = (graph.get(name) for name in ("#run", "#rerun/1", "#rerun/2"))
    assert second.type == third.type == "CreateAction"
    assert second["object"] == first["object"] and second["agent"].id == "#person/reviewer"
    assert (second.get("error"), third["error"]) == (None, "OOM")
    assert third["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert {action.id for action in graph.root_dataset["mentions"]} == {"#run", "#rerun/1", "#rerun/2"}


def test_a_crate_with_re_runs_is_a_process_run_crate_still(crate: Path) -> None:
    add_rerun(crate, rerun(environment_changes=["numpy 1 → 2"], account="dr o’ño"))
    add_rerun(crate, Rerun(rerun("NOT_RUN", cause="DATA_MISSING", isolation="").record))
    metadata = json.loads(members(crate)["ro-crate-metadata.json"])
    assert profile_problems(metadata) == []
    tool = next(item for item in metadata["@graph"] if item["@id"] == "#workbench/rerun/1")
    assert "numpy 1 → 2" in tool["description"]
    assert tool["softwareRequirements"] == {"@id": "reruns/01/environment.txt"}


def test_the_second_run_can_be_read_back(crate: Path) -> None:
    add_rerun(crate, rerun())
    add_rerun(crate, Rerun(rerun("NOT_RUN").record))
    assert (run_again_of(crate, 1), run_again_of(crate, 2)) == ("{}", None)
    with pytest.raises(InvalidInput, match="no re-run number 3"):
        run_again_of(crate, 3)


def test_the_report_is_drawn_anew_from_the_verdicts_so_far(crate: Path) -> None:
    add_rerun(crate, rerun(), lambda files, found: f"{len(found)} after {len(files['report.html'])}".encode())
    add_rerun(crate, rerun(), lambda files, found: b" ".join(v["verdict"].encode() for v in found))
    assert members(crate)["report.html"] == b"IDENTICAL IDENTICAL"
    assert len(verdicts_of(crate)) == 2


@pytest.mark.parametrize("name", ["reruns/01/rerun.json", "reruns/01/run.ipynb", "results.json", "notebook.ipynb"])
def test_a_changed_file_is_refused_for_reading_and_for_adding(crate: Path, name: str) -> None:
    add_rerun(crate, rerun())
    contents = {**members(crate), name: b"[]"}
    with zipfile.ZipFile(crate, "w") as file:
        for member, content in contents.items():
            file.writestr(member, content)
    for use in (verdicts_of, lambda path: add_rerun(path, rerun())):
        with pytest.raises(InvalidInput, match="it was changed"):
            use(crate)


def test_a_first_run_that_was_changed_with_its_digest_no_longer_carries_its_re_runs(crate: Path) -> None:
    add_rerun(crate, rerun())
    forged(crate, {"results.json": members(crate)["results.json"].replace(b"0.5", b"0.9")})
    with pytest.raises(InvalidInput, match="re-run 1 is not of this crate"):
        verdicts_of(crate)


def test_a_re_run_that_was_taken_out_is_noticed(crate: Path) -> None:
    for verdict in ("DIFFERENT", "IDENTICAL"):
        add_rerun(crate, rerun(verdict))
    gone = {name: None for name in members(crate) if name.startswith("reruns/01/")}
    with pytest.raises(InvalidInput, match="lacks (one of its re-runs|reruns.01)"):
        verdicts_of(forged(crate, gone))


def test_a_verdict_that_was_changed_with_its_digest_breaks_what_came_after(crate: Path) -> None:
    for verdict in ("DIFFERENT", "IDENTICAL"):
        add_rerun(crate, rerun(verdict))
    record = members(crate)["reruns/01/rerun.json"].replace(b"DIFFERENT", b"IDENTICAL")
    with pytest.raises(InvalidInput, match="re-run 2 is not of this crate"):
        verdicts_of(forged(crate, {"reruns/01/rerun.json": record}))


@pytest.mark.parametrize("record", [b"[]", b"{}", b"null", b"{", b'{"number": 1}', b"\xff", b"[" * 9999])
def test_a_malformed_record_is_refused(crate: Path, record: bytes) -> None:
    add_rerun(crate, rerun())
    with pytest.raises(InvalidInput, match="record of re-run 1 is malformed"):
        verdicts_of(forged(crate, {"reruns/01/rerun.json": record}))


@pytest.mark.parametrize(
    "changed", [{"ended": "x"}, {"started": "2026-05-03"}, {"results": [5]}, {"message": "\ud800"}]
)
def test_a_record_that_no_report_could_tell_is_refused(crate: Path, changed: dict[str, Any]) -> None:
    add_rerun(crate, rerun())
    record = {**json.loads(members(crate)["reruns/01/rerun.json"]), **changed}
    with pytest.raises(InvalidInput, match="record of re-run 1 is malformed"):
        verdicts_of(forged(crate, {"reruns/01/rerun.json": json.dumps(record).encode()}))


def test_a_verdict_that_there_is_not_is_refused(crate: Path) -> None:
    with pytest.raises(InvalidInput, match="malformed"):
        add_rerun(crate, rerun("SPLENDID"))
    assert verdicts_of(crate) == []


def test_what_goes_wrong_while_adding_leaves_the_crate_as_it_was(crate: Path) -> None:
    before = crate.read_bytes()

    def fails(files: Any, found: Any) -> bytes:
        raise InvalidInput("no report")

    with pytest.raises(InvalidInput, match="no report"):
        add_rerun(crate, rerun(), fails)
    assert crate.read_bytes() == before
    assert [file.name for file in crate.parent.iterdir() if "draft" in file.name] == []


def test_a_crate_keeps_its_permissions(crate: Path) -> None:
    crate.chmod(0o640)
    add_rerun(crate, rerun())
    assert stat.S_IMODE(crate.stat().st_mode) == 0o640


def test_a_link_to_a_crate_stays_a_link(crate: Path) -> None:
    link = crate.with_name("link.crate.zip")
    os.symlink(crate, link)
    add_rerun(link, rerun())
    assert link.is_symlink() and len(verdicts_of(crate)) == 1


ADD = """
import sys
sys.path.insert(0, sys.argv[2])
from test_reruns import add_rerun, rerun
for _ in range(4):
    add_rerun(sys.argv[1], rerun())
"""


def test_re_runs_that_end_at_the_same_time_are_all_kept(crate: Path) -> None:
    command = [sys.executable, "-c", ADD, str(crate), str(Path(__file__).parent)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    assert [one["number"] for one in verdicts_of(crate)] == list(range(1, 13))


def test_a_full_crate_takes_no_more(crate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "MAX_RERUNS", 1)
    add_rerun(crate, rerun())
    with pytest.raises(Conflict, match="holds 1 re-runs"):
        add_rerun(crate, rerun())


def test_a_missing_crate_takes_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a readable crate"):
        add_rerun(tmp_path / "none.crate.zip", rerun())


@pytest.mark.parametrize("seed", range(4))
def test_a_crate_that_was_damaged_anywhere_is_refused_or_read_whole(crate: Path, seed: int) -> None:
    add_rerun(crate, rerun())
    whole, first, draw = crate.read_bytes(), read_crate(crate), random.Random(seed)  # noqa: S311 - damage, not a secret
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        crate.write_bytes(damaged[: draw.choice([len(damaged), draw.randrange(len(damaged))])])
        try:
            assert read_crate(crate) == first and len(verdicts_of(crate)) == 1
        except InvalidInput as refused:
            assert crate.name in refused.message or "The crate" in refused.message
