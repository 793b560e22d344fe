"""`wb.view(scan, engine="itkwidgets")`: the same scan in itkwidgets, for people who know it.

The version of itkwidgets that works with today's ipywidgets has no extension for JupyterLab of its own; the workbench's
extension registers it, and the Jupyter server gives its files, so nothing comes from another host.

Runs in: kernel
Source: itkwidgets 0.32.4, widget_viewer.py, for its limit and its shrink factors.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import ipywidgets
import numpy as np

from workbench.errors import InvalidInput, MissingDependency, WorkbenchError
from workbench.geometry import Geometry
from workbench.viewer.itk_images import LIMIT, itk_image, label_names, overview, quiet, read_labels, read_values
from workbench.viewer.marks import read_position
from workbench.viewer.shown_volume import ShownVolume, as_shown, level_geometry
from workbench.viewer.snapshot import snapshot
from workbench.viewer.windows import presets_for, read_window

VERSION = "0.32.4"
STILL_SIZE = 624
GRID = ("like", "spacing_mm", "geometry", "modality", "unit", "title")
MODES = {None: "z", "axial": "z", "coronal": "y", "sagittal": "x", "volume": "v"}


class ItkView(ipywidgets.VBox):
    """A line on what is shown, above the viewer of itkwidgets.

    Attributes
    ----------
    viewer : itkwidgets.Viewer
        The viewer itself, with all its traits: `mode`, `vmin`, `vmax`, `roi`, `camera`, ….
    note : str
        What is shown, and what the overview leaves out.
    """

    def __init__(self, viewer: Any, note: str, still: Callable[[], bytes]) -> None:
        self.viewer, self.note, self._still = viewer, note, still
        super().__init__([ipywidgets.HTML(f"<small>{html.escape(note)}</small>"), viewer])

    def __repr__(self) -> str:
        """Say what is shown, and what is left out."""
        return f"ItkView: {self.note}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
            try:
                # What itkwidgets shows does not stay in the notebook's file; the workbench's own picture does.
                data["image/png"] = base64.b64encode(self._still()).decode("ascii")
            except WorkbenchError as error:
                data["text/plain"] += f"\n{error.message}"
        return bundle


def view_with_itkwidgets(
    scan: object, *, window: str | tuple[float, float] | None = None, position_mm: Sequence[float] | None = None,
    labels: object = None, arrangement: str | None = None, level: int | None = None, **options: Any,
) -> ItkView:  # fmt: skip
    """Show a scan in itkwidgets: slices or volume rendering of an overview of it.

    Parameters
    ----------
    scan : Volume, LabelVolume, ndarray, torch tensor or SimpleITK image, shape (z, y, x)
        What `wb.view` shows.
    window : str or (level, width), optional
        A preset's name, or level and width in the scan's unit.
    position_mm : tuple of 3 float, optional
        Which slices to start with, patient position (x, y, z), LPS, mm; not for oblique scans.
    labels : LabelVolume or array of integers, optional
        On the scan's own grid.
    arrangement : {"axial", "coronal", "sagittal", "volume"}, default "axial"
        A slice, or volume rendering, which is slow where no graphics card helps.
    level : int, optional
        The resolution level to read; left out, the coarsest that still has 192 voxels along some axis, drawn with
        at most 192. 0 reads the whole scan into the kernel, and itkwidgets takes finer pieces of it when zoomed.
    **options : object
        The grid of an array, as `as_shown` takes it. What `wb.view` takes besides, itkwidgets cannot show.

    Returns
    -------
    ItkView
        A line saying what is shown, and the viewer as `.viewer`, whose traits can be set.

    Raises
    ------
    InvalidInput
        When the scan, window, position, labels, arrangement or level is none, or something else is asked for.
    MissingDependency
        When the extra `itk` is not installed.
    """
    itkwidgets = _itkwidgets()
    shown = as_shown(scan, **_of_the_grid(options))
    low, high = _limits(shown, window)
    depth = _level(shown, level)
    grid = level_geometry(shown.geometry, depth)
    voxels = read_values(shown, depth)
    voxels = overview(voxels, between=True) if level is None else voxels
    # Its range does not reach beyond the values.
    low, high = max(low, float(voxels.min())), min(high, float(voxels.max()))
    settled: dict[str, Any] = {"vmin": [low], "vmax": [high]} if low < high else {}
    settled |= {"mode": _mode(arrangement), "cmap": "Grayscale", "units": "mm"}
    settled |= _slices(shown.geometry, position_mm)
    with quiet():
        if labels is not None:
            values = read_labels(labels, shown, depth)
            values = overview(values, between=False) if level is None else values
            settled |= {"label_image": itk_image(values, grid), "label_image_names": label_names(labels)}
        viewer = _opened(itkwidgets, itk_image(voxels, grid), settled)

    def still() -> bytes:
        place = None if position_mm is None else read_position(position_mm, shown.geometry)
        return bytes(snapshot(shown, size=STILL_SIZE, window=window, position_mm=place, labels=labels))

    return ItkView(viewer, _note(shown, np.asarray(viewer.rendered_image).shape), still)


def _opened(itkwidgets: Any, image: Any, settled: Mapping[str, Any]) -> Any:
    """Open the viewer, with what its browser part needs and `itkwidgets.view` leaves out."""
    # Without a weight it looks for one in labels that are not there.
    viewer = itkwidgets.view(image, label_image_weights=np.ones(1, np.float32), **settled)
    viewer.channels = [True]
    if viewer.rendered_label_image is not None:
        # One for each value that is drawn; the overview may have missed some.
        drawn = np.unique(np.asarray(viewer.rendered_label_image))
        viewer.label_image_weights = np.ones(len(drawn), np.float32)
    return viewer


def _itkwidgets() -> Any:
    try:
        found = version("itkwidgets")
    except PackageNotFoundError:
        raise MissingDependency(
            'itkwidgets is not installed. Install the extra with pip install "ai4h-workbench[itk]" (1.2 GB), '
            "or leave engine out: wb.view shows the same scan without it."
        ) from None
    if found != VERSION:
        raise MissingDependency(
            f"itkwidgets is installed as {found}, and only {VERSION} works in this JupyterLab without the internet. "
            f"Install that one (pip install itkwidgets=={VERSION}), or leave engine out."
        )
    with quiet():
        import itkwidgets  # noqa: PLC0415 - heavy, loaded on first use

    return itkwidgets


def _of_the_grid(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options that say what an array is; refuse the others."""
    for name, value in options.items():
        is_left_out = value is None or (isinstance(value, int | float) and not value)
        if name not in GRID and not is_left_out:
            raise InvalidInput(f"itkwidgets cannot show {name}; leave it out, or leave engine out to see it.")
    return {name: value for name, value in options.items() if name in GRID}


