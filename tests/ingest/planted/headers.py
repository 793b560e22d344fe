"""Identifiers in the elements of the dataset itself: every text VR, wrong VRs, odd spellings, dates in sentences."""

from __future__ import annotations

from planted.pieces import Ground

# Keyword, VR, how the identifier is spelled there: {n} a name, {d} a number, {p} a phone, {m} a mail, {a} an address.
WRITTEN = (
    ("InstitutionName", "LO", "{n} Clinic"),
    ("InstitutionAddress", "ST", "{a}, 10115 Berlin"),
    ("InstitutionalDepartmentName", "LO", "Radiology {n}"),
    ("StationName", "SH", "CT-{n}"),
    ("ReferringPhysicianName", "PN", "{n}^Dr"),
    ("ReferringPhysicianAddress", "ST", "{a}"),
    ("ReferringPhysicianTelephoneNumbers", "SH", "{p}"),
    ("PhysiciansOfRecord", "PN", "{n}^Prof\\{n}^Dr"),
    ("PerformingPhysicianName", "PN", "{n}"),
    ("NameOfPhysiciansReadingStudy", "PN", "{n}^^^Dr"),
    ("OperatorsName", "PN", "{n}^MTA"),
    ("ConsultingPhysicianName", "PN", "{n}"),
    ("StudyDescription", "LO", "CT Thorax {n}"),
    ("SeriesDescription", "LO", "Chest ACC{d} lung"),
    ("AdmittingDiagnosesDescription", "LO", "cough, seen by {n}"),
    ("AccessionNumber", "SH", "{d}"),
    ("StudyID", "SH", "{d}"),
    ("OtherPatientIDs", "LO", "{d}\\{d}"),
    ("OtherPatientNames", "PN", "{n}^Geb"),
    ("PatientBirthName", "PN", "{n}"),
    ("PatientMotherBirthName", "PN", "{n}"),
    ("PatientAddress", "LO", "{a}"),
    ("PatientTelephoneNumbers", "SH", "{p}"),
    ("MilitaryRank", "LO", "Major {n}"),
    ("CountryOfResidence", "LO", "{n}land"),
    ("RegionOfResidence", "LO", "{n}"),
    ("EthnicGroup", "SH", "{n}"),
    ("Occupation", "SH", "baker at {n}"),
    ("MedicalRecordLocator", "LO", "{d}"),
    ("PatientReligiousPreference", "LO", "{n}"),
    ("AdditionalPatientHistory", "LT", "smoker, lives {a}, mail {m}, call {p}"),
    ("PatientComments", "LT", "Dear {n}, please call {p}"),
    ("ResponsiblePerson", "PN", "{n}^Father"),
    ("ResponsibleOrganization", "LO", "{n} Foundation"),
    ("PatientState", "LO", "{n}"),
    ("CurrentPatientLocation", "LO", "Ward {n}"),
    ("RequestingPhysician", "PN", "{n}"),
    ("RequestingService", "LO", "{n}"),
    ("RequestedProcedureDescription", "LO", "CT for {n}"),
    ("RequestedProcedureID", "SH", "{d}"),
    ("PerformedProcedureStepID", "SH", "{d}"),
    ("PerformedProcedureStepDescription", "LO", "Thorax {n}"),
    ("CommentsOnThePerformedProcedureStep", "ST", "moved, says {n}"),
    ("ScheduledProcedureStepDescription", "LO", "{n}"),
    ("ImageComments", "LT", "{n} held the breath; compare with ACC{d}"),
    ("DerivationDescription", "ST", "made by {n}"),
    ("ProtocolName", "LO", "Thorax {n}"),
    ("ContrastBolusAgent", "LO", "Ultravist for {n}"),
    ("DeviceSerialNumber", "LO", "{d}"),
    ("PlateID", "LO", "{d}"),
    ("SoftwareVersions", "LO", "VA40 {n}"),
    ("Manufacturer", "LO", "SIEMENS {n}"),
    ("ManufacturerModelName", "LO", "Sensation 64 of {n}"),
    ("BodyPartExamined", "CS", "CHEST {N}"),
    ("ScanOptions", "CS", "HELICAL\\{N}"),
    ("WindowCenterWidthExplanation", "LO", "lung by {n}"),
    ("AcquisitionComments", "LT", "{n}"),
    ("FrameComments", "LT", "{n}"),
    ("TextComments", "LT", "{n}"),
    ("IdentifyingComments", "LT", "{n}"),
    ("InterpretationText", "ST", "{n} has no nodule"),
    ("ReasonForStudy", "LO", "{n}"),
    ("StudyComments", "LT", "{n}"),
    ("PatientInstitutionResidence", "LO", "{n} home"),
    ("RetrieveURL", "UR", "https://{n}.example/wado?id={d}"),
    ("DetectorID", "SH", "{d}"),
    ("GantryID", "LO", "{n}"),
    ("AcquisitionDeviceProcessingDescription", "LO", "{n}"),
    ("RetrieveAETitle", "AE", "PACS-{n}"),
    ("ScheduledStationAETitle", "AE", "{n}"),
)
# The same, in VRs and spellings in which nobody looks for a name.
DISGUISED = (
    ("AcquisitionNumber", "IS", "{d}"),
    ("SliceThickness", "DS", "{d}"),
    ("DistanceSourceToDetector", "DS", "1040\\{d}"),
    ("RotationDirection", "CS", "{n}"),
    ("FilterType", "SH", "{n}"),
    ("ConvolutionKernel", "SH", "B40f {n}"),
    ("PositionReferenceIndicator", "LO", "{n}"),
    ("PatientOrientation", "CS", "L\\{N}"),
    ("SmokingStatus", "CS", "{N}"),
    ("KVP", "DS", "{d}"),
    ("FocalSpots", "DS", " {d} "),
    ("LossyImageCompressionMethod", "CS", "{N}"),
    ("TimezoneOffsetFromUTC", "SH", "{n}"),
    ("PatientIdentityRemoved", "CS", "{N}"),
    ("DeidentificationMethod", "LO", "{n} hospital de-identifier"),
    ("PatientBreedDescription", "LO", "{n}\0\0\0"),
)
# Values that their element cannot have at all: a reader that asks for them may stop.
MISFITS = (
    ("PatientBirthTime", "TM", "{n}"),
    ("DateOfSecondaryCapture", "DA", "{n}-20991231"),
    ("SeriesTime", "TM", "{n}"),
    ("RescaleType", "LO", "HU {n}"),
    ("SeriesNumber", "IS", "{n}"),
    ("ReconstructionDiameter", "DS", "{n}"),
    ("LossyImageCompressionRatio", "DS", "1e{n}"),
    ("TableHeight", "LO", "{n}"),
    ("Exposure", "UN", "{n}"),
    ("ExposureTime", "PN", "{n}^Ms"),
    ("GantryDetectorTilt", "DS", "{n}\0\0"),
    ("SpiralPitchFactor", "FD", "{n}"),
    ("CTDIvol", "FD", "{n}12345"),
    ("PixelPaddingValue", "SS", "{n}"),
    ("DigitalSignaturePurposeCodeSequence", "UN", "{n}"),
    ("PatientInsurancePlanCodeSequence", "LO", "{n}"),  # a text where a sequence belongs
    ("SeriesDescriptionCodeSequence", "UN", "CT for {n}"),
    ("ReferencedPatientPhotoSequence", "LO", "{n}, {n}"),
)
DATED = (
    ("ExpectedCompletionDateTime", "DT", "{d}143312.487219+0100", ""),
    ("PatientBirthDate", "DA", "{d}", ""),
    ("LastMenstrualDate", "DA", "{d}", ""),
    ("DateOfLastCalibration", "DA", "{d}\\{d}", ""),
    ("ScheduledProcedureStepStartDate", "DA", "{d}", ""),
    ("PerformedProcedureStepStartDate", "DA", "{d}", ""),
    ("IssueDateOfImagingServiceRequest", "DA", "{d}", ""),
    ("OverlayDate", "DA", "{d}", ""),
    ("InstanceCreationDate", "DA", "{d}", ""),
    ("ReasonForVisit", "LO", "CT vom {d}", "%d.%m.%Y"),
    ("ReasonForTheRequestedProcedure", "LO", "CT vom {d}", "%d.%m.%Y"),
    ("RouteOfAdmissions", "LO", "on {d}", "%d-%b-%Y"),
    ("SpecialNeeds", "LO", "born {d}", "%m/%d/%Y"),
    ("MedicalAlerts", "LO", "since {d}", "%Y-%m-%d"),
    ("Allergies", "LO", "seen {d}", "%B %d, %Y"),
    ("VisitComments", "LT", "A.O. {d}", "%d%m%Y"),
)


