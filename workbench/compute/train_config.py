"""The file that `workbench train` takes: YAML or JSON, checked key by key before anything starts.

Runs in: anywhere
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import InvalidInput, cause_of

MOST_BYTES = 64 * 1024
LONGEST_TEXT = 2000
PRECISIONS = ("fp32", "bf16")
# Key -> kind, lowest and highest value.
NUMBERS: dict[str, tuple[type, float, float]] = {
    "seed": (int, 0, 2**32 - 1),
    "epochs": (int, 1, 1000),
    "batches": (int, 1, 10_000),
    "learning_rate": (float, 1e-9, 1.0),
    "checkpoint_every": (int, 1, 1_000_000),
    "bootstrap": (int, 100, 10_000),
}
TEXTS = ("intended_use", "limits", "licence")


@dataclass(frozen=True)
class TrainConfig:
    """What a run of `workbench train` is.

    Parameters
    ----------
    seed, epochs, batches, learning_rate, precision, checkpoint_every
        As `wb.train` takes them.
    bootstrap : int
        Resamples for the interval of the score on the validation split, 100–10000.
    intended_use, limits, licence : str
        What the model's card says.
    """

    seed: int = 0
    epochs: int = 8
    batches: int = 40
    learning_rate: float = 4e-3
    precision: str = "fp32"
    checkpoint_every: int | None = None
    bootstrap: int = 1000
    intended_use: str = "Research only; no decision about a patient may rest on it."
    limits: str = "Known from the validation split of its task alone; it has not been tried on other scanners or sites."
    licence: str = "Not stated."

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, as the file would hold them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_config(path: Path) -> TrainConfig:
    """Read and check a configuration file.

    Parameters
    ----------
    path : Path
        YAML, or JSON where the name ends in .json.

    Raises
    ------
    InvalidInput
        When it cannot be read, is no table of names and values, or a key or value is wrong; the sentence names the
        nearest key.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInput(f"{path.name} is larger than {MOST_BYTES // 1024} KiB; a configuration is a few lines.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidInput(f"{path.name} cannot be read ({cause_of(problem)}); give a YAML or JSON file.") from None
    try:
        value = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as problem:
        line = getattr(getattr(problem, "problem_mark", None), "line", None)
        where = f", line {line + 1}" if line is not None else ""
        raise InvalidInput(f"{path.name} is not YAML or JSON{where}; write one “key: value” a line.") from None
    return config_of({} if value is None else value, path.name)


def config_of(value: object, name: str = "the configuration") -> TrainConfig:
    """Check names and values.

    Parameters
    ----------
    value : mapping
        Keys as `TrainConfig` has them, all of them optional.
    name : str
        What a refusal calls it.

    Raises
    ------
    InvalidInput
        When a key is unknown or a value out of its range.

    Examples
    --------
    >>> config_of({"epochs": 2}).epochs
    2
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must hold names and values, one “key: value” a line; it holds something else.")
    known = [field.name for field in fields(TrainConfig)]
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key).lower(), known, n=1, cutoff=0.5)
            hint = f"did you mean “{near[0]}”?" if near else f"it may have {', '.join(known)}."
            raise InvalidInput(f"{name} has the key “{_short(key)}”, which does not exist; {hint}")
    return TrainConfig(**{str(key): _checked(str(key), given, name) for key, given in value.items()})


def _checked(key: str, value: Any, name: str) -> Any:
    if key == "checkpoint_every" and value is None:
        return None
    if key == "precision":
        if value not in PRECISIONS:
            raise InvalidInput(f"{name}: precision is fp32 or bf16, not “{_short(value)}”.")
        return value
    if key in TEXTS:
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT:
            raise InvalidInput(f"{name}: {key} is a text of 1 to {LONGEST_TEXT} characters.")
        return value
    kind, low, high = NUMBERS[key]
    if kind is float and isinstance(value, str):
        # YAML 1.1 reads 4e-3 as text.
        with suppress(ValueError):
            value = float(value)
    is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        words = "a whole number" if kind is int else "a number"
        raise InvalidInput(f"{name}: {key} is {words} from {low:g} to {high:g}, not “{_short(value)}”.")
    return kind(value)


def _short(value: object) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text if len(text) <= 40 else f"{text[:39]}…"
