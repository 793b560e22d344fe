"""Obligations read as they are written, add up, and refuse whatever they do not understand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench.errors import InvalidInput
from workbench.gateway.tables import SCANS
from workbench.governance.obligations import NONE, SCAN_COLUMNS, Treatment, obligations_of

READ = [
    ({"rows": "scans.split in train, x"}, "Only scans (and what belongs to them) with split in train, x."),
    ({"rows": "people.'smoking status' not in 'a, b', c"}, "Only rows of people with smoking status not in a, b, c."),
    ({"rows": "people.age>=18"}, "Only rows of people with age >= 18."),
    ({"drop": "nodules.place"}, "nodules.place is left out."),
    ({"drop": "*.notes"}, "notes is left out."),
    ({"mask": "scans.subject"}, "scans.subject is empty."),
    ({"bin": "people.age by 2.5"}, "people.age is given in steps of 2.5."),
    ({"cap": "people.age at 89"}, "people.age above 89 reads 89."),
    ({"shift": "*.day by 30"}, "day is moved by up to 30 days, each subject by their own number of days."),
]  # fmt: skip
REFUSED = [
    ({"drpo": "a.b"}, "did you mean @drop"),
    ({"rows": "scans.split is train"}, "= != in not in <= >= < >"),
    ({"rows": "scans.splitt = train"}, "did you mean split"),
    ({"rows": "*.split = train"}, "names its table"),
    ({"rows": "a.b = 1, 2"}, "“in” takes several"),
    ({"rows": "a.b < much"}, "numbers or dates"),
    ({"rows": "a.b in x,,y"}, "commas between values"),
    ({"rows": "scans.split = train and scans.modality = CT"}, "commas between values"),
    ({"rows": "a.b = 'x"}, "quote does not end"),
    ({"rows": "1=1"}, "TABLE.COLUMN"),
    ({"drop": ""}, "names nothing"),
    ({"drop": "notes"}, "TABLE.COLUMN"),
    ({"drop": "scans.slices"}, "known from the image"),
    ({"mask": "*.scan"}, "known from the image"),
    ({"bin": "a.b 5"}, "by a step above 0"),
    ({"bin": "a.b by 0"}, "by a step above 0"),
    ({"cap": "a.b by 89"}, "the highest value"),
    ({"shift": "a.b by 1.5"}, "whole days"),
    ({"shift": "a.b by 0"}, "whole days"),
]


@pytest.mark.parametrize(("annotations", "sentence"), READ, ids=[sentence for _, sentence in READ])
def test_an_annotation_says_what_it_does(annotations: dict[str, str], sentence: str) -> None:
    assert obligations_of(annotations).sentences() == (sentence,)


@pytest.mark.parametrize(("annotations", "why"), REFUSED, ids=[str(sorted(a.items())) for a, _ in REFUSED])
def test_what_does_not_read_is_refused_with_what_would(annotations: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        obligations_of(annotations)
    assert refused.value.code == "bad-policy"


def test_what_only_describes_a_policy_obliges_to_nothing() -> None:
    found = obligations_of({"id": "a", "title": "b", "because": "c", "advice": "d"})
    assert (found, bool(found), found.digest()) == (NONE, False, "")


def test_restrictions_add_up_in_any_order() -> None:
    one, other = obligations_of({"rows": "a.b = 1", "drop": "a.c"}), obligations_of({"rows": "a.b = 2"})
    assert one.plus(other) == other.plus(one).plus(one)
    assert one.plus(other).sentences() == (
        "Only rows of a with b = 1.", "Only rows of a with b = 2.", "a.c is left out.",
    )  # fmt: skip
    assert one.digest() != one.plus(other).digest()


def test_each_of_several_rules_for_a_column_holds() -> None:
    found = obligations_of({"bin": "a.age by 4, *.age by 6, a.age by 1.5", "cap": "a.age at 89; a.age at 85"})
    assert found.treatment("a", "age") == Treatment(bin=Fraction(12), cap=Fraction(85))
    assert found.treatment("b", "age") == Treatment(bin=Fraction(6))
    assert found.treatment("a", "name") == Treatment()


def test_the_columns_of_scans_that_a_policy_may_name_are_those_of_the_table() -> None:
    assert sorted(SCAN_COLUMNS) == sorted(SCANS.names)
