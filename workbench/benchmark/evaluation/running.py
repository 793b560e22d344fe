"""Runs a submitted model or folder on the parts of a split and gives its predictions, checked like everybody's.

Runs in: evaluator
"""

from __future__ import annotations

import gzip
import io
import json
import signal
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workbench.benchmark.evaluation.archive import Bounds, read_zip
from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.evaluation.masks import ENDING
from workbench.benchmark.evaluation.onnx_gate import check_model
from workbench.benchmark.evaluation.parts import Part, Scan
from workbench.benchmark.evaluation.predictions import DETECTION, MARK, SEGMENTATION, Predictions, parse
from workbench.benchmark.evaluation.sealed import INPUT, SUBMISSION, Bytes, Ended, run_sealed
from workbench.benchmark.submissions.validation import classes_of
from workbench.benchmark.tasks.definition import Limits, TaskDefinition
from workbench.errors import InvalidInput, SubmissionRefused, WorkbenchError
from workbench.imaging.nifti import write_nifti

HERE = Path(__file__).parent
PROGRAM, INDEX, PREDICTIONS = "predict.py", "index.json", "predictions.json"
FOLDER_FILES, UNPACKED_TIMES = 2000, 8
MIB = 2**20


class Runner(Protocol):
    """What answers a part."""

    def __call__(self, part: Part) -> Predictions:
        """Give the predictions of the part's items."""


@dataclass(frozen=True)
class Used:
    """What sealed runs took: time of all of them together, s, and the most memory of one, MiB."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_mib: float = 0.0

    def __add__(self, other: Used) -> Used:
        """Give what both took."""
        return Used(
            self.cpu_seconds + other.cpu_seconds, self.wall_seconds + other.wall_seconds,
            max(self.peak_mib, other.peak_mib),
        )  # fmt: skip


class Budget:
    """The time that a submission has for all of its parts together, and what it used.

    Parameters
    ----------
    limits : Limits
        The task's.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.used = Used()

    def add(self, used: Used) -> None:
        """Count what a run took elsewhere.

        Raises
        ------
        SubmissionRefused
            With TIMEOUT, when all of them together took more than there is.
        """
        self.used += used
        if self.used.wall_seconds > self._limits.seconds or self.used.cpu_seconds > self._limits.cpu_seconds:
            raise failed("TIMEOUT")

    def run(
        self, command: list[str], given: Mapping[str, Bytes], log: Callable[[str], object], *, is_ours: bool = False
    ) -> Mapping[str, bytes]:
        """Run a command in the sandbox within what is left, and give the files that it wrote.

        Parameters
        ----------
        command : list of str
        given : mapping of str to bytes
            What it may read, as `run_sealed` takes it.
        log : callable
            Takes a text for the operator.
        is_ours : bool, optional
            Whether the program is the house's own, which does not kill itself.

        Raises
        ------
        SubmissionRefused
            With the code of its end.
        WorkbenchError
            When the sandbox failed, or somebody outside killed a program of the house: no fault of what was submitted.
        """
        left = self._limits.model_copy(update={
            "seconds": int(self._limits.seconds - self.used.wall_seconds),
            "cpu_seconds": int(self._limits.cpu_seconds - self.used.cpu_seconds),
        })  # fmt: skip
        if left.seconds < 1 or left.cpu_seconds < 1:
            raise failed("TIMEOUT")
        ended: Ended = run_sealed(command, given, left)
        self.used += Used(ended.cpu_seconds, ended.wall_seconds, ended.peak_mib)
        if ended.code:
            log(f"{ended.code}: {ended.printed[-4000:]}")
        if is_ours and ended.code == "NONZERO_EXIT" and ended.signal == signal.SIGKILL:
            raise WorkbenchError("The process that ran the model was killed from outside its sandbox; run it again.")
        return ended.require()

    def as_dict(self) -> dict[str, float]:
        """Give what was used."""
        return {
            "cpu_seconds": round(self.used.cpu_seconds, 3), "wall_seconds": round(self.used.wall_seconds, 3),
            "peak_mib": round(self.used.peak_mib, 1),
        }  # fmt: skip


def runner_of(task: TaskDefinition, kind: str, payload: bytes, budget: Budget, log: Callable[[str], object]) -> Runner:
    """Look at what was submitted, and give what runs it.

    Parameters
    ----------
    task : TaskDefinition
    kind : str
        ``onnx`` or ``folder``.
    payload : bytes
        The model, or the zip of the folder.
    budget : Budget
    log : callable
        Takes a text for the operator.

    Raises
    ------
    SubmissionRefused
        With MODEL_REFUSED, before anything is run.
    """
    if kind == "onnx":
        form = check_model(payload, max_bytes=task.limits.model_mib * MIB, kind=task.kind)
        if task.truth.item == "scan" and task.kind == "binary":
            raise failed("MODEL_REFUSED", "This task's items are scans, and models see patches; send a folder instead.")
        sealed = _Model(payload, form, budget, log)
        return lambda part: sealed.masks(task, part) if task.kind == SEGMENTATION else sealed.marks(task, part)
    files = read_folder(payload, task.limits)
    return lambda part: _run_folder(task, files, part, budget, log)


