"""Where planes lie on a picture, and how each arrangement of the viewer is drawn as a still.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.compare import Compare, Compared
from workbench.viewer.montage import Sheet, draw_sheet, read_sheet
from workbench.viewer.picture import PANES, SIZE, Draw, Drawn, draw_planes
from workbench.viewer.planes import AXES, lay_planes, pane_height
from workbench.viewer.scene import ReadableVolume, Scene
from workbench.viewer.side_by_side import Places, draw_pairs

# Those that can be drawn; the volume in 3D only the browser has.
DRAWN = ("planes", *AXES, "montage", "side-by-side")
GAP = 2


def still_of(arrangement: str, geometry: Geometry, scene: Scene, *, volumes: int = 1) -> Draw:
    """Give how the still of a view is drawn: as a montage or side by side, or else as the three planes.

    Parameters
    ----------
    arrangement : str
        As the viewer's trait has it.
    geometry : Geometry
        Of the first volume.
    scene : Scene
    volumes : int, default 1
        How many the view holds: slices of each have to fit into the browser.
    """
    if arrangement == "montage":
        return partial(draw_sheet, sheet=Sheet(volumes=volumes), width=SIZE[0])
    if arrangement == "side-by-side" and scene.compared is not None:
        return partial(
            draw_pairs, places=arrange_pairs(geometry, compared_planes(scene.compared.wish), SIZE[0]), width=SIZE[0]
        )
    return partial(draw_planes, panes=PANES, width=SIZE[0])


@dataclass(frozen=True)
class Figure:
    """How a figure is laid out.

    Parameters
    ----------
    planes : tuple of str
        Those that are seen.
    sheet : Sheet, optional
        What stands on a montage.
    is_beside : bool, default False
        Whether a second volume stands beside the first.
    """

    planes: tuple[str, ...]
    sheet: Sheet | None = None
    is_beside: bool = False


def read_figure(
    arrangement: object, plane: str | None, planes: tuple[str, ...], montage: tuple[object, object, object],
    second: Compared | None,
) -> Figure:  # fmt: skip
    """Give how a figure is laid out.

    Parameters
    ----------
    arrangement : str, optional
        As the viewer's trait; left out, planes, or side by side for a second volume that lies not over the first.
    plane : str, optional
        Which one alone.
    planes : tuple of str
        Which were named; all three where none was.
    montage : tuple of 3 int, optional each
        Its columns, rows and step.
    second : Compared, optional
        The second volume.

    Raises
    ------
    InvalidInput
        When there is no such arrangement, or what was given belongs to another one.
    """
    is_apart = second is not None and not second.is_laid_over
    wish = ("side-by-side" if is_apart else "planes") if arrangement is None else arrangement
    if wish not in DRAWN:
        hint = " The 3D view is drawn by the browser alone." if wish == "volume" else ""
        raise InvalidInput(f"There is no still of the arrangement {wish!r}; choose one of {', '.join(DRAWN)}.{hint}")
    if is_apart and wish != "side-by-side":
        raise InvalidInput(
            f"The arrangement {wish} shows one scan; say how the other lies over it: compare_as='blend'."
        )
    if wish != "montage" and montage != (None, None, None):
        raise InvalidInput("columns, rows and step belong to a montage; give arrangement='montage'.")
    if wish in AXES:
        if plane not in (None, wish):
            raise InvalidInput(f"The arrangement is {wish} and the plane {plane}; leave one of them out.")
        return Figure((str(wish),))
    if wish == "montage":
        if len(planes) == 2:
            raise InvalidInput(f"A montage has slices of one plane, not of {' and '.join(planes)}; give plane=….")
        name = planes[0] if len(planes) == 1 else "axial"
        return Figure((name,), read_sheet(name, *montage, volumes=1 if second is None else 2))
    if wish == "side-by-side":
        if second is None:
            raise InvalidInput("There is no second scan to stand beside the first; give it as compare=other.")
        return Figure(planes if len(planes) < len(AXES) else compared_planes(second.wish), is_beside=True)
    return Figure(planes)


def draw_figure(volume: ReadableVolume, scene: Scene, figure: Figure, width: int, zoom: float) -> Drawn:
    """Draw a figure, `width` px wide, with letters and lines `zoom` times as large as usual."""
    if figure.sheet is not None:
        return draw_sheet(volume, scene, figure.sheet, width, zoom)
    if figure.is_beside:
        return draw_pairs(volume, scene, arrange_pairs(volume.geometry, figure.planes, width), width, zoom)
    return draw_planes(volume, scene, arrange(volume.geometry, figure.planes, width), width, zoom)


def compared_planes(wish: Compare) -> tuple[str, ...]:
    """Give the planes that stand side by side."""
    return tuple(AXES) if wish["plane"] == "all" else (wish["plane"],)


def arrange(geometry: Geometry, wanted: Sequence[str], width: int) -> Places:
    """Give left, top, width and height of each plane: three as in the widget, two side by side, or one."""
    if len(wanted) == 3:
        large = round(width * 384 / 624)
        high = (large - GAP) // 2
        beside = (large + GAP, width - large - GAP)
        first, second, third = wanted
        return {
            first: (0, 0, large, large),
            second: (beside[0], 0, beside[1], high),
            third: (beside[0], large - high, beside[1], high),
        }
    each, high = _equal(geometry, wanted, width, len(wanted))
    return {name: (number * (each + GAP), 0, each, high) for number, name in enumerate(wanted)}


def arrange_pairs(geometry: Geometry, wanted: Sequence[str], width: int) -> list[tuple[Places, Places]]:
    """Give where planes and the same ones of a second volume lie: one pair side by side, several above each other."""
    if len(wanted) == 1:
        each, high = _equal(geometry, wanted, width, 2)
        return [({wanted[0]: (0, 0, each, high)}, {wanted[0]: (each + GAP, 0, each, high)})]
    each, high = _equal(geometry, wanted, width, len(wanted))
    lefts = [number * (each + GAP) for number in range(len(wanted))]
    return [
        ({name: (left, 0, each, high)}, {name: (left, high + GAP, each, high)})
        for name, left in zip(wanted, lefts, strict=True)
    ]


def _equal(geometry: Geometry, wanted: Sequence[str], width: int, columns: int) -> tuple[int, int]:
    """Give width and height of planes that stand in columns of one size."""
    each = (width - GAP * (columns - 1)) // columns
    laid = {plane.name: plane for plane in lay_planes(geometry)}
    return each, max(pane_height(geometry, laid[name], each) for name in wanted)
