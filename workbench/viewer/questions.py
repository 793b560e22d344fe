"""What a reader is asked after a scan: choices, and words of their own.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets

from workbench.errors import InvalidInput

MOST_QUESTIONS = 20
MOST_CHOICES = 30
LONGEST_QUESTION = 200
LONGEST_REMARK = 2000

Questions = dict[str, tuple[str, ...] | None]


def read_questions(questions: object) -> Questions:
    """Read questions: a name with its choices, or with `str` for words of the reader's own.

    Returns
    -------
    dict of str to tuple of str or None
        The choices of each question; None where any words may be given, or none.

    Raises
    ------
    InvalidInput
        When they are no mapping, too many, without at least two choices, or with one choice twice.
    """
    if questions is None:
        return {}
    if not isinstance(questions, Mapping) or len(questions) > MOST_QUESTIONS:
        raise InvalidInput(
            f"`questions` must be a mapping of at most {MOST_QUESTIONS}, such as "
            "{'Nodule?': ['yes', 'no'], 'Remark': str}."
        )
    read: Questions = {}
    for name, kind in questions.items():
        words = str(name).strip()
        if not 0 < len(words) <= LONGEST_QUESTION:
            raise InvalidInput(f"The question {words[:40]!r} has no words, or more than {LONGEST_QUESTION} signs.")
        read[words] = None if kind is str else _choices(words, kind)
    return read


def _choices(question: str, given: object) -> tuple[str, ...]:
    is_list = isinstance(given, Sequence | range) and not isinstance(given, str | bytes)
    choices = tuple(str(one) for one in given) if is_list else ()  # type: ignore[attr-defined]
    if not 2 <= len(choices) <= MOST_CHOICES or len(set(choices)) < len(choices) or "" in choices:
        raise InvalidInput(
            f"“{question}” needs a list of 2 to {MOST_CHOICES} different choices, or `str` for free words."
        )
    return choices


class QuestionForm(ipywidgets.VBox):
    """Asks the questions; choices must be answered, words need not.

    Parameters
    ----------
    questions : dict
        From `read_questions`.
    """

    def __init__(self, questions: Questions) -> None:
        self._fields: dict[str, Any] = {}
        style, layout = {"description_width": "initial"}, {"width": "auto", "max_width": "1200px"}
        for name, choices in questions.items():
            common = {"description": name, "style": style, "layout": layout, "disabled": True}
            if choices is None:
                self._fields[name] = ipywidgets.Textarea(rows=2, continuous_update=True, **common)
            else:
                self._fields[name] = ipywidgets.RadioButtons(
                    options=choices, index=None, orientation="horizontal", **common
                )
        super().__init__(list(self._fields.values()))

    @property
    def missing(self) -> list[str]:
        """The choices that nobody has made yet."""
        return [name for name, field in self._fields.items() if field.value is None]

    @property
    def answers(self) -> dict[str, str]:
        """What was answered."""
        return {name: str(field.value or "").strip()[:LONGEST_REMARK] for name, field in self._fields.items()}

    @property
    def is_open(self) -> bool:
        """Whether it can be answered now."""
        return not any(field.disabled for field in self._fields.values())

    @is_open.setter
    def is_open(self, value: bool) -> None:
        for field in self._fields.values():
            field.disabled = not value

    def clear(self) -> None:
        """Forget the answers."""
        for field in self._fields.values():
            if isinstance(field, ipywidgets.RadioButtons):
                field.index = None
            else:
                field.value = ""
