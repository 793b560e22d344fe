"""A structured report that the viewer wrote, as marks again.

Runs in: kernel
Source: DICOM PS3.16 2026c TID 1500, 1410, 1411.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import highdicom.sr as sr
import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.viewer import sr_codes as codes
from workbench.viewer.contours import read_contours
from workbench.viewer.dicom_source import DAMAGE, is_of_another
from workbench.viewer.mark_set import Marks
from workbench.viewer.marks import read_boxes
from workbench.viewer.shown_volume import ShownVolume

Places = NDArray[np.float64]
# Of a millimetre: finer than this, single precision tells nothing 500 mm from the origin.
DECIMALS = 4


def read_sr(path: Path, scan: ShownVolume) -> Marks:
    """Give the marks of a report.

    Coordinates in DICOM are single precision, so places come back to 0.0001 mm.

    Raises
    ------
    InvalidInput
        When it was made on another scan, by another program, or is damaged.
    """
    try:
        made = sr.srread(path)
        groups = [
            *made.content.get_volumetric_roi_measurement_groups(), *made.content.get_planar_roi_measurement_groups(),
        ]  # fmt: skip
        kinds = {concept.value: kind for kind, concept in codes.KINDS.items()}
        found: dict[str, list[Any]] = {kind: [] for kind in codes.KINDS}
        for group in groups:
            finding = group.finding_type
            if finding is not None and finding.scheme_designator == codes.OWN and finding.value in kinds:
                found[kinds[finding.value]].append(group)
        if groups and not any(found.values()):
            raise InvalidInput(f"{path.name} is a report of another program; only reports of this viewer can be read.")
        if is_of_another(made, scan):
            raise InvalidInput(f"{path.name} was made on another scan, or on another version of {scan.title}.")
        return _marks(found, kinds, scan)
    except DAMAGE:
        raise InvalidInput(f"{path.name} is a damaged report, or one of a form that cannot be read.") from None


def _marks(found: Mapping[str, list[Any]], kinds: Mapping[str, str], scan: ShownVolume) -> Marks:
    """Give the groups of each kind as marks."""
    candidates = [_candidate(group) for group in found["candidate"]]
    judged = [{"candidate": n, **told} for n, (_, told) in enumerate(candidates) if told]
    measured = [group for kind in ("distance", "angle", "ellipse", "rectangle") for group in found[kind]]
    measured.sort(key=lambda group: int(_name(group)[0].split()[-1]))
    return Marks(
        read_boxes([_box(group) for group in found["box"]], scan.geometry),
        read_contours([_contour(group) for group in found["contour"]], scan.geometry),
        tuple(_measurement(group, kinds, scan) for group in measured),
        tuple(candidate for candidate, _ in candidates), tuple(judged),
    )  # fmt: skip


def _name(group: Any) -> tuple[str, str]:
    """Give kind with number, and the label."""
    head, _, label = str(group.tracking_identifier).partition(": ")
    return head, label


def _values(group: Any) -> dict[tuple[str, str], tuple[float, str]]:
    """Give value and unit of each number by the codes of its name and derivation."""
    found = {}
    for one in group.get_measurements():
        derived = one.derivation.value if one.derivation is not None else ""
        found[one.name.value, derived] = float(one.value), codes.unit_name(one.unit)
    return found


def _number(group: Any, name: sr.CodedConcept) -> float | None:
    found = _values(group).get((name.value, ""))
    return found[0] if found else None


def _coded(group: Any, name: sr.CodedConcept, known: Mapping[str, sr.CodedConcept]) -> str:
    for one in group.get_qualitative_evaluations():
        if one.name.value == name.value:
            return next((word for word, concept in known.items() if concept.value == one.value.value), "")
    return ""


def _places(group: Any) -> Places:
    joined: Places = np.concatenate([np.atleast_2d(item) for item in _graphics(group.roi)], dtype=np.float64)
    return joined.round(DECIMALS)


def _graphics(roi: Any) -> list[Any]:
    return list(roi.graphic_data) if isinstance(roi, sr.VolumeSurface) else [roi.value]


def _box(group: Any) -> dict[str, Any]:
    places = _places(group)
    # Five corners of each face, the first of them twice; opposite corners of the two faces lie on a diagonal.
    return {
        "centre_mm": np.round((places[0] + places[7]) / 2, DECIMALS).tolist(),
        "size_mm": [_number(group, name) for name in codes.SIZES],
        "label": _name(group)[1],
    }


def _contour(group: Any) -> dict[str, Any]:
    plane = _coded(group, codes.PLANE, codes.PLANES)
    return {"label": _name(group)[1], "plane": plane or None, "points_mm": _places(group)[:-1].tolist()}


def _candidate(group: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    verdict = _coded(group, codes.VERDICT, codes.VERDICTS)
    judged = {"verdict": verdict, "seconds": _number(group, codes.READING_TIME) or 0.0} if verdict else {}
    candidate = {
        "position_mm": _places(group)[0].tolist(), "score": _number(group, codes.SCORE), "label": _name(group)[1],
        "diameter_mm": _number(group, codes.DIAMETER) or 0.0,
    }  # fmt: skip
    return candidate, judged


def _measurement(group: Any, kinds: Mapping[str, str], scan: ShownVolume) -> dict[str, Any]:
    kind, values, places = kinds[group.finding_type.value], _values(group), _places(group)
    told = {"kind": kind, "plane": _coded(group, codes.PLANE, codes.PLANES), "label": _name(group)[1]}
    if kind == "distance":
        return {**told, "points_mm": places.tolist(), "value": values[codes.LENGTH.value, ""][0], "unit": "mm"}
    if kind == "angle":
        return {**told, "points_mm": places.tolist(), "value": values[codes.ANGLE.value, ""][0], "unit": "deg"}
    corners = places[[0, 2]]
    if kind == "ellipse":
        middle = places.mean(axis=0)
        corners = np.round([places[0] + places[2] - middle, places[1] + places[3] - middle], DECIMALS)
    names = (codes.ATTENUATION.value, codes.INTENSITY.value)
    known = {
        key: values[name, code.value]
        for key, code in codes.DERIVATIONS.items()
        for name in names
        if (name, code.value) in values
    }
    unit = next((unit for _, unit in known.values()), scan.unit)
    statistics = {key: value for key, (value, _) in known.items()}
    for key, code in (("area_mm2", codes.AREA), ("pixels", codes.PIXELS)):
        if (code.value, "") in values:
            statistics[key] = values[code.value, ""][0]
    if "pixels" in statistics:
        statistics["pixels"] = int(statistics["pixels"])
    return {
        **told,
        "points_mm": corners.tolist(),
        "value": statistics.get("mean", 0.0),
        "unit": unit,
        "statistics": statistics,
    }
