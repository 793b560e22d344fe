"""`workbench score` and `workbench metrics` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.benchmark.metrics.definitions import DEFINITIONS
from workbench.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "truth.csv").write_text("id,label,patient\na,1,p\nb,1,p\nc,0,q\nd,0,q\n")
    (tmp_path / "said.csv").write_text("id,probability\na,0.8\nb,0.5\nc,0.3\nd,0.6\n")
    return ["score", "--metric", "auc_delong:v1", "--truth", str(tmp_path / "truth.csv"), "--predictions",
            str(tmp_path / "said.csv")]  # fmt: skip


def test_the_number_comes_with_its_definition(words: list[str], capsys: Capture) -> None:
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["metric"], printed["auc"], printed["value"]) == ("auc_delong:v1", 0.75, 0.75)
    assert printed["definition"] == DEFINITIONS["auc_delong:v1"].text


def test_the_text_has_value_id_and_definition(words: list[str], capsys: Capture) -> None:
    assert main([*words, "--unit", "patient"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("AUC 0.7500")
    assert "auc_delong:v1: Area under the ROC curve" in printed


def test_two_predictions_are_compared(words: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other.csv").write_text("id,probability\na,0.2\nb,0.5\nc,0.3\nd,0.6\n")
    assert main([*words, "--against", str(tmp_path / "other.csv"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["against"]
    # The other ranks only b above c: 1 of 4.
    assert (printed["value"], printed["difference"], printed["test"]) == (0.25, 0.5, "DeLong")
    assert main([*words, "--against", str(tmp_path / "other.csv")]) == 0
    assert "minus other.csv: 0.5 (" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_text(words: list[str], capsys: Capture) -> None:
    printed = []
    for _ in range(2):
        assert main([*words, "--bootstrap", "40", "--seed", "9", "--json"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--metric", "auc:v1"], "There is no metric “auc:v1”"),
        (["--metric", "hd59:v1"], "Did you mean hd95:v1?"),
        (["--k", "2"], "has no use for --k"),
        (["--bootstrap", "-1"], "Bootstrap must be 0 or more"),
        (["--unit", "hospital"], "the column “hospital” is missing"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_2(
    words: list[str], more: list[str], said: str, capsys: Capture
) -> None:
    assert main([*words, *more]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_the_help_says_what_each_metric_reads(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    printed = capsys.readouterr().out
    assert all(metric in printed for metric in DEFINITIONS)
    assert "--truth id,time,event (1 event, 0 censored) --predictions id,risk" in printed


def test_metrics_lists_every_definition(capsys: Capture) -> None:
    assert main(["metrics", "--json"]) == 0
    assert [one["metric"] for one in json.loads(capsys.readouterr().out)] == list(DEFINITIONS)
    assert main(["metrics"]) == 0
    assert "hd95:v1          HD95                         lower is better (mm)" in capsys.readouterr().out


@pytest.mark.parametrize("metric", sorted(DEFINITIONS))
def test_one_metric_is_defined(metric: str, capsys: Capture) -> None:
    assert main(["metrics", metric]) == 0
    assert DEFINITIONS[metric].text in capsys.readouterr().out
    assert main(["metrics", metric, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["definition"] == DEFINITIONS[metric].text


def test_an_unknown_metric_is_refused(capsys: Capture) -> None:
    assert main(["metrics", "dyce:v1"]) == 2
    assert "Did you mean dice:v1?" in capsys.readouterr().err


def test_a_metric_is_also_known_by_the_name_of_its_value(capsys: Capture) -> None:
    assert main(["metrics", "cpm"]) == 2
    assert "Did you mean froc_cpm:v1?" in capsys.readouterr().err


def test_the_help_names_the_keys_of_the_json(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    said = capsys.readouterr().out
    assert all(one.short in said for one in DEFINITIONS.values())
    assert main([*words, "--against", words[-1], "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert all(key in said for key in {*printed, *printed["against"]} - {"items", "predictions"})
