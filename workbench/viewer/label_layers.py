"""Label layers, read once from what a person gave: governed label sets, arrays of numbers, masks by name.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.data.labels import LabelVolume
from workbench.data.volume import Volume
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import ArrayLike, ArrayVolume
from workbench.viewer.given_array import find_array
from workbench.viewer.label_layer import LabelLayer, Region
from workbench.viewer.label_sources import GivenLabels, GivenMasks, values_of, without_overlap
from workbench.viewer.palette import LARGEST_VALUE
from workbench.viewer.shown_volume import GovernedVolume, ShownVolume

WAYS = (
    "Give a label set, as in dataset.label_volume(scan_id), an array (z, y, x) of whole numbers on the scan's grid, "
    "masks by name, as in {'tumour': mask}, (array, {1: 'tumour'}), or a list of these."
)
MOST_LAYERS = 16
DEFAULT_TITLE = "labels"


def read_layers(labels: Any, shown: ShownVolume, view_id: str = "", *, scan: Volume | None = None) -> list[LabelLayer]:
    """Read label layers.

    Parameters
    ----------
    labels : LabelVolume, array, mapping, (array, names), LabelLayer or a list of these
        Arrays hold whole numbers from 0 (nothing) to 65535, or bool, shape (z, y, x), on the shown volume's grid;
        a SimpleITK image and a label set of another scan have their own. A mapping of names holds masks, or arrays
        of several numbers, which become layers of that name.
    shown : ShownVolume
        What they lie over.
    view_id : str, optional
        The view the gateway opened, through which the browser may ask for the labels of its scan.
    scan : Volume, optional
        The scan of that view; left out, the shown one.

    Returns
    -------
    list of LabelLayer
        The first one lowest; masks that overlap are shared out over several layers.

    Raises
    ------
    InvalidInput
        When something is no label, lies elsewhere, has another shape, or holds values that are no label.

    Examples
    --------
    >>> grid = Geometry((1, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    >>> over = ArrayVolume(np.zeros((1, 2, 2)), grid)
    >>> [layer.regions[0].label for layer in read_layers({"liver": np.ones((1, 2, 2), dtype=bool)}, over)]
    ['liver']
    """
    if labels is None:
        return []
    scan = shown.scan if scan is None and isinstance(shown, GovernedVolume) else scan
    asked = scan if view_id else None
    given = labels if isinstance(labels, list) or (isinstance(labels, tuple) and not _is_named(labels)) else [labels]
    titles = [""] if len(given) == 1 else [f"{DEFAULT_TITLE} {number}" for number in range(1, len(given) + 1)]
    layers = [
        layer for one, title in zip(given, titles, strict=True) for layer in _read(one, shown.geometry, asked, title)
    ]
    if len(layers) > MOST_LAYERS:
        raise InvalidInput(
            f"{len(layers)} label layers are more than a picture can show; give at most {MOST_LAYERS}, for example as "
            "one array with a number for each region."
        )
    return layers


def _read(one: Any, shown: Geometry, scan: Volume | None, title: str) -> list[LabelLayer]:
    if isinstance(one, LabelLayer):
        return [one]
    if isinstance(one, LabelVolume):
        return [_governed(one, shown, scan, title)]
    if isinstance(one, tuple) and _is_named(one):
        return [_numbered(one[0], shown, title, one[1])]
    if isinstance(one, Mapping):
        return _mapped(one, shown, scan, title)
    return [_numbered(one, shown, title)]


def _is_named(given: tuple[Any, ...]) -> bool:
    """Whether a pair is an array and the names of its values."""
    return len(given) == 2 and isinstance(given[1], Mapping) and hasattr(given[0], "shape")


def _governed(labels: LabelVolume, shown: Geometry, scan: Volume | None, title: str) -> LabelLayer:
    _overlaps(labels.geometry, shown, f"The labels “{labels.title}”")
    is_asked = scan is not None and labels.image == scan
    regions = [Region(int(one["value"]), str(one["label"]), is_empty=one.get("voxels") == 0) for one in labels.segments]
    name = title if title and not title.startswith(DEFAULT_TITLE) else labels.name if is_asked else labels.title
    return LabelLayer(labels, regions, shown, title=name, name=labels.name if is_asked else "")


def _mapped(given: Mapping[Any, Any], shown: Geometry, scan: Volume | None, title: str) -> list[LabelLayer]:
    """Read names with masks; those that are no masks become layers of their own."""
    if not given:
        raise InvalidInput(f"The mapping of masks is empty. {WAYS}")
    layers, masks = [], {}
    for key, one in given.items():
        name = str(key)
        if isinstance(one, LabelVolume | tuple):
            layers += _read(one, shown, scan, name)
            continue
        array, grid = _array(one, shown, f"The mask “{name}”")
        if array.dtype.kind != "b" and max(values_of(array, f"The labels “{name}”"), default=0) > 1:
            layers.append(_numbered(one, shown, name))
        else:
            masks[name] = array, grid
    return layers + _masked(masks, shown, title)


def _masked(masks: Mapping[str, tuple[ArrayLike, Geometry]], shown: Geometry, title: str) -> list[LabelLayer]:
    """Give layers of masks that do not overlap within one; a mask of another grid has its own."""
    numbers = {name: number for number, name in enumerate(masks, 1)}
    grids: dict[Geometry, dict[int, ArrayLike]] = {}
    for name, (array, grid) in masks.items():
        grids.setdefault(grid, {})[numbers[name]] = array
    groups = [(grid, group) for grid, same in grids.items() for group in without_overlap(same)]
    names = {number: name for name, number in numbers.items()}
    layers = []
    for count, (grid, group) in enumerate(groups, 1):
        regions = [
            Region(value, names[value], is_empty=not values_of(mask, f"The mask “{names[value]}”"))
            for value, mask in group.items()
        ]
        base = title or "masks"
        called = f"{base} {count}" if len(groups) > 1 else base
        layers.append(LabelLayer(GivenMasks(group, grid), regions, shown, title=called))
    return layers


def _numbered(given: Any, shown: Geometry, title: str, names: Mapping[Any, Any] | None = None) -> LabelLayer:
    array, grid = _array(given, shown, "The labels")
    values = values_of(array, "The labels")
    called = _names(names)
    if array.dtype.kind == "b" and not called:
        called = {1: title or "mask"}
    known = sorted({*values, *called})
    regions = [Region(value, called.get(value) or f"label {value}", value not in set(values)) for value in known]
    # What has a name, and what is there, comes first where not all can be listed.
    regions.sort(key=lambda region: (region.is_empty, region.value not in called, region.value))
    return LabelLayer(GivenLabels(array, grid), regions, shown, title=title or DEFAULT_TITLE)


def _names(names: Mapping[Any, Any] | None) -> dict[int, str]:
    found = {}
    for value, name in (names or {}).items():
        is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not is_whole or not 0 <= value <= LARGEST_VALUE:
            raise InvalidInput(
                f"A name is given for {value!r}, which is no label value; names go by value, 1 to {LARGEST_VALUE}, "
                "as in (array, {1: 'tumour', 2: 'liver'})."
            )
        if value:
            found[int(value)] = str(name)
    return found


def _array(given: Any, shown: Geometry, what: str) -> tuple[ArrayLike, Geometry]:
    """Give an array of labels and its grid, refused unless it can be labels over the shown volume."""
    own: Geometry | None
    if isinstance(given, ArrayVolume):
        array, own = given.array, given.geometry
    elif given is None or isinstance(given, str | bytes | Volume | GovernedVolume | Sequence | set):
        raise InvalidInput(f"{what} are a {type(given).__name__}, which holds no regions. {WAYS}")
    else:
        array, own = find_array(given)
    shape, kind = tuple(int(n) for n in array.shape), getattr(array.dtype, "kind", "O")
    if kind not in "biu":
        hint = (
            "Give whole numbers, as in array.astype(np.uint16), or a mask of probabilities, as in array > 0.5."
            if kind == "f" else WAYS
        )  # fmt: skip
        raise InvalidInput(f"{what} hold {array.dtype}, and a label is a whole number. {hint}")
    if len(shape) != 3 or 0 in shape:
        raise InvalidInput(f"{what} have shape {shape}, and labels are a volume (z, y, x) with voxels. {WAYS}")
    if own is None and shape != tuple(shown.shape):
        raise InvalidInput(
            f"{what} have shape {shape} and the scan {tuple(shown.shape)}; axes are (z, y, x). Give labels on the "
            "scan's grid, or a SimpleITK image, which knows its own."
        )
    if own is not None:
        _overlaps(own, shown, what)
    return array, own or shown


def _overlaps(grid: Geometry, shown: Geometry, what: str) -> None:
    """Refuse labels that lie wholly beside the shown volume."""
    (low, high), (least, most) = (_extent(one) for one in (grid, shown))
    if np.any(high < least) or np.any(low > most):
        raise InvalidInput(
            f"{what} lie beside this volume: they begin at {_mm(low)} mm and end at {_mm(high)} mm, and the volume "
            f"goes from {_mm(least)} to {_mm(most)} mm (x, y, z, LPS). Are they of another scan?"
        )


def _extent(grid: Geometry) -> tuple[Any, Any]:
    corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * np.asarray(grid.shape) - 0.5
    places = grid.to_patient_mm(corners)
    return places.min(axis=0), places.max(axis=0)


def _mm(place: Any) -> str:
    return "(" + ", ".join(f"{number:.0f}" for number in place) + ")"
