"""Tables that are each harmless and reveal a subject together: found, explained, and nothing else is."""

from __future__ import annotations

import hashlib

import pytest

from workbench.airlock.differencing import Shown, find_differences
from workbench.airlock.findings import Finding
from workbench.airlock.scanners.table import cells_of
from workbench.airlock.sidecar import SideCell, write_sidecar


def table(release: str, text: str, *, beside: bytes | None = None) -> Shown:
    cells, dataset, is_sure = cells_of("t.csv", text.encode(), beside)
    return Shown(release, "t.csv", cells, release == "new", is_sure, dataset)


def compare(*texts: str) -> list[Finding]:
    before = [table(f"X{number}", text) for number, text in enumerate(texts[:-1], start=1)]
    return find_differences([*before, table("new", texts[-1])])


def with_members(release: str, groups: dict[str, range], dataset: str = "ct") -> Shown:
    text = "sex,subjects\n" + "".join(f"{name},{len(group)}\n" for name, group in groups.items())
    cells = [SideCell({"sex": name}, frozenset(map(str, group)), {}) for name, group in groups.items()]
    return table(release, text, beside=write_sidecar(text.encode(), cells, dataset=dataset))


@pytest.mark.parametrize(
    ("count", "is_found"), [(47, False), (46, True), (56, True), (57, False), (37, False), (38, True)]
)
def test_a_count_that_moved_by_one_to_nine_is_found(count: int, is_found: bool) -> None:
    assert bool(compare("sex,n\nF,47\nM,60\n", f"sex,n\nF,{count}\nM,60\n")) is is_found


def test_the_reason_names_both_releases_the_group_and_the_place() -> None:
    (found,) = compare("sex,n\nF,47\nM,60\n", "sex,n\nF,46\nM,60\n")
    assert found.place == "row 2, column “n”" and found.is_stop
    assert "“sex = f” has 46 subjects here and 47 in X1 (t.csv)" in found.reason and "1 subject;" in found.reason


def test_a_hidden_group_follows_from_a_total_that_left_before() -> None:
    # 50 women, 47 of them in stage I: 3 are in stage II, which the first table hides.
    (found,) = compare("sex,stage,n\nF,I,47\nF,II,<10\nM,I,30\nM,II,20\n", "sex,n\nF,50\nM,50\n")
    assert "leaves a group of 3 subjects" in found.reason and "X1 (t.csv)" in found.reason


def test_a_hidden_group_follows_from_three_releases_and_from_no_two() -> None:
    first, second, third = "n\n110\n", "stage,n\nI,60\nII,<10\nIII,<10\n", "stage,n\nII,\nIII,45\nI,\n"
    assert compare(first, second) == [] and compare(first, third) == [] and compare(second, third) == []
    assert "5 subjects" in compare(first, second, third)[0].reason


def test_one_hidden_cell_of_one_table_follows_from_its_own_totals() -> None:
    (found,) = compare("sex,I,II,All\nF,30,,34\nM,27,33,60\nAll,57,,\n")
    assert "4 subjects" in found.reason and found.is_stop


def test_totals_that_fit_and_hide_two_in_each_line_are_left_alone() -> None:
    assert compare("sex,I,II,III,All\nF,30,,,60\nM,20,,,70\nAll,50,40,40,130\n") == []


def test_the_columns_of_a_crossed_table_are_known_from_another() -> None:
    found = compare("sex,stage,n\nF,I,30\nF,II,40\nM,I,27\nM,II,33\n", "sex,I,II\nF,30,40\nM,28,33\n")
    assert [(one.place, one.severity) for one in found] == [("row 3, column “I”", "look")]


def test_rounded_counts_are_the_way_out() -> None:
    assert compare("sex,n\nF,45\nM,60\nAll,105\n", "sex,n\nF,40\nM,60\nAll,100\n") == []


def test_other_subjects_with_the_same_labels_are_no_difference() -> None:
    assert compare("sex,n\nF,147\nM,160\n", "sex,n\nF,46\nM,60\n") == []


def test_with_sidecars_sets_are_compared_and_not_numbers() -> None:
    before = with_members("X1", {"F": range(40), "M": range(100, 140)})
    left = with_members("new", {"F": range(1, 40), "M": range(100, 140)})
    others = with_members("new", {"F": range(500, 539), "M": range(600, 640)})
    assert "hold the same subjects but for 1 subject" in find_differences([before, left])[0].reason
    assert find_differences([before, others]) == []


def test_a_group_inside_a_differently_named_one_is_found() -> None:
    before, new = with_members("X1", {"women": range(40)}), with_members("new", {"over 40": range(36)})
    assert "4 subjects" in find_differences([before, new])[0].reason


def test_tables_of_two_datasets_are_not_compared() -> None:
    before, new = with_members("X1", {"F": range(40)}), with_members("new", {"F": range(39)}, dataset="mr")
    assert find_differences([before, new]) == []


def test_what_left_before_is_not_blamed_again() -> None:
    old = [table("X1", "sex,n\nF,47\nM,60\n"), table("X2", "sex,n\nF,46\nM,60\n")]
    assert find_differences([*old, table("new", "age,n\n50-59,80\n60-69,90\n")]) == []


def test_a_sidecar_of_another_table_is_no_sidecar() -> None:
    sidecar = write_sidecar(b"sex,subjects\nF,40\n", [SideCell({"sex": "F"}, frozenset(map(str, range(40))), {})])
    assert hashlib.sha256(b"sex,subjects\nF,40\n").hexdigest().encode() in sidecar
    with pytest.raises(ValueError, match="changed since"):
        table("new", "sex,subjects\nF,41\n", beside=sidecar)