def _mode(arrangement: str | None) -> str:
    if arrangement not in MODES:
        known = ", ".join(str(name) for name in MODES if name)
        raise InvalidInput(f"itkwidgets has no arrangement {arrangement!r}; it shows one of {known}.")
    return MODES[arrangement]


def _limits(shown: ShownVolume, window: str | tuple[float, float] | None) -> tuple[float, float]:
    presets = presets_for(shown)
    level, width = read_window(presets[0]["name"] if window is None else window, presets)
    return level - width / 2, level + width / 2


def _level(shown: ShownVolume, level: int | None) -> int:
    """Give the resolution level to read."""
    if level is None:
        fit = [n for n in range(shown.levels) if max(level_geometry(shown.geometry, n).shape) >= LIMIT]
        return fit[-1] if fit else 0
    if isinstance(level, bool) or not isinstance(level, int | np.integer) or not 0 <= level < shown.levels:
        raise InvalidInput(f"{shown.title} has levels 0 to {shown.levels - 1}; there is no level {level!r}.")
    return int(level)


def _slices(geometry: Geometry, position_mm: Sequence[float] | None) -> dict[str, float]:
    """Give which slices to start with."""
    if position_mm is None:
        return {}
    if not np.allclose(np.abs(geometry.direction), np.eye(3).ravel(), atol=1e-6):
        raise InvalidInput(
            "itkwidgets sets its slices along the patient's axes, and this scan lies oblique to them; "
            "leave position_mm out and scroll there, or leave engine out."
        )
    x, y, z = read_position(tuple(position_mm), geometry)
    return {"x_slice": x, "y_slice": y, "z_slice": z}


def _note(shown: ShownVolume, drawn: tuple[int, ...]) -> str:
    """Say what is shown, and what the overview leaves out."""
    whole, say = shown.geometry, f"itkwidgets {VERSION}: {shown.title}."
    shape = " × ".join(str(size) for size in drawn)
    if drawn == whole.shape:
        return f"{say} All {shape} voxels are shown; wb.view(scan) without engine also measures, marks and saves."
    steps = [mm * size / max(1, count) for mm, size, count in zip(whole.spacing_mm, whole.shape, drawn, strict=True)]
    return (
        f"{say} Its overview holds at most {LIMIT} voxels along an axis, so you see {shape} of "
        f"{' × '.join(str(size) for size in whole.shape)} voxels, one every "
        f"{' × '.join(f'{step:.3g}' for step in steps)} mm (z × y × x): small findings can be missing. "
        "wb.view(scan) without engine shows every voxel."
    )
