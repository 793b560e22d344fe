"""Identifiers down to the third depth: in sequences that everybody keeps and in those that nobody looks into."""

from __future__ import annotations

from planted.pieces import Ground

# A sequence, one inside it, one inside that.
CHAINS = (
    ("RequestAttributesSequence", "ScheduledProtocolCodeSequence", "ProtocolContextSequence"),
    ("OriginalAttributesSequence", "ModifiedAttributesSequence", "OtherPatientIDsSequence"),
    ("ReferencedStudySequence", "PurposeOfReferenceCodeSequence", "EquivalentCodeSequence"),
    ("SourceImageSequence", "PurposeOfReferenceCodeSequence", "EquivalentCodeSequence"),
    ("ReferencedImageSequence", "PurposeOfReferenceCodeSequence", "EquivalentCodeSequence"),
    ("PerformedProtocolCodeSequence", "ProtocolContextSequence", "ContentItemModifierSequence"),
    ("ContentSequence", "ContentSequence", "ContentSequence"),
    ("SharedFunctionalGroupsSequence", "DerivationImageSequence", "SourceImageSequence"),
    ("AnatomicRegionSequence", "AnatomicRegionModifierSequence", "EquivalentCodeSequence"),
    ("CTDIPhantomTypeCodeSequence", "EquivalentCodeSequence", "ContextGroupIdentificationSequence"),
    ("PersonIdentificationCodeSequence", "InstitutionCodeSequence", "EquivalentCodeSequence"),
    ("ReferencedPerformedProcedureStepSequence", "ReferencedPatientSequence", "ReferencedVisitSequence"),
)
INSIDE = (
    ("CodeValue", "SH", "name"), ("CodingSchemeDesignator", "SH", "name"), ("CodeMeaning", "LO", "name"),
    ("LongCodeValue", "UC", "name"), ("TextValue", "UT", "name"), ("PersonName", "PN", "name"),
    ("PatientName", "PN", "name"), ("PatientID", "LO", "number"), ("AccessionNumber", "SH", "number"),
    ("ReasonForTheRequestedProcedure", "LO", "phone"), ("InstitutionName", "LO", "name"),
)  # fmt: skip


def plant_nested(ground: Ground) -> None:
    """Plant at depths one to three."""
    for chain in CHAINS:
        inner = ground
        for keyword in chain:
            inner = inner.item(keyword)
            _fill(inner)
    code = ground.item("ProcedureCodeSequence")
    code.put("CodeValue", "SH", "24627-2")
    code.put("CodingSchemeDesignator", "SH", "LN")
    name = code.mint.name(code.place("CodeMeaning"))
    code.put("CodeMeaning", "LO", f"CT Chest for {name}", name)
    _explain(ground.item("VOILUTSequence"))
    _explain(ground.item("ModalityLUTSequence"))
    _sign(ground.item("DigitalSignaturesSequence"))


def _fill(ground: Ground) -> None:
    for keyword, vr, kind in INSIDE:
        text = getattr(ground.mint, kind)(ground.place(keyword))
        ground.put(keyword, vr, text, text)
    day = ground.mint.day(ground.place("DateTime"))
    ground.put("DateTime", "DT", f"{day}101500", day)
    name = ground.mint.name(ground.place(0x00091001))
    ground.put(0x00090010, "LO", "GEMS_IDEN_01")
    ground.put(0x00091001, "LO", name, name)


def _explain(ground: Ground) -> None:
    name = ground.mint.name(ground.place("LUTExplanation"))
    ground.put("LUTDescriptor", "US", b"\x02\0\0\0\x10\0")
    ground.put("LUTExplanation", "LO", f"lung window of {name}", name)
    ground.put("LUTData", "OW", b"\0\0\xff\0")


def _sign(ground: Ground) -> None:
    mint = ground.mint
    name = mint.name(ground.place("CertificateOfSigner"))
    ground.put("CertificateType", "CS", "X509_1993_SIG")
    ground.put("CertificateOfSigner", "OB", f"CN={name}, O=Hospital".encode().ljust(64, b"\0"), name)
    name = mint.name(ground.place("Signature"))
    ground.put("Signature", "OB", name.encode().ljust(32, b"\0"), name)
