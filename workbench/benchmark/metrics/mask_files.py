"""Reads masks from NIfTI files, one pair or two folders of them, and measures their overlap.

Runs in: anywhere
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.benchmark.metrics.evaluate import Evaluation, ValueAnswer, evaluate
from workbench.benchmark.metrics.overlap import dice, hd95_mm, mask_of, same_grid
from workbench.errors import InvalidInput, cause_of
from workbench.imaging.nifti import read_nifti

ENDINGS = (".nii.gz", ".nii")
MOST_BYTES = 2**31


def evaluate_mask_files(
    metric: str, truth: Path, predictions: Path, label: int | None, *, bootstrap: int, seed: int
) -> Evaluation:
    """Measure ``dice:v1`` or ``hd95:v1`` on two NIfTI files, or on two folders with files of the same names.

    Parameters
    ----------
    metric : str
        ``dice:v1`` or ``hd95:v1``.
    truth, predictions : Path
        Files or folders, both the same.
    label : int, optional
        Which structure; all voxels above 0 when left out.
    bootstrap, seed : int
        Resamples for the interval over scans and their seed.

    Raises
    ------
    InvalidInput
        Naming the file, when one is missing, unknown or no mask, when the grids differ, or when no truth has the label.
    """
    pairs = _pairs(truth, predictions)
    values: list[float] = []
    others: set[int] = set()
    is_known, empty = label is None, [0, 0]
    for true_file, said_file in pairs.values():
        true, said, spacing_mm = _read_pair(true_file, said_file)
        masks = [_mask(part, label, file) for part, file in ((true, true_file), (said, said_file))]
        values.append(dice(*masks) if metric == "dice:v1" else hd95_mm(masks[0], masks[1], spacing_mm))
        is_known = is_known or bool(masks[0].any())
        if not is_known:
            others.update(n for n in (round(float(one)) for one in np.unique(true)) if n > 0)
        empty = [count + (not mask.any()) for count, mask in zip(empty, masks, strict=True)]
    if not is_known and others:
        there = ", ".join(str(n) for n in sorted(others)[:8])
        raise InvalidInput(f"No truth holds the label {label}; the labels there are {there}.")
    answer = ValueAnswer(np.arange(len(pairs)), np.array(values, dtype=np.float64))
    found = evaluate(metric, answer, units=len(pairs), resamples=bootstrap, seed=seed)
    found.measured.details.update({
        "label": label, "values": dict(zip(pairs, values, strict=True)),
        "empty_truth": empty[0], "empty_prediction": empty[1],
    })  # fmt: skip
    return found


def _pairs(truth: Path, predictions: Path) -> dict[str, tuple[Path, Path]]:
    true_is_folder, said_is_folder = _is_folder(truth), _is_folder(predictions)
    if true_is_folder != said_is_folder:
        raise InvalidInput(f"{truth.name} and {predictions.name} must both be files, or both be folders.")
    if not true_is_folder:
        return {_name(truth): (truth, predictions)}
    true, said = _masks_in(truth), _masks_in(predictions)
    lacking, unknown = [name for name in true if name not in said], [name for name in said if name not in true]
    if lacking:
        raise InvalidInput(f"{predictions.name} lacks {len(lacking)} of {len(true)} masks, the first is {lacking[0]}.")
    if unknown:
        raise InvalidInput(
            f"{predictions.name} holds {len(unknown)} masks that {truth.name} does not know, the first is "
            f"{unknown[0]}; remove them."
        )
    return {name: (true[name], said[name]) for name in sorted(true)}


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        raise InvalidInput(f"{path.name} does not exist; give a NIfTI file or a folder of them.") from None
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _unreadable(path: Path, problem: OSError) -> InvalidInput:
    return InvalidInput(f"{path.name} cannot be read ({cause_of(problem)}); give what you may read.")


def _masks_in(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        # Some systems leave a hidden “._name” beside each file that they copy.
        names = [name for name in sorted(os.listdir(folder)) if name.endswith(ENDINGS) and not name.startswith(".")]
    except OSError as problem:
        raise _unreadable(folder, problem) from None
    for path in (folder / name for name in names):
        if _is_folder(path):
            continue
        if _name(path) in found:
            raise InvalidInput(f"{folder.name} holds {_name(path)} as .nii and as .nii.gz; keep one.")
        found[_name(path)] = path
    if not found:
        raise InvalidInput(f"{folder.name} holds no .nii or .nii.gz file.")
    return found


def _name(path: Path) -> str:
    return next((path.name.removesuffix(ending) for ending in ENDINGS if path.name.endswith(ending)), path.name)


def _read_pair(truth: Path, prediction: Path) -> tuple[np.ndarray, np.ndarray, Sequence[float]]:
    true, grid = read_nifti(_content(truth), truth.name)
    said, other = read_nifti(_content(prediction), prediction.name)
    if not same_grid(grid, other):
        raise InvalidInput(
            f"{prediction.name} does not lie on the grid of the truth {truth.name}: shape {other.shape} and "
            f"{grid.shape}, spacing {_mm(other.spacing_mm)} and {_mm(grid.spacing_mm)} (z, y, x), origin "
            f"{_mm(other.origin_mm)} and {_mm(grid.origin_mm)} (x, y, z); resample the prediction."
        )
    return true, said, grid.spacing_mm


def _mm(numbers: Sequence[float]) -> str:
    return " × ".join(f"{n:g}" for n in numbers) + " mm"


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInput(f"{path.name} is larger than {MOST_BYTES // 2**30} GiB; give a mask of one scan.")
        return path.read_bytes()
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _mask(values: np.ndarray, label: int | None, path: Path) -> np.ndarray:
    try:
        return mask_of(values, label)
    except InvalidInput as problem:
        raise InvalidInput(f"{path.name}: {problem.message}") from None
