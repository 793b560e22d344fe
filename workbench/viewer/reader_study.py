"""A reader study in a notebook: one scan at a time, in random order, timed, every finished read saved.

Runs in: kernel
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from workbench.errors import InvalidInput, WorkbenchError
from workbench.viewer.questions import QuestionForm, read_questions
from workbench.viewer.reads_file import ANSWER, COLUMNS, ReadsFile, reading_order, study_name
from workbench.viewer.view import view

IDLE = {"state": "idle", "seconds": 0.0, "paused_seconds": 0.0}
# What a study may say of how its scans are shown; nothing that tells the reader the answer.
OPTIONS = (
    "window", "slab_mm", "slab_mode", "arrangement", "operating_points", "threshold", "spacing_mm", "modality", "unit",
)  # fmt: skip
LONGEST_READER = 60
PARSED = ("judgements", "boxes", "contours", "measurements")


class ReaderStudy(ipywidgets.VBox):
    """Shows one scan after the other to a reader, who starts, reads, answers and goes on.

    The picture is hidden until the reader starts and while the clock is paused: by a button, or because the page is out
    of sight. A finished read is saved at once; made again with the same arguments, also in a new kernel, the study goes
    on with the first scan that has no row. A read that was not finished is begun anew.

    The browser gets the scan that is read and its candidates' places and scores, nothing else: no ground truth, no
    other column, no other reader's row.

    Parameters
    ----------
    scans : sequence of Volume, or mapping of str to anything `view` shows
        What is read; each has a name.
    reader : str
        Who reads; the order of the scans is another one for each reader.
    path : str or Path
        The CSV file that takes the reads, one row each; several readers may share it.
    seed : int, default 0
        Of the order.
    questions : mapping, optional
        What is asked of each scan: ``{"Nodule?": ["yes", "no"], "Remark": str}``; choices must be answered.
    candidates : mapping of str to DataFrame or list, optional
        What a detector proposes in each scan, by its name.
    **options : object
        How scans are shown, as for `view`: window, slab_mm, slab_mode, arrangement, operating_points, threshold, and
        for arrays spacing_mm, modality and unit.

    Raises
    ------
    InvalidInput
        When an argument cannot be used, or the file holds another study.

    Examples
    --------
    >>> ct = wb.dataset("chest-ct")  # doctest: +SKIP
    >>> scans = [ct.volume(scan) for scan in ("S0001", "S0002")]  # doctest: +SKIP
    >>> ReaderStudy(scans, reader="R1", path="reads.csv", questions={"Nodule?": ["yes", "no"]})  # doctest: +SKIP
    """

    # The scan that is read now; also there for a study that was refused while it was made, which is closed too.
    view: Any = None

    def __init__(
        self, scans: Mapping[str, Any] | Sequence[Any], *, reader: str, path: str | Path, seed: int = 0,
        questions: Mapping[str, Any] | None = None, candidates: Mapping[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self._scans, self._candidates = _named(scans), dict(candidates or {})
        self._reader, self._options = _checked_reader(reader), _checked_options(options)
        strange = sorted(set(self._candidates) - set(self._scans))
        if strange:
            raise InvalidInput(f"There are candidates for {', '.join(strange[:3])}, but no such scan in the study.")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise InvalidInput(f"The seed is {seed!r}; give a whole number.")
        asked = read_questions(questions)
        names = list(self._scans)
        self.order = reading_order(names, seed, self._reader)
        self._file = ReadsFile(Path(path), study_name(names, asked), seed, list(asked))
        self._head, self._notice = ipywidgets.HTML(), ipywidgets.HTML()
        self._form = QuestionForm(asked)
        self._next = ipywidgets.Button(description="Save and open the next scan", layout={"width": "max-content"})
        self._next.on_click(lambda _button: self._save())
        self._again = ipywidgets.Button(description="Try again", layout={"width": "max-content"})
        self._again.on_click(lambda _button: self._open_next())
        self._scan, self._started = "", ""
        super().__init__()
        self._open_next()

    @property
    def done(self) -> list[str]:
        """The scans that this reader has finished, in the order in which they were saved."""
        return [row["scan"] for row in self._file.rows(self._reader)]

    def table(self) -> Any:
        """Give this reader's finished reads.

        Returns
        -------
        DataFrame
            One row a read: `reader, scan, order, started` (UTC), `seconds` and `paused_seconds`, `judgements`, `boxes`,
            `contours` and `measurements` (lists), and a column for each question.
        """
        import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

        hidden = ("study", "seed")
        table = pd.DataFrame(self._file.rows(self._reader), columns=self._file.header).drop(columns=list(hidden))
        for name in PARSED:
            table[name] = [json.loads(text) for text in table[name]]
        kinds = {"order": int, "seconds": float, "paused_seconds": float}
        return table.astype(kinds).rename(columns=_question_of)

    def close(self) -> None:
        """Take the study away; what is finished is in the file."""
        if self.view is not None:
            self.view.close()
        super().close()

    def __repr__(self) -> str:
        """Say how far it is."""
        return f"<ReaderStudy of {len(self.order)} scans, reader {self._reader}: {len(self.done)} read>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = repr(self)
        return bundle

    def _open_next(self) -> None:
        """Open the first scan without a row, hidden; after the last one say so."""
        if self.view is not None:
            self.view.close()
            self.view = None
        self._notice.value = ""
        done = set(self.done)
        left = [name for name in self.order if name not in done]
        if not left:
            self._head.value = f"<b>All {len(self.order)} scans are read and saved.</b> Thank you."
            self.children = [self._head]
            return
        self._scan, self._started = left[0], ""
        number = self.order.index(self._scan) + 1
        title = f"Scan {number} of {len(self.order)}"
        self._head.value = f"<b>{title}</b> · reader {escape(self._reader)} · {len(done)} saved"
        try:
            self.view = view(
                self._scans[self._scan], title=title, candidates=self._candidates.get(self._scan), **self._options
            )
        except WorkbenchError as error:
            self._notice.value = f"<b>{title} cannot be opened.</b> {escape(error.message)}"
            self.children = [self._head, self._notice, self._again]
            return
        self.view.reading = IDLE
        self.view.observe(self._on_reading, "reading")
        self._form.clear()
        self.children = [self._head, self.view, self._form, self._notice, self._next]
        self._on_state("idle")

    def _on_reading(self, change: Mapping[str, Any]) -> None:
        state = change["new"]["state"]
        if state == change["old"].get("state"):
            return
        if state == "running" and not self._started:
            self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._on_state(state)
        if state == "finished" and not self._form.missing:
            self._save()
        elif state == "finished":
            self._notice.value = f"Still to answer: {escape(', '.join(self._form.missing))}. Then save this read."

    def _on_state(self, state: str) -> None:
        self._form.is_open = state in ("running", "finished")
        self._next.layout.display = None if state == "finished" else "none"

    def _save(self) -> None:
        """Append the read that is finished, and go on; on a trouble it stays, and can be saved again."""
        if self.view is None or self.view.reading["state"] != "finished":
            return
        if self._form.missing:
            self._notice.value = f"Still to answer: {escape(', '.join(self._form.missing))}. Then save this read."
            return
        try:
            self._file.append(self._row())
        except WorkbenchError as error:
            self._notice.value = escape(error.message)
            return
        self._open_next()

    def _row(self) -> dict[str, object]:
        shown, reading = self.view, self.view.reading
        judged = [
            {**{name: shown.candidates[one["candidate"]][name] for name in ("position_mm", "score", "label")},
             "verdict": one["verdict"], "seconds": one["seconds"]}
            for one in shown.judgements
        ]  # fmt: skip
        marks = {"judgements": judged, **{name: list(getattr(shown, name)) for name in PARSED[1:]}}
        return {
            "reader": self._reader, "scan": self._scan, "order": self.order.index(self._scan) + 1,
            "started": self._started or datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": f"{reading['seconds']:.3f}", "paused_seconds": f"{reading['paused_seconds']:.3f}",
            **{name: json.dumps(value) for name, value in marks.items()},
            **{ANSWER + name: answer for name, answer in self._form.answers.items()},
        }  # fmt: skip


def _named(scans: object) -> dict[str, Any]:
    """Give the scans by their names."""
    if isinstance(scans, Mapping):
        found = {str(name): scan for name, scan in scans.items()}
    elif isinstance(scans, Iterable) and not isinstance(scans, str | bytes) and not hasattr(scans, "shape"):
        listed = list(scans)
        if not all(isinstance(getattr(scan, "scan", None), str) for scan in listed):
            raise InvalidInput("A scan of the study has no name; give a mapping, such as {'first': array}.")
        found = {scan.scan: scan for scan in listed}
        if len(found) < len(listed):
            raise InvalidInput("A scan stands in the study twice; give each once, or a mapping with names of your own.")
    else:
        raise InvalidInput(
            f"`scans` is a {type(scans).__name__}; give a list of volumes, or a mapping of names to them."
        )
    if not found:
        raise InvalidInput("A study without scans has nothing to read; give at least one.")
    return found


def _question_of(column: str) -> str:
    """Give the question of a column, unless it is called as another column is."""
    question = column.removeprefix(ANSWER)
    return column if question in COLUMNS else question


def _checked_reader(reader: object) -> str:
    name = reader.strip() if isinstance(reader, str) else ""
    if not 0 < len(name) <= LONGEST_READER or not name.isprintable():
        raise InvalidInput(f"The reader is {reader!r}; give a name or a number, up to {LONGEST_READER} signs.")
    return name


def _checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in options:
        if name == "truth":
            raise InvalidInput("A reader study shows no ground truth; leave out `truth`.")
        if name not in OPTIONS:
            raise InvalidInput(f"A reader study has no argument {name!r}; it may be {', '.join(OPTIONS)}.")
    return dict(options)
