"""The words of a structured report: which code stands for which kind of mark, number and unit.

What SNOMED CT, DICOM and UCUM have is taken from them; the rest stands under the workbench's own designator.

Runs in: kernel
Source: DICOM PS3.16 2026c TID 1500, 1410, 1411 (measurement report), CID 7469 (derivation); UCUM for units.
"""

from __future__ import annotations

from highdicom.sr import CodedConcept

OWN = "99AI4HWB"


def _own(value: str, meaning: str) -> CodedConcept:
    return CodedConcept(value, OWN, meaning)


# What was found, by the kind of the mark.
KINDS = {
    "box": _own("BOX", "Box"), "contour": _own("CONTOUR", "Contour"), "candidate": _own("CANDIDATE", "Candidate"),
    "distance": _own("DISTANCE", "Distance"), "angle": _own("ANGLE", "Angle"), "ellipse": _own("ELLIPSE", "Ellipse"),
    "rectangle": _own("RECTANGLE", "Rectangle"),
}  # fmt: skip
LENGTH = CodedConcept("410668003", "SCT", "Length")
ANGLE = CodedConcept("1483009", "SCT", "Angle")
AREA = CodedConcept("42798000", "SCT", "Area")
DIAMETER = CodedConcept("81827009", "SCT", "Diameter")
SIZES = tuple(_own(f"SIZE_{axis}", f"Size along patient {axis.lower()}") for axis in "XYZ")
SCORE = _own("SCORE", "Score of the candidate")
READING_TIME = _own("SECONDS", "Reading time until the verdict")
VERDICT = _own("VERDICT", "Verdict of the reader")
VERDICTS = {"agree": _own("AGREE", "Agreed with"), "reject": _own("REJECT", "Rejected")}
PIXELS = _own("PIXELS", "Pixels of the region")
PLANE = _own("PLANE", "Plane it was drawn in")
PLANES = {plane: _own(plane.upper(), plane.capitalize()) for plane in ("axial", "coronal", "sagittal")}
ATTENUATION = CodedConcept("112031", "DCM", "Attenuation Coefficient")
INTENSITY = _own("VALUE", "Value of the voxels")
DERIVATIONS = {
    "mean": CodedConcept("373098007", "SCT", "Mean"),
    "sd": CodedConcept("386136009", "SCT", "Standard Deviation"),
    "minimum": CodedConcept("255605001", "SCT", "Minimum"),
    "maximum": CodedConcept("56851009", "SCT", "Maximum"),
}
MM = CodedConcept("mm", "UCUM", "millimeter")
MM2 = CodedConcept("mm2", "UCUM", "square millimeter")
SECOND = CodedConcept("s", "UCUM", "second")
DEGREE = CodedConcept("deg", "UCUM", "degree")
NO_UNITS = CodedConcept("1", "UCUM", "no units")
UNITS = {
    "HU": CodedConcept("[hnsf'U]", "UCUM", "Hounsfield unit"), "Bq/ml": CodedConcept("Bq/ml", "UCUM", "Bq/ml"),
    "g/ml": CodedConcept("g/ml", "UCUM", "g/ml"), "arbitrary": NO_UNITS, "1": NO_UNITS, "": NO_UNITS,
}  # fmt: skip


def unit_code(unit: str) -> CodedConcept:
    """Give the code of a unit of voxel values; one that UCUM is not known to have, under the own designator."""
    return UNITS.get(unit) or CodedConcept(unit[:16], OWN, unit[:64])


def unit_name(code: CodedConcept) -> str:
    """Give the unit of voxel values that a code stands for.

    >>> unit_name(unit_code("HU"))
    'HU'
    """
    return next((name for name, known in UNITS.items() if known.value == code.value), str(code.meaning))
