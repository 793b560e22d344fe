"""What a reader may be asked, and when the form is complete."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.viewer.questions import QuestionForm, read_questions


def test_choices_may_be_words_or_a_range() -> None:
    asked = read_questions({"Nodule?": ["yes", "no"], "Surety": range(1, 4), "Remark": str})
    assert asked == {"Nodule?": ("yes", "no"), "Surety": ("1", "2", "3"), "Remark": None}
    assert read_questions(None) == {}


def test_choices_are_needed_and_remarks_are_not() -> None:
    form = QuestionForm(read_questions({"Nodule?": ["yes", "no"], "Remark": str}))
    assert form.missing == ["Nodule?"]
    form.children[0].value = "no"
    assert form.missing == []
    assert form.answers == {"Nodule?": "no", "Remark": ""}


def test_a_form_is_answered_only_while_it_is_open() -> None:
    form = QuestionForm(read_questions({"Nodule?": ["yes", "no"]}))
    assert (form.is_open, form.children[0].disabled) == (False, True)
    form.is_open = True
    assert (form.is_open, form.children[0].disabled) == (True, False)


def test_a_cleared_form_asks_anew() -> None:
    form = QuestionForm(read_questions({"Nodule?": ["yes", "no"], "Remark": str}))
    form.children[0].value, form.children[1].value = "yes", "small"
    form.clear()
    assert (form.missing, form.answers["Remark"]) == (["Nodule?"], "")


@pytest.mark.parametrize(
    "questions", ["Nodule?", {"": str}, {"x" * 201: str}, {"Q": []}, {"Q": ["", "a"]}, {"Q": 3},
                  {"Q": range(31)}, {str(n): str for n in range(21)}],
)  # fmt: skip
def test_questions_that_cannot_be_asked_are_refused(questions: object) -> None:
    with pytest.raises(InvalidInput, match="questions|“Q”|The question"):
        read_questions(questions)
