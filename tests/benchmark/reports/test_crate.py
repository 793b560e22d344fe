"""A crate says everything but the data; one that was changed or is built to do harm is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from rocrate.rocrate import ROCrate

from workbench.benchmark.reports.crate import MAX_FILES, read_crate, write_crate
from workbench.benchmark.reports.recording import Result
from workbench.benchmark.reports.report import question_of, write_report
from workbench.errors import InvalidInput

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ABOUT: dict[str, Any] = {
    "question": "Does <it> work?", "notebook": "n.ipynb", "parameters": {"seed": 7}, "account": "researcher",
    "isolation": "bubblewrap", "kernel": "workbench-python", "data": {"chest-ct": "ab" * 32},
    "audit_head": {"seq": 5, "hash": "cd" * 32}, "environment": ["python==3.11.7", "numpy==2.4.6"],
    "started": "2026-05-03T10:00:00+00:00", "ended": "2026-05-03T10:01:00+00:00",
}  # fmt: skip


def notebook() -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook()
    output = nbformat.v4.new_output("display_data", {"image/png": PIXEL, "text/html": "<script>alert(1)</script>"})
    made.cells = [
        nbformat.v4.new_markdown_cell("# Does <it> work?\n\nText."),
        nbformat.v4.new_code_cell("1", outputs=[output]),
    ]
    return made


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    report, file = tmp_path / "r.html", tmp_path / "r.crate.zip"
    results = [Result("CPM", 0.5, (0.4, 0.6), 1e-9, "froc_cpm:v1")]
    write_report(notebook(), results, ABOUT, report)
    write_crate(notebook(), notebook(), ABOUT, results, report=report, crate=file)
    return file


def rewritten(crate: Path, change: dict[str, bytes | None]) -> Path:
    """Give a copy with members replaced, added, or (None) left out."""
    other = crate.with_name("other.crate.zip")
    with zipfile.ZipFile(crate) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in change:
                new.writestr(name, old.read(name))
        for name, content in change.items():
            if content is not None:
                new.writestr(name, content)
    return other


def test_a_crate_reads_as_it_was_written(crate: Path) -> None:
    found = read_crate(crate)
    assert found.about == ABOUT
    assert found.results == [Result("CPM", 0.5, (0.4, 0.6), 1e-9, "froc_cpm:v1")]
    assert nbformat.reads(found.source, 4).cells[1].outputs == []


def test_the_crate_is_a_process_run_crate(crate: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(crate) as file:
        file.extractall(tmp_path / "out")
    graph = ROCrate(tmp_path / "out")
    action = graph.get("#run")
    assert action.type == "CreateAction"
    assert {"instrument", "agent", "object", "result"} <= set(action.properties())
    assert graph.get("#data/chest-ct")["version"] == "ab" * 32
    assert graph.get("figures/figure-01.png") is not None


def test_the_report_runs_no_script_and_fetches_nothing(crate: Path) -> None:
    text = (crate.parent / "r.html").read_text()
    assert "default-src 'none'" in text
    assert "Does &lt;it&gt; work?" in text
    assert "http://" not in text and "https://" not in text
    assert "0.5000" in text and "0.4000–0.6000" in text


@pytest.mark.parametrize("name", ["notebook.ipynb", "run.ipynb", "about.json", "results.json"])
def test_a_changed_file_is_refused(crate: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="it was changed"):
        read_crate(rewritten(crate, {name: b"{}"}))


@pytest.mark.parametrize(
    "name",
    [
        "notebook.ipynb",
        "results.json",
        "report.html",
        "ro-crate-metadata.json",
        "figures/figure-01.png",
        "environment.txt",
    ],
)
def test_a_missing_file_is_refused(crate: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="lacks"):
        read_crate(rewritten(crate, {name: None}))


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "figures/../../evil", "a\\..\\evil"])
def test_a_path_that_leads_outside_is_refused(crate: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="leads outside"):
        read_crate(rewritten(crate, {name: b"x"}))


def test_a_bomb_is_refused(crate: Path) -> None:
    with pytest.raises(InvalidInput, match="unpacks too far"):
        read_crate(rewritten(crate, {"figures/bomb.png": b"\0" * 30_000_000}))


def test_too_many_files_are_refused(crate: Path) -> None:
    with pytest.raises(InvalidInput, match="too many files"):
        read_crate(rewritten(crate, {f"figures/{n}.png": b"x" for n in range(MAX_FILES)}))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04" + b"\xff" * 60])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.crate.zip"
    file.write_bytes(content)
    with pytest.raises(InvalidInput):
        read_crate(file)


def test_a_missing_crate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a readable crate"):
        read_crate(tmp_path / "none.crate.zip")


def test_metadata_that_is_no_json_is_refused(crate: Path) -> None:
    with pytest.raises(InvalidInput, match="no readable ro-crate-metadata.json"):
        read_crate(rewritten(crate, {"ro-crate-metadata.json": b"{"}))


def test_a_description_that_is_no_process_run_crate_is_refused(crate: Path) -> None:
    with zipfile.ZipFile(crate) as file:
        graph = json.loads(file.read("ro-crate-metadata.json"))
    graph["@graph"] = [item for item in graph["@graph"] if item["@id"] != "#workbench"]
    with pytest.raises(InvalidInput, match="not a Process Run Crate: #run names no software"):
        read_crate(rewritten(crate, {"ro-crate-metadata.json": json.dumps(graph).encode()}))


def test_a_file_that_nobody_described_is_refused(crate: Path) -> None:
    with pytest.raises(InvalidInput, match="it was changed"):
        read_crate(rewritten(crate, {"figures/added.png": b"x"}))


def described(crate: Path, name: str, content: bytes) -> Path:
    """Give a copy with another file, and the digest of that file."""
    with zipfile.ZipFile(crate) as file:
        graph = json.loads(file.read("ro-crate-metadata.json"))
    for item in graph["@graph"]:
        if item["@id"] == name:
            item["sha256"] = hashlib.sha256(content).hexdigest()
    return rewritten(crate, {name: content, "ro-crate-metadata.json": json.dumps(graph).encode()})


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        *(({name: None}, name) for name in ("parameters", "account", "isolation", "kernel", "environment")),
        *(({name: [5]}, name) for name in ("question", "started", "ended", "packages", "stages", "audit_head", "data")),
        ({"environment": [5]}, "environment"), ({"data": {"chest-ct": 5}}, "data"), ({"started": "x"}, "started"),
        ({"ended": "2026-05-03T10:00:00"}, "ended"), ({"packages": 5}, "packages"), ({"audit_head": {}}, "audit_head"),
        ({"stages": [{"cached": True}]}, "stages"), ({"data_seen": 5}, "data_seen"),
    ],
)  # fmt: skip
def test_a_fact_that_is_missing_or_of_another_kind_is_refused(crate: Path, change: dict[str, Any], wrong: str) -> None:
    about = {**ABOUT, **change}
    with pytest.raises(InvalidInput, match=f"does not say its {wrong}"):
        read_crate(described(crate, "about.json", json.dumps(about).encode()))


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("about.json", b"[]", "does not say its parameters"),
        ("about.json", json.dumps({**ABOUT, "question": "\ud800"}).encode(), "malformed JSON"),
        ("results.json", b"{}", "no list of results"),
        ("results.json", b'[{"name": "a", "value": 1%s}]' % (b"0" * 400), "result is malformed"),
    ],
)
def test_facts_and_results_that_nobody_could_use_are_refused(
    crate: Path, name: str, content: bytes, match: str
) -> None:
    with pytest.raises(InvalidInput, match=match):
        read_crate(described(crate, name, content))


def shown(crate: Path, *outputs: nbformat.NotebookNode) -> Path:
    """Write a crate of a run with these outputs."""
    done = notebook()
    done.cells[1].outputs = list(outputs)
    write_crate(notebook(), done, ABOUT, [], report=crate.parent / "r.html", crate=crate)
    return crate


def test_a_run_that_shows_much_of_the_same_leaves_a_crate_that_can_be_read(crate: Path) -> None:
    lines = nbformat.v4.new_output("stream", text="0\n" * 600_000)
    pictures = [nbformat.v4.new_output("display_data", {"image/png": PIXEL})] * (MAX_FILES + 1)
    odd = [nbformat.v4.new_output("display_data", {"image/png": one}) for one in ("abcde", ["x"], "é")]
    assert read_crate(shown(crate, lines, *odd, *pictures)).run.count('"0\\n"') == 600_000


def test_a_run_whose_crate_nobody_could_read_says_so(crate: Path) -> None:
    crate.unlink()
    with pytest.raises(InvalidInput, match="its crate was not written, because it holds a file that unpacks too far"):
        shown(crate, nbformat.v4.new_output("stream", text="0" * 70_000_000))
    assert [file.name for file in crate.parent.iterdir()] == ["r.html"]


def test_the_question_is_the_title() -> None:
    assert question_of(notebook()) == "Does <it> work?"
