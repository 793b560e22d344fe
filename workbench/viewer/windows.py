"""Windows to look through, each with its source: Hounsfield units for CT, percentiles for MR, uptake for PET.

Levels and widths are in the scan's own unit (stored number × slope + intercept), never in stored numbers.

Runs in: kernel
Source: DICOM PS3.3 2026c C.11.2.1.2 for what a window is; the presets name theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.volume import WINDOWS

# A voxel that holds no value, such as a NaN of an array.
NO_VALUE = -32768
SUV_UNITS = ("suv", "g/ml", "gml", "g/ml{suvbw}", "suvbw")
CT_SOURCE = "Radiopaedia, “Windowing (CT)”"
NYUL = "Nyúl and Udupa, Magn Reson Med 42 (1999) 1072: 0 to the 99.8th percentile of this scan"
SHAH = "Shah et al., Med Image Anal 15 (2011) 267: 1st to 99th percentile of this scan"
SUV_SOURCE = "a fixed SUV scale, as Barrington et al., J Clin Oncol 32 (2014) 3048 ask; inverted grey"
# Upper ends of an SUV scale: brain and bladder need the wide ones, faint uptake the narrow ones.
SUV_LIMITS = (7, 5, 10, 15, 20)
# Slices looked at where a volume has no coarser level, and voxels taken of each side of them.
SAMPLED_SLICES, SAMPLED_SIDE = 24, 128


class Preset(TypedDict):
    """A named window; `inverted` means that high values are black."""

    name: str
    level: float
    width: float
    source: str
    inverted: NotRequired[bool]


def presets_for(shown: Any) -> list[Preset]:
    """Give the windows that suit a scan, the first one to open it with; the keys 1 to 5 take them in this order.

    Parameters
    ----------
    shown : ShownVolume or Volume
        Its modality and unit decide; other than CT it is sampled once, from its coarsest level or a few slices.

    Returns
    -------
    list of dict
        `name, level, width, source`, and `inverted` for PET; never empty, every width above 0.
    """
    modality = str(getattr(shown, "modality", "CT"))
    if modality == "CT":
        return [{"name": n, "level": one.level, "width": one.width, "source": CT_SOURCE} for n, one in WINDOWS.items()]
    if modality == "PT" and str(getattr(shown, "unit", "")).lower().replace(" ", "") in SUV_UNITS:
        return [_between(f"SUV 0–{high}", 0.0, float(high), SUV_SOURCE, inverted=True) for high in SUV_LIMITS]
    values = _sample(shown)
    return _uptake(values) if modality == "PT" else _percentiles(values, modality)


def read_window(window: object, presets: Sequence[Preset]) -> tuple[float, float]:
    """Give (level, width) of a preset's name or of a pair (level, width), in the scan's unit.

    Raises
    ------
    InvalidInput
        When the name is unknown, or the pair is not two finite numbers with a width above 0.
    """
    known = ", ".join(preset["name"] for preset in presets)
    if isinstance(window, str):
        for preset in presets:
            if preset["name"] == window:
                return preset["level"], preset["width"]
        raise InvalidInput(
            f"There is no window “{window}” for this scan; its presets are {known}. A pair (level, width) works too."
        )
    pair = _pair(window)
    if pair is None:
        raise InvalidInput(
            f"The window {window!r} is neither a preset ({known}) nor a pair (level, width) of finite numbers "
            "with a width above 0."
        )
    return pair


def is_inverted(window: object, presets: Sequence[Preset]) -> bool:
    """Whether high values are black in this window: as its preset says, and for a pair as the first preset says."""
    named = next((preset for preset in presets if preset["name"] == window), presets[0])
    return bool(named.get("inverted", False))


def slope_of(shown: Any) -> tuple[float, float]:
    """Give slope and intercept that turn the stored numbers of a volume into its unit; 1 and 0 for CT."""
    slope = getattr(shown, "slope", None)
    return float(getattr(shown, "scale", 1.0) if slope is None else slope), float(getattr(shown, "intercept", 0.0))


def _percentiles(values: NDArray[np.float64], modality: str) -> list[Preset]:
    full = f"smallest to largest value sampled of this {'scan' if modality == 'MR' else 'volume'}"
    high = "75th percentile to largest value sampled, for what is bright"
    dark = "smallest value sampled to 75th percentile, for what is dark"
    shares = (
        ("standard", 1.0, 99.0, SHAH), ("wide", 0.0, 99.8, NYUL), ("full", 0.0, 100.0, full),
        ("bright", 75.0, 100.0, high), ("dark", 0.0, 75.0, dark),
    )  # fmt: skip
    return [_between(name, *_ends(values, low, high), source) for name, low, high, source in shares]


def _uptake(values: NDArray[np.float64]) -> list[Preset]:
    """Give scales from 0 for a PET in another unit than SUV."""
    shares = (("standard", 99.5), ("bright", 98.0), ("wide", 99.9), ("full", 100.0))
    return [
        _between(name, 0.0, float(np.percentile(values, share)) or float(values.max()),
                 f"0 to the {share:g}th percentile of this scan, as it is not in SUV; inverted grey", inverted=True)
        for name, share in shares
    ]  # fmt: skip


def _ends(values: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    """Give two percentiles; where they coincide, as in a map that is nought nearly everywhere, the whole range."""
    first, last = np.percentile(values, (low, high))
    if first == last:
        first, last = values.min(), values.max()
    return float(first), float(last)


def _between(name: str, low: float, high: float, source: str, *, inverted: bool = False) -> Preset:
    """Give a window from black to white, its ends rounded to three digits of the width; never without width."""
    if not high > low:
        # A constant volume is mid grey, not black; half of one is nothing beside a large number.
        half = max(0.5, abs(low) / 1000)
        low, high = low - half, low + half
    step = 10.0 ** (np.floor(np.log10(high - low)) - 2)
    first, last = np.floor(low / step), np.ceil(high / step)
    preset: Preset = {
        "name": name, "level": float(f"{(first + last) / 2 * step:.6g}"),
        "width": float(f"{(last - first) * step:.6g}"), "source": source,
    }  # fmt: skip
    return {**preset, "inverted": True} if inverted else preset


def _sample(shown: Any) -> NDArray[np.float64]:
    """Give some of a volume's values in its unit, 0 alone where it holds none."""
    source = getattr(shown, "scan", shown)
    if hasattr(shown, "sample"):
        values = np.asarray(shown.sample(), dtype=np.float64)
        held = values[np.isfinite(values)]
    else:
        levels = getattr(shown, "levels", 1)
        coarse = hasattr(source, "read_box") and levels > 1
        stored = np.asarray(source.read_box(level=levels - 1)) if coarse else _some_slices(shown)
        slope, intercept = slope_of(shown)
        held = stored[stored != NO_VALUE].astype(np.float64) * slope + intercept
    return held if held.size else np.zeros(1)


def _some_slices(shown: Any) -> NDArray[np.int16]:
    depth, rows, columns = shown.geometry.shape
    chosen = np.unique(np.linspace(0, depth - 1, min(depth, SAMPLED_SLICES)).round().astype(int))
    steps = (max(1, rows // SAMPLED_SIDE), max(1, columns // SAMPLED_SIDE))
    return np.stack([np.asarray(shown[int(z)])[:: steps[0], :: steps[1]] for z in chosen])


def _pair(window: object) -> tuple[float, float] | None:
    try:
        array = np.asarray(window, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if isinstance(window, Mapping) or array.shape != (2,) or not np.all(np.isfinite(array)) or array[1] <= 0:
        return None
    return float(array[0]), float(array[1])
