"""Identifiers that only some objects have room for: names of structures and segments, who drew them, regions."""

from __future__ import annotations

from planted.pieces import Ground


def plant_labels(ground: Ground, kind: str) -> None:
    """Plant where an object of this kind writes its own words."""
    words = {
        "rtstruct": ("StructureSetLabel", "StructureSetName", "StructureSetDescription", "ReviewerName"),
        "seg": ("ContentLabel", "ContentDescription", "ContentCreatorName"),
        "us": ("TransducerData", "TransducerType"),
        "mr": ("SequenceName", "PulseSequenceName"),
        "pt": ("Radiopharmaceutical", "CollimatorType"),
        "dx": ("AcquisitionProtocolDescription",),
    }  # fmt: skip
    for keyword in words.get(kind, ()):
        name = ground.mint.name(ground.place(keyword))
        ground.put(keyword, "PN" if keyword.endswith("Name") and kind in ("seg", "rtstruct") else "LO", name, name)
    if kind == "rtstruct":
        _spoil(ground.item("StructureSetROISequence"), ("ROIName", "ROIDescription", "ROIGenerationDescription"))
        _spoil(ground.item("RTROIObservationsSequence"), ("ROIObservationLabel", "ROIInterpreter"))
    if kind == "seg":
        _spoil(ground.item("SegmentSequence"), ("SegmentLabel", "SegmentDescription", "SegmentAlgorithmName"))
    if kind == "us":
        _spoil(ground.item("SequenceOfUltrasoundRegions"), ("TextValue", "CodeMeaning"))
    if kind == "pt":
        drug = ground.item("RadiopharmaceuticalInformationSequence")
        _spoil(drug, ("Radiopharmaceutical", "RadiopharmaceuticalRoute"))
        day = drug.mint.day(drug.place("RadiopharmaceuticalStartDateTime"))
        drug.put("RadiopharmaceuticalStartDateTime", "DT", f"{day}081500", day)


def _spoil(ground: Ground, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        name = ground.mint.name(ground.place(keyword))
        ground.put(keyword, "LO", f"Tumour {name}", name)