def plant_misfits(ground: Ground) -> None:
    """Plant values that are no values of their element."""
    for keyword, vr, form in MISFITS:
        _write(ground, keyword, vr, form)


def plant_header(ground: Ground) -> None:
    """Plant in everything that a header of this instance does not need."""
    for keyword, vr, form in (*WRITTEN, *DISGUISED):
        _write(ground, keyword, vr, form)
    for keyword, vr, form, spelling in DATED:
        days = [ground.mint.day(ground.place(keyword), spelling) for _ in range(form.count("{d}"))]
        ground.put(keyword, vr, _filled(form, {"d": days}), *days)


def _write(ground: Ground, keyword: str, vr: str, form: str) -> None:
    place, mint = ground.place(keyword), ground.mint
    makers = {"n": mint.name, "N": mint.name, "d": mint.number, "p": mint.phone, "m": mint.email, "a": mint.address}
    made = {key: [make(place) for _ in range(form.count("{" + key + "}"))] for key, make in makers.items()}
    written = {**made, "N": [name.upper() for name in made["N"]]}
    ground.put(keyword, vr, _filled(form, written), *(text for texts in made.values() for text in texts))


def _filled(form: str, made: dict[str, list[str]]) -> str:
    for key, texts in made.items():
        for text in texts:
            form = form.replace("{" + key + "}", text, 1)
    return form


