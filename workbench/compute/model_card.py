"""The card of a model: what it is for, what it learned from, how well it does, and where it must not be used.

Runs in: kernel
Source: Mitchell et al., Model Cards for Model Reporting, FAT* (2019) 220-229, whose sections it follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from workbench.errors import InvalidInput

FORM = "workbench-model-card-1"
LONGEST_TEXT = 2000
NOTHING_ABOUT_PATIENTS = (
    "The card and the file hold numbers about the whole training split alone: no patient, scan or image is named, "
    "shown or described. Whether weights tell who was trained on is tested by `workbench scan MODEL --members …`."
)
NO_DEVICE = "A research model. It is no medical device; no decision about a patient may rest on it."


class Scored(Protocol):
    """A score that a card can tell: `task.score(model)` gives one."""

    @property
    def task(self) -> str: ...  # noqa: D102 - described above
    @property
    def split(self) -> str: ...  # noqa: D102
    @property
    def measured(self) -> Any: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def interval(self) -> tuple[float, float] | None: ...  # noqa: D102


def score_row(score: Scored) -> dict[str, Any]:
    """Give what a card says of one score.

    Raises
    ------
    InvalidInput
        When the score has no interval, or is of what the model was trained on.
    """
    name, details = score.measured.definition.name, score.measured.details
    if score.interval is None:
        raise InvalidInput(f"The score {name} has no interval; measure it with bootstrap=1000, then export again.")
    if score.split == "train":
        raise InvalidInput("A score on the training split says nothing; put a score on “validation” on the card.")
    counts = {key: int(details[key]) for key in ("scans", "nodules") if isinstance(details.get(key), int)}
    return {
        "metric": name, "task": score.task, "split": score.split, "value": float(score.value),
        "interval_95": [float(end) for end in score.interval], **counts,
    }  # fmt: skip


def checked_text(name: str, text: object) -> str:
    """Give a text of the card; refuse one that is empty, very long, or not plain."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise InvalidInput(f"{name} must be a text of 1 to {LONGEST_TEXT} characters.")
    if any(not (letter.isprintable() or letter == "\n") for letter in text):
        raise InvalidInput(f"{name} holds characters that nobody can see; write it in plain text.")
    return text.strip()


def card_markdown(card: dict[str, Any]) -> str:
    """Give the card as Markdown.

    Parameters
    ----------
    card : dict
        As ``card.json`` holds it.
    """
    model, trained = card["model"], card["training"]
    lines = [
        f"# Model card: {model['task']}", "",
        "## Model details", "",
        f"- File `{model['file']}`, ONNX, {model['bytes']:,} bytes, SHA-256 `{model['sha256']}`",
        f"- {model['parameters']:,} weights, SHA-256 of the trained weights `{model['fingerprint']}`",
        f"- Takes `{model['form']}`: {model['input']}; gives a probability",
        f"- Licence: {card['licence']}",
        "", "## Intended use", "", card["intended_use"], "", NO_DEVICE,
        "", "## Training data", "",
        f"- {trained['data'] or 'the version of the data was not recorded'}",
        f"- {trained['examples']:,} {model['form']}, {trained['positives']:,} of them positive",
        f"- Seed {trained['seed']}, {trained['epochs']} epochs, last loss {trained['last_loss']:.4f}",
        "", "## Evaluation", "",
        "| metric | task | split | value | 95 % interval | measured on |", "|---|---|---|---|---|---|",
        *(_score_line(row) for row in card["scores"]),
        "", "## Limits", "", card["limits"],
        "", "## Patients", "", NOTHING_ABOUT_PATIENTS, "",
    ]  # fmt: skip
    return "\n".join(lines)


def make_card(
    *, model: dict[str, Any], training: dict[str, Any], scores: Sequence[Scored], texts: dict[str, str]
) -> dict[str, Any]:
    """Give the card as plain JSON values.

    Parameters
    ----------
    model, training : dict
        What the file is, and how its weights came about.
    scores : sequence of Score
        At least one, each with its interval.
    texts : dict of str
        `intended_use`, `limits` and `licence`.

    Raises
    ------
    InvalidInput
        When there is no score, one without an interval, or a text is empty.
    """
    if not scores:
        raise InvalidInput("A card needs at least one score with its interval: `scores=[task.score(model)]`.")
    said = {name: checked_text(name, text) for name, text in texts.items()}
    return {
        "form": FORM, "model": model, "training": training, "scores": [score_row(score) for score in scores],
        **said, "patients": NOTHING_ABOUT_PATIENTS, "device": NO_DEVICE,
    }  # fmt: skip


def _score_line(row: dict[str, Any]) -> str:
    low, high = row["interval_95"]
    counted = ", ".join(f"{row[key]} {key}" for key in ("scans", "nodules") if key in row)
    return (
        f"| {row['metric']} | {row['task']} | {row['split']} | {row['value']:.3f} | {low:.3f} to {high:.3f} "
        f"| {counted or '—'} |"
    )