def read_folder(payload: bytes, limits: Limits) -> dict[str, bytes]:
    """Give the files of a submitted folder, by their path below it.

    Raises
    ------
    SubmissionRefused
        With MODEL_REFUSED, for a zip that is not harmless or holds no predict.py.
    """
    files = read_zip(payload, Bounds(FOLDER_FILES, UNPACKED_TIMES * limits.model_mib * MIB))
    if PROGRAM in files:
        return files
    # A folder is often packed together with its own name.
    tops = {name.split("/", 1)[0] for name in files}
    top = tops.pop() if len(tops) == 1 else ""
    if f"{top}/{PROGRAM}" not in files:
        raise failed("MODEL_REFUSED", "The folder has no predict.py at its top; that is the program which is run.")
    return {name.split("/", 1)[1]: content for name, content in files.items()}


class _Model:
    """A model that passed the gate, run on parts in the sandbox."""

    def __init__(self, content: bytes, form: str, budget: Budget, log: Callable[[str], object]) -> None:
        self._given: dict[str, Bytes] = {f"{SUBMISSION}/model.onnx": content}
        self._form = form
        self._budget = budget
        self._log = log

    def marks(self, task: TaskDefinition, part: Part) -> Predictions:
        """Give a probability for each patch as predictions."""
        patches = np.zeros((0, 1, 32, 32, 32), np.float32) if part.patches is None else part.patches
        return _of_patches(task, self._run({"patches": patches}), part)

    def masks(self, task: TaskDefinition, part: Part) -> Predictions:
        """Give a mask for each scan as predictions."""
        if self._form == "volume":
            files = self._run({str(number): scan.hu for number, scan in enumerate(part.scans)})
            found = {scan.name: _unpacked(files, number, scan) for number, scan in enumerate(part.scans)}
        else:
            found = {scan.name: self._from_sections(scan) for scan in part.scans}
        return Predictions(task.kind, part.items, ("mask",), {}, found)

    def _from_sections(self, scan: Scan) -> bytes:
        """Show a model the sections of one scan, and lay back what it says; as notebooks do."""
        from workbench.benchmark.segmentation import mask_of  # noqa: PLC0415 - segmentation alone
        from workbench.imaging import cut_sections  # noqa: PLC0415 - scipy, heavy, loaded on first use

        said = _array(self._run({"sections": cut_sections(scan.hu, scan.grid.spacing_mm)}))
        try:
            mask = mask_of(said.astype(np.float32), scan.grid.spacing_mm, scan.grid.shape)
        except InvalidInput as problem:
            raise failed("MALFORMED_OUTPUT", problem.message) from None
        return write_nifti(mask.astype(np.uint8), scan.grid, packed=False)

    def _run(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, bytes]:
        given = self._given | {f"{INPUT}/{name}.npy": _npy(values) for name, values in inputs.items()}
        command = [sys.executable, "-I", str(HERE / "infer.py"), self._form]
        return self._budget.run(command, given, self._log, is_ours=True)


def _array(files: Mapping[str, bytes]) -> np.ndarray[Any, Any]:
    """Read what a model said; it is a stranger's file."""
    if "probability.npy" not in files:
        raise failed("NO_OUTPUT")
    try:
        return np.asarray(np.load(io.BytesIO(files["probability.npy"]), allow_pickle=False), dtype=np.float64)
    except (ValueError, OSError, EOFError, TypeError):
        raise failed("MALFORMED_OUTPUT") from None


def _of_patches(task: TaskDefinition, files: Mapping[str, bytes], part: Part) -> Predictions:
    """Turn one probability for each patch into predictions; it is a stranger's file, so it is checked like one."""
    said = _array(files)
    if said.shape != (len(part.places),):
        raise failed("MALFORMED_OUTPUT", "The model must give one probability for each patch, shape (n,).")
    if task.kind == DETECTION:
        where = np.zeros((0, 3)) if part.where is None else part.where
        marks: dict[str, list[dict[str, float]]] = {item: [] for item in part.items}
        for scan, place, probability in zip(part.places, where, said, strict=True):
            marks[scan].append(dict(zip(MARK, (*place.tolist(), float(probability)), strict=True)))
        entries: list[dict[str, Any]] = [{"id": scan, "marks": found} for scan, found in marks.items()]
    else:
        entries = [{"id": item, "probability": float(one)} for item, one in zip(part.places, said, strict=True)]
    return parse(task.kind, json.dumps(entries).encode(), part.items, may_be_empty=True)