def plant_patient(ground: Ground, who: dict[str, str]) -> None:
    """Plant the patient's own name and number, spelled as differently as records spell them."""
    family, given, record = who["family"], who["given"], who["record"]
    third = f"{record[:3]}-{record[3:6]}-{record[6:]}"
    ground.put("PatientName", "PN", f"{family}^{given}^{who['middle']}^Dr^MD", family, given, who["middle"])
    ground.put("PatientID", "LO", f"MRN-{record}", record)
    ground.put("IssuerOfPatientID", "LO", f"KIS {who['issuer']}", who["issuer"])
    spelled = {
        "PatientTransportArrangements": f"{family}, {given}",
        "ConfidentialityConstraintOnPatientDataDescription": f"{given} {family}".upper(),
        "ResultsComments": f"{family.lower()}_{given.lower()}",
        "InterpretationDiagnosisDescription": f"{given[0]}. {family}",
        "Impressions": f"MRN {third}",
        "TopicTitle": f"0000{record}",
        "TopicSubject": f"{record[:3]} {record[3:6]} {record[6:]}",
        "TopicAuthor": f"{family}{given}"[::-1],
        "ServiceEpisodeDescription": f"{family[:4]}^{family[4:]}={given}={who['middle']}",
    }
    for keyword, text in spelled.items():
        ground.put(keyword, "LO", text)
    for place, text in (
        ("Impressions", third), ("TopicSubject", f"{record[:3]} {record[3:6]} {record[6:]}"),
        ("TopicAuthor", f"{family}{given}"[::-1]), ("ServiceEpisodeDescription", f"{family[:4]}^{family[4:]}"),
    ):  # fmt: skip
        ground.mint.know(ground.place(place), "text", text)
