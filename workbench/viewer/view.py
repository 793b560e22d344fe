"""`wb.view(scan)`: the interactive CT viewer of a notebook, and the still picture that stays in the file.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.connection import connect_from_environment
from workbench.data.volume import Volume
from workbench.errors import InvalidInput, MissingDependency
from workbench.geometry import Geometry
from workbench.viewer.candidates import lowest_score
from workbench.viewer.itk_engine import view_with_itkwidgets
from workbench.viewer.marks import BoxMark, Position, centre_of, read_boxes, read_position
from workbench.viewer.shown_volume import GovernedVolume, ShownVolume, as_second, as_shown
from workbench.viewer.widget import CTView, Opened
from workbench.viewer.windows import is_inverted, presets_for, read_window

ENGINES = ("workbench", "itkwidgets")
Window = str | tuple[float, float]


def view(
    scan: Any, *, window: Window | None = None, position_mm: Position | None = None, slab_mm: float = 0.0,
    slab_mode: str = "mean", arrangement: str | None = None, boxes: Iterable[object] | None = None,
    contours: Iterable[object] | None = None, measurements: Iterable[object] | None = None, labels: Any = None,
    candidates: Any = None, operating_points: Any = None, threshold: float | None = None,
    truth: Iterable[object] | None = None, compare: Any = None, like: Any = None,
    spacing_mm: float | Sequence[float] | None = None, geometry: Geometry | None = None,
    modality: str | None = None, unit: str | None = None, title: str | None = None, engine: str = "workbench",
) -> Any:  # fmt: skip
    """Show a scan, or an array made in the notebook: axial, coronal and sagittal, linked by a crosshair.

    Parameters
    ----------
    scan : Volume, ndarray, tensor or SimpleITK image, shape (z, y, x)
        A scan of a dataset, from `dataset.volume(scan_id)`, or any array of real numbers with its grid.
    window, slab_mm, slab_mode, arrangement, position_mm : optional
        First values of the widget's traits (see `CTView`); left out, the window suits the scan and the crosshair
        stands on the first box, or else in the middle. Positions are patient mm (x, y, z), LPS.
    boxes, contours, measurements, truth : iterable, optional
        Findings to mark, such as `dataset.boxes(scan_id)`; `truth` is hidden until it is asked for.
    labels : LabelVolume, ndarray of whole numbers, mapping of names to masks, or several of them, optional
        Regions to lay over the scan, such as `dataset.label_volume(scan_id)`.
    candidates, operating_points, threshold : optional
        Places a detector proposes (`position_mm` or x_mm, y_mm, z_mm, and `score`), the score at each number of false
        positives per scan, and the score below which they are hidden.
    compare : Volume or ndarray, optional
        A second scan: side by side, blended or as a checkerboard.
    like, spacing_mm, geometry, modality, unit, title : optional
        For arrays: the scan on whose grid they lie, or the spacing (z, y, x) in mm, or the whole grid; what they are.
    engine : {"workbench", "itkwidgets"}, default "workbench"
        Whose viewer is used; itkwidgets needs the extra `itk` and gives its own viewer.

    Raises
    ------
    InvalidInput
        When the scan cannot be shown, the window is unknown, or a mark or the position malformed or outside.
    AccessDenied
        When the scan may not be read; the message says why and how to ask.
    MissingDependency
        When the engine's packages, or the viewer's browser part, are not installed.

    Examples
    --------
    >>> wb.view(ct.volume("S0001"), boxes=ct.boxes("S0001"))  # doctest: +SKIP
    """
    grid = {"like": like, "spacing_mm": spacing_mm, "geometry": geometry, "modality": modality, "unit": unit}
    state = {
        "window": window, "position_mm": position_mm, "slab_mm": slab_mm, "slab_mode": slab_mode, "boxes": boxes,
        "arrangement": arrangement, "contours": contours, "measurements": measurements, "labels": labels,
        "candidates": candidates, "operating_points": operating_points, "threshold": threshold, "truth": truth,
    }  # fmt: skip
    if engine not in ENGINES:
        raise InvalidInput(f"There is no engine {engine!r}; choose {' or '.join(ENGINES)}.")
    if engine == "itkwidgets":
        del state["slab_mode"]
        return view_with_itkwidgets(scan, compare=compare, title=title, **state, **grid)
    return _shown(scan, compare, title, grid, state)


def _shown(scan: Any, compare: Any, title: str | None, grid: dict[str, Any], state: dict[str, Any]) -> CTView:
    if not CTView._esm:
        raise MissingDependency(
            "The viewer's browser part is not built, so there is nothing to show the scan with. "
            "Install the package with node present, or run `npm ci && npm run build` in the folder extensions."
        )
    shown = as_shown(scan, title=title, **grid)
    other = None if compare is None else _opened(as_second(compare, shown), None)
    presets, marks = presets_for(shown), read_boxes(state["boxes"], shown.geometry)
    window = presets[0]["name"] if state["window"] is None else state["window"]
    read_window(window, presets)
    start = _first_place(marks, shown) if state["position_mm"] is None else state["position_mm"]
    threshold = state.pop("threshold")
    settled = {
        "position_mm": read_position(start, shown.geometry), "window": window,
        "inverted": is_inverted(window, presets), "boxes": [mark.as_dict() for mark in marks],
        "arrangement": state["arrangement"] or ("planes" if other is None else "side-by-side"),
        "contours": state["contours"] or [], "measurements": state["measurements"] or [], "truth": state["truth"] or [],
    }  # fmt: skip
    made = CTView(_opened(shown, grid["like"]), other, title=title, **{**state, **settled})
    made.threshold = lowest_score(made) if threshold is None else threshold
    return made


def _opened(shown: ShownVolume, like: object) -> Opened:
    """Have the gateway open a scan for the browser, also where an array was made of it."""
    source = shown.scan if isinstance(shown, GovernedVolume) else like
    if isinstance(source, GovernedVolume):
        source = source.scan
    scan = source if isinstance(source, Volume) else None
    return Opened(shown, open_view(scan) if scan else "", not isinstance(shown, GovernedVolume), scan)


def open_view(scan: Volume) -> str:
    """Open a view of a scan at the gateway, which puts it on record; give the name it answers to."""
    line = connect_from_environment()
    try:
        opened: Mapping[str, Any] = line.post(
            "/v1/views", {"dataset": scan.dataset, "version": scan.version, "scan": scan.scan}
        )
    finally:
        line.close()
    return str(opened["view"])


def _first_place(marks: tuple[BoxMark, ...], shown: ShownVolume) -> tuple[float, float, float]:
    for mark in marks:
        try:
            return read_position(mark.centre_mm, shown.geometry)
        except InvalidInput:
            # A box may reach into the volume with its centre outside.
            continue
    return centre_of(shown.geometry)