def _unpacked(files: Mapping[str, bytes], number: int, scan: Scan) -> bytes:
    packed = files.get(f"{number}.mask")
    if packed is None:
        raise failed("NO_OUTPUT")
    size = scan.hu.size
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            bits = file.read(size // 8 + 2)
    except (OSError, EOFError, zlib.error):
        raise failed("MALFORMED_OUTPUT") from None
    if len(bits) != (size + 7) // 8:
        raise failed("MALFORMED_OUTPUT")
    mask = np.unpackbits(np.frombuffer(bits, np.uint8), count=size).reshape(scan.hu.shape)
    return write_nifti(mask, scan.grid, packed=False)


def _run_folder(
    task: TaskDefinition, submitted: Mapping[str, bytes], part: Part, budget: Budget, log: Callable[[str], object]
) -> Predictions:
    given: dict[str, Bytes] = {f"{SUBMISSION}/{name}": content for name, content in submitted.items()}
    given[f"{INPUT}/{INDEX}"] = json.dumps(index_of(task, part), indent=1).encode()
    given |= {f"{INPUT}/{scan.name}.npy": _npy(scan.hu) for scan in part.scans}
    files = budget.run([sys.executable, "-I", str(HERE / "start_predict.py")], given, log)
    if task.kind == SEGMENTATION:
        return _masks(files, part)
    if PREDICTIONS not in files:
        raise failed("NO_OUTPUT")
    return parse(task.kind, files[PREDICTIONS], part.items, classes=classes_of(task), may_be_empty=True)


def index_of(task: TaskDefinition, part: Part) -> dict[str, Any]:
    """Give /input/index.json: the task, the items to answer, and each scan with its grid; no label."""
    owner = {item: item if task.truth.item == "scan" else item.rpartition("-")[0] for item in part.items}
    return {
        "task": task.id, "kind": task.kind, "question": task.question, "classes": list(classes_of(task)),
        "output": f"/output/{PREDICTIONS}",
        "items": [
            {"id": item, "scan": owner[item],
             **({"centre_mm": part.centres_mm[item].tolist()} if item in part.centres_mm else {})}
            for item in part.items
        ],
        "scans": [
            {"scan": scan.name, "path": f"{INPUT}/{scan.name}.npy", "unit": "HU", **scan.grid.as_dict()}
            for scan in part.scans
        ],
    }  # fmt: skip


def _masks(files: Mapping[str, bytes], part: Part) -> Predictions:
    """Take the masks that a folder wrote, SCAN.nii.gz or SCAN.npy, through the zip that everybody sends."""
    from workbench.benchmark.evaluation.masks import checked_mask  # noqa: PLC0415 - segmentation alone

    grids = {scan.name: scan for scan in part.scans}
    masks: dict[str, bytes] = {}
    for name, content in files.items():
        if name == PREDICTIONS:
            continue
        item = name.removesuffix(ENDING).removesuffix(".npy")
        if item == name or item in masks:
            raise failed("MALFORMED_OUTPUT", f"Each mask must be one file, SCAN{ENDING} or SCAN.npy; there are others.")
        if item not in grids:
            raise failed("UNKNOWN_ITEM_IDS")
        masks[item] = checked_mask(content) if name.endswith(ENDING) else _from_npy(content, grids[item])
    if not masks:
        raise failed("NO_OUTPUT")
    return Predictions(SEGMENTATION, part.items, ("mask",), {}, masks)


def _from_npy(content: bytes, scan: Scan) -> bytes:
    try:
        mask = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise failed("MALFORMED_OUTPUT") from None
    if mask.dtype not in (np.uint8, np.bool_) or mask.shape != scan.hu.shape:
        raise failed("MALFORMED_OUTPUT", "A mask must be uint8 (or bool) of its scan's shape (z, y, x).")
    return write_nifti(mask.astype(np.uint8), scan.grid, packed=False)


def _npy(values: np.ndarray[Any, Any]) -> bytes:
    target = io.BytesIO()
    np.save(target, np.ascontiguousarray(values), allow_pickle=False)
    return target.getvalue()


def without_details(refusal: SubmissionRefused) -> SubmissionRefused:
    """Give the refusal of something that saw hidden scans: its code with the table's sentence, and nothing besides.

    What such a program wrote decides its own refusal; a sentence with a line, a name or a count would carry it out.
    """
    return refusal if refusal.code == "MODEL_REFUSED" else failed(refusal.code)
