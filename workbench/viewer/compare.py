"""How a second volume is compared with the first: side by side, blended over it, or as a checkerboard.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from workbench.errors import InvalidInput
from workbench.viewer.shown_volume import ShownVolume
from workbench.viewer.windows import Preset, is_inverted, read_window

MODES = ("off", "blend", "checkerboard")
COLOURS = ("grey", "hot")
COMPARED_PLANES = ("axial", "coronal", "sagittal", "all")
SHARE_LIMITS = (0.0, 1.0)
SQUARE_LIMITS_MM = (2.0, 500.0)
# Uptake is read in colour over anatomy, anatomy in grey over anatomy.
COLOURED_MODALITIES = ("PT", "NM")


class Compare(TypedDict):
    """A way to compare; `plane` says what stands side by side."""

    mode: str
    share: float
    square_mm: float
    colour: str
    plane: str


@dataclass(frozen=True, eq=False)
class Compared:
    """A second volume on a picture.

    Parameters
    ----------
    volume : ShownVolume
    title : str
        What it is called there.
    level, width : float
        Its own window, in its unit.
    inverted : bool
        Whether high values are black where it stands alone, or lies in grey over the first.
    wish : Compare
        How it is compared.
    """

    volume: ShownVolume
    title: str
    level: float
    width: float
    inverted: bool
    wish: Compare

    @property
    def unit(self) -> str:
        """Of its values and of its window."""
        return self.volume.unit

    @property
    def is_laid_over(self) -> bool:
        """Whether it lies over the first volume."""
        return self.wish["mode"] != "off"

    @property
    def is_hot(self) -> bool:
        """Whether it is drawn in hot colours where it lies over the first volume."""
        return self.wish["colour"] == "hot"

    def over(self) -> Compared:
        """Give it as it lies over the first; inverted greys in colour would be read the wrong way round."""
        return replace(self, inverted=self.inverted and not self.is_hot)


def compared(
    volume: ShownVolume, wish: Compare, window: object, presets: Sequence[Preset], first_title: str
) -> Compared:
    """Give the second volume with its window read, and a name that differs from the first one's."""
    level, width = read_window(window, presets)
    title = volume.title if volume.title != first_title else f"{volume.title} (second)"
    return Compared(volume, title, level, width, is_inverted(window, presets), wish)


def read_compare(value: object, other: ShownVolume | None = None) -> Compare:
    """Give how a second volume is laid over the first.

    Parameters
    ----------
    value : None, str or mapping
        A mode alone, or `mode` (off, blend, checkerboard), `share` of the second volume in a blend (0 to 1),
        `square_mm` (2 to 500), `colour` of what lies on top (grey, hot) and `plane` (axial, coronal, sagittal, all)
        for side by side; what is left out is as it was at first.
    other : ShownVolume, optional
        The second volume; uptake (PT, NM) is hot at first, everything else grey.

    Returns
    -------
    dict
        All five.

    Raises
    ------
    InvalidInput
        When a name is unknown, a number out of range, or there is no second volume to lay over the first.

    Examples
    --------
    >>> read_compare(None)["mode"]
    'off'
    """
    given = {"mode": value} if isinstance(value, str) else {} if value is None else value
    if not isinstance(given, Mapping):
        raise InvalidInput(f"`compare` is {value!r}; give a mode ({', '.join(MODES)}) or a mapping with `mode`.")
    first: dict[str, Any] = {
        "mode": "off", "share": 0.5, "square_mm": 30.0, "plane": "axial",
        "colour": "hot" if other is not None and other.modality in COLOURED_MODALITIES else "grey",
    }  # fmt: skip
    unknown = sorted(str(name) for name in given if name not in first)
    if unknown:
        raise InvalidInput(f"`compare` has no {', '.join(unknown)}; it has {', '.join(sorted(first))}.")
    wanted = {**first, **given}
    mode = _one_of("mode", wanted["mode"], MODES)
    if mode != "off" and other is None:
        raise InvalidInput(f"There is no second volume for a {mode}; open the view with wb.view(scan, compare=other).")
    return {
        "mode": mode,
        "share": _number("share", wanted["share"], SHARE_LIMITS),
        "square_mm": _number("square_mm", wanted["square_mm"], SQUARE_LIMITS_MM),
        "colour": _one_of("colour", wanted["colour"], COLOURS),
        "plane": _one_of("plane", wanted["plane"], COMPARED_PLANES),
    }


def _one_of(name: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise InvalidInput(f"`compare` has the {name} {value!r}; choose one of {', '.join(known)}.")
    return value


def _number(name: str, value: object, limits: tuple[float, float]) -> float:
    low, high = limits
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        raise InvalidInput(f"`compare` has {name} {value!r}; it must be a number from {low:g} to {high:g}.")
    return number
