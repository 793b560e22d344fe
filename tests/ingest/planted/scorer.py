"""The share of an answer key that a folder of outputs gets right, and what it misses, by element and never by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from planted.answers import KINDS, Action, Answer
from planted.pieces import Path as ElementPath
from planted.pieces import name_of
from workbench.ingest.silence import silent_pydicom

# A box is hidden when nearly all of its bright strokes are gone.
BRIGHT, HIDDEN_SHARE = 150, 0.95


@dataclass
class Score:
    """How many actions of each type were required and right."""

    required: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)

    @property
    def percent(self) -> float:
        """The share that is right, in percent."""
        return 100 * self.right.total() / max(self.required.total(), 1)

    def __str__(self) -> str:
        """Give the table that a test or bench prints."""
        lines = [
            f"{kind:<18}{self.right[kind]:>7} of {self.required[kind]:>7}" for kind in KINDS if self.required[kind]
        ]
        lines.append(f"{'all':<18}{self.right.total():>7} of {self.required.total():>7}  {self.percent:.3f} %")
        lines += [f"  missed {count} × {what}" for what, count in self.misses.most_common(40)]
        return "\n".join(lines)


@dataclass
class Marker:
    """Holds what must agree between the instances of a set: pseudonyms and shifts."""

    score: Score = field(default_factory=Score)
    _uids: dict[str, str] = field(default_factory=dict)
    _patients: dict[str, str] = field(default_factory=dict)
    _shifts: dict[str, timedelta] = field(default_factory=dict)

    def mark(self, answer: Answer, output: Dataset | None) -> None:
        """Mark one instance; what is missing has everything wrong."""
        for action in answer.actions:
            self.score.required[action.kind] += 1
            if output is not None and self._is_right(action, answer, output):
                self.score.right[action.kind] += 1
            else:
                missing = "" if output is not None else " (no output)"
                self.score.misses[f"{action.kind} {name_of(action.path)}{missing}"] += 1

    def _is_right(self, action: Action, answer: Answer, output: Dataset) -> bool:
        element = find(output, action.path)
        if action.kind == "text_removed":
            return element is None or action.value.casefold() not in spelled(element).casefold()
        if element is None:
            return False
        if action.kind == "tag_retained":
            return True
        if action.kind == "text_notnull":
            return spelled(element) != ""
        if action.kind == "text_retained":
            return spelled(element) == action.value
        if action.kind == "uid_changed":
            return spelled(element) not in ("", action.value)
        if action.kind == "uid_consistent":
            return _agrees(self._uids, action.value, spelled(element))
        if action.kind == "patid_consistent":
            return action.value not in spelled(element) and _agrees(self._patients, answer.patient, spelled(element))
        if action.kind == "date_shifted":
            return self._is_shifted(answer.patient, action.value, spelled(element))
        if action.kind == "pixels_retained":
            return pixel_bytes(output) == answer.pixels
        return is_hidden(answer, output)

    def _is_shifted(self, patient: str, source: str, output: str) -> bool:
        try:
            shift = _day(output) - _day(source)
        except ValueError:
            return False
        return bool(shift) and self._shifts.setdefault(patient, shift) == shift


def mark_folder(answers: Iterable[Answer], folder: Path) -> Score:
    """Mark everything below a folder; files there are matched by class and instance number, or by their pixels."""
    outputs: dict[tuple[str, int], Path] = {}
    others: list[Path] = []
    marker = Marker()
    with silent_pydicom():
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                one = dcmread(path, specific_tags=["SOPClassUID", "InstanceNumber"])
                outputs[str(one.SOPClassUID), int(one.InstanceNumber)] = path
            except AttributeError:
                others.append(path)
            except Exception:  # noqa: S112 - what cannot be read is no output, whatever a peer wrote
                continue
        for answer in answers:
            path = outputs.get((answer.sop_class, answer.number)) or _with_pixels(answer.pixels, others)
            marker.mark(answer, None if path is None else dcmread(path))
    return marker.score


def _with_pixels(pixels: bytes, paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if pixels and pixels in path.read_bytes()), None)


def find(dataset: Dataset, path: ElementPath) -> DataElement | None:
    """Give the element at a path, or nothing where a step is missing or unreadable."""
    current = dataset
    try:
        for step in path[:-1]:
            assert isinstance(step, tuple)
            current = current[step[0]].value[step[1]]
        return current[path[-1]] if path[-1] in current else None
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, NotImplementedError):
        return None


def spelled(element: DataElement) -> str:
    """Give a value as text."""
    value: Any = element.value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


def pixel_bytes(output: Dataset) -> bytes:
    """Give the pixels as the source held them before any compression."""
    if output.file_meta.TransferSyntaxUID.is_compressed and output["PixelData"].is_undefined_length:
        return output.pixel_array.tobytes()
    data: bytes = output.PixelData
    return data


def is_hidden(answer: Answer, output: Dataset) -> bool:
    """Tell whether the text in the boxes is gone and the pixels far from it are as before."""
    shape = int(output.Rows), int(output.Columns)
    after = np.frombuffer(pixel_bytes(output), np.uint8).reshape(shape)
    before = np.frombuffer(answer.pixels, np.uint8).reshape(shape)
    for top, left, bottom, right in answer.boxes:
        strokes = before[top:bottom, left:right] > BRIGHT
        still = (after[top:bottom, left:right] > BRIGHT) & strokes
        if still.sum() > (1 - HIDDEN_SHARE) * strokes.sum():
            return False
    return bool(np.mean(after == before) > 0.5)


def _agrees(known: dict[str, str], source: str, output: str) -> bool:
    first = known.setdefault(source, output)
    return bool(output) and first == output and list(known.values()).count(output) == 1


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
