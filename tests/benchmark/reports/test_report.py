"""The report says in its head what was asked, found, read, by whom and what came of running it again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench.benchmark.reports import report_head
from workbench.benchmark.reports.crate import read_contents, write_crate
from workbench.benchmark.reports.recording import Result
from workbench.benchmark.reports.report import question_of, report_again, report_page, write_report
from workbench.benchmark.reports.report_head import css_text, number

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ABOUT: dict[str, Any] = {
    "question": "Does <it> work?", "notebook": "n.ipynb", "parameters": {"seed": 7}, "account": "researcher",
    "isolation": "bubblewrap", "kernel": "workbench-python", "data": {"chest-ct": "ab" * 32},
    "audit_head": {"seq": 5, "hash": "cd" * 32}, "environment": ["python==3.11.7", "numpy==2.4.6"],
    "started": "2026-05-03T10:00:00+00:00", "ended": "2026-05-03T10:01:00+00:00", "packages": [],
    "stages": [{"name": "train", "cell": 3, "cached": True, "made": "2026-05-02T09:00:00+00:00", "seconds": 41.5}],
}  # fmt: skip
RESULTS = [Result("CPM", 0.5, (0.4, 0.6), 1e-9, "froc_cpm:v1"), Result("HD95, mm", 12.3456)]
VERDICT: dict[str, Any] = {
    "number": 1, "verdict": "IDENTICAL", "cause": None, "message": "", "results": [], "first_diverging_cell": None,
    "account": "reviewer", "ended": "2026-05-04T10:00:00+00:00",
}  # fmt: skip


def notebook(*outputs: dict[str, Any], source: str = "x = 1") -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook()
    shown = [nbformat.v4.new_output("display_data", data) for data in outputs]
    made.cells = [
        nbformat.v4.new_markdown_cell("# Does <it> work?\n\nText with <b>bold</b>."),
        nbformat.v4.new_code_cell("seed = 7", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source, outputs=shown),
    ]
    return made


def page(*outputs: dict[str, Any], verdicts: tuple[dict[str, Any], ...] = (), **about: Any) -> str:
    return report_page(notebook(*outputs), RESULTS, {**ABOUT, **about}, verdicts)


def head_of(text: str) -> str:
    return re.sub(r"<[^>]+>", " ", text[text.index("<header") : text.index("</header>")])


@pytest.mark.parametrize(
    "said",
    [
        "Does &lt;it&gt; work?", "CPM", "0.500", "95 % interval 0.400 to 0.600", "chest-ct", "ab" * 8, "seed = 7",
        "researcher, 3 May 2026, 10:00 UTC, in 60 s", "in a sandbox without network", "python 3.11.7, numpy 2.4.6",
        "2 entries in all", "event 5", "stage train, of 2 May 2026, 09:00 UTC", "Nobody has run this report again yet",
    ],
)  # fmt: skip
def test_the_head_says_question_result_data_environment_and_who(said: str) -> None:
    assert said in head_of(page())


def test_the_head_gives_the_answer_of_the_last_cell() -> None:
    assert "It reaches 0.5." in " ".join(head_of(page({"text/markdown": "**It reaches 0.5.**"})).split())


def test_the_head_lists_the_verdicts_so_far_newest_first() -> None:
    different = VERDICT | {
        "verdict": "DIFFERENT", "first_diverging_cell": 3, "account": "<b>",
        "results": [{"name": "CPM", "verdict": "DIFFERENT"}, {"name": "HD95, mm", "verdict": "IDENTICAL"}],
    }  # fmt: skip
    stopped = VERDICT | {"verdict": "NOT_RUN", "cause": "NO_GRANT", "message": "Ask for <it>."}
    said = " ".join(head_of(page(verdicts=(VERDICT, different, stopped))).split())
    assert "Run again 3 times: 1 identical, 1 different, 1 not run." in said
    assert "whoever asked may not read the data. Ask for &lt;it&gt;." in said
    assert "CPM; the first cell that differs is cell 3" in said
    assert said.index("not run reviewer") < said.index("different &lt;b&gt;") < said.index("identical reviewer")


def test_every_declared_result_stands_in_the_table_with_its_definition() -> None:
    text = page()
    rows = text[text.index("<h2>Results") : text.index("<h2>The run")]
    assert re.findall(r'<th scope="row">([^<]*)</th><td class="right">([^<]*)</td><td class="right">([^<]*)', rows) == [
        ("CPM", "0.5000", "0.4000–0.6000"), ("HD95, mm", "12.35", "–"),
    ]  # fmt: skip
    assert "1e-09" in rows and "froc_cpm:v1" in rows


def test_a_notebook_without_results_says_so() -> None:
    assert "declares no results" in report_page(notebook(), [], ABOUT)


def test_a_stage_from_an_earlier_run_is_told_where_it_stands() -> None:
    made = notebook()
    made.cells[2].metadata["workbench"] = {"stage": ABOUT["stages"][0]}
    text = report_page(made, RESULTS, ABOUT)
    assert "Stage “train”: taken from an earlier run of 2026-05-02, in which it took 41.5 s." in text


def test_the_page_runs_nothing_and_fetches_nothing() -> None:
    text = page(
        {"text/html": "<script>alert(1)</script><img src=http://x.y/z.png onerror=f()>ok"},
        {"image/svg+xml": '<svg onload="f()"><script>g()</script></svg>'},
        {"text/markdown": "![p](http://x.y/z.png) <iframe src='//x.y'></iframe>"},
        {"application/javascript": "h()", "text/plain": "plain"},
    )
    assert "default-src 'none'" in text
    for word in ("<script", "onerror", "onload", "<iframe", "http://", "https://", "h()"):
        assert word not in text


def test_a_widget_is_shown_by_its_picture() -> None:
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "image/png": PIXEL, "text/plain": "View()"}
    assert f'<img alt="View()" src="data:image/png;base64,{PIXEL}">' in page(data)


@pytest.mark.parametrize("question", ["</style><b>", 'a"; } * { display: none', "line\nbreak", "Größe – 95 %?"])
def test_a_title_cannot_leave_its_place(question: str) -> None:
    text = page(question=question)
    style = text[text.index("<style>") : text.index("</style>")]
    assert re.search(r'@page \{ @bottom-left \{ content: "[A-Za-z0-9\\ ]*"; \} \}\s*\Z', style)
    assert "<b>" not in text[text.index("<h1>") : text.index("</h1>")]


def test_text_for_a_style_sheet_is_escaped_letter_by_letter() -> None:
    assert css_text('a"\\<é') == "a\\22 \\5c \\3c \\e9 "


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.71234, "0.7123"),
        (0.0, "0.0000"),
        (1.0, "1.0000"),
        (12.3456, "12.35"),
        (1386.0, "1386"),
        (-123.456, "-123.5"),
        (1e300, "1e+300"),
        (2.5e-7, "2.5e-07"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


def test_a_crates_report_is_given_anew_with_its_verdicts(tmp_path: Path) -> None:
    report, crate = tmp_path / "r.html", tmp_path / "r.crate.zip"
    write_report(notebook(), RESULTS, ABOUT, report)
    write_crate(notebook(), notebook(), ABOUT, RESULTS, report=report, crate=crate)
    contents = read_contents(crate)
    assert report_again(contents, []) == report.read_bytes()
    assert b"1 identical" in report_again(contents, [VERDICT])


def test_the_question_is_the_title() -> None:
    assert question_of(notebook()) == "Does <it> work?"
    assert question_of(nbformat.v4.new_notebook()) == "Untitled notebook"


def test_the_head_says_that_only_a_picture_differs() -> None:
    rows = [{"name": "CPM", "verdict": "IDENTICAL"}]
    told = {**VERDICT, "verdict": "WITHIN_TOLERANCE", "first_diverging_cell": 6, "results": rows}
    assert "every result was the same; a text or a picture of cell 6 was not" in head_of(page(verdicts=(told,)))
    rows[0]["verdict"] = "WITHIN_TOLERANCE"
    assert "every result was within the tolerance" in head_of(page(verdicts=(told,)))


def test_a_run_that_does_not_say_when_it_was_has_a_report() -> None:
    about = {name: told for name, told in ABOUT.items() if name not in ("started", "ended")}
    assert "researcher, at an unknown time" in head_of(report_page(notebook(), RESULTS, about))


@pytest.mark.parametrize("said", [5, {"stage": 5}, {"stage": {"cached": True}}, {"stage": {"name": "a", "made": 5}}])
def test_what_a_cell_says_of_its_stage_may_be_anything(said: Any) -> None:
    made = notebook()
    made.cells[2].metadata["workbench"] = said
    assert "taken from an earlier run" not in report_page(made, RESULTS, ABOUT)


def test_nothing_is_cut_off_on_paper() -> None:
    """A sheet is as narrow as a telephone, where a table scrolls."""
    style = (Path(report_head.__file__).parent / "templates" / "report" / "style.css").read_text()
    assert re.findall(r"@media ([^{]*max-width[^{]*) {", style) == ["screen and (max-width: 760px)"]
