"""De-identification by allowlist: what the profile does not name is removed, at every depth.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.10 2026c 7.1 (preamble and file meta information).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from workbench.ingest.deidentify.profile import Profile, Rule
from workbench.ingest.deidentify.pseudonyms import Pseudonyms

NUMBER_VRS = frozenset(("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"))
DECIMAL = re.compile(r" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *")
AGE = re.compile(r"(\d{3})([DWMY])")
DAY = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2}) *")
OLDEST_AGE = {"D": 999, "W": 999, "M": 999, "Y": 89}
# Longer values are pixels or rare, and remembering them would only cost memory.
MEMO_BYTES = 4096
IMPLEMENTATION_UID = "2.25.187264590441737613240921478317725264120"
# What pydicom raises for a value that is not what its VR says.
VALUE_ERRORS = (ValueError, TypeError, OverflowError, ArithmeticError, AttributeError, NotImplementedError, KeyError)

Verdict = tuple[DataElement | None, str]


class Deidentifier:
    """Cleans the instances of one patient; equal elements of many slices are worked out once.

    Parameters
    ----------
    profile : Profile
        What may stay.
    pseudonyms : Pseudonyms
        The patient's.

    Attributes
    ----------
    counts : Counter
        How often each rule was applied, for the report.
    """

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms) -> None:
        self.profile = profile
        self.pseudonyms = pseudonyms
        self.counts: Counter[str] = Counter()
        self._memo: dict[tuple[int, str | None, bytes, bool], Verdict] = {}
        self._top = frozenset(profile.rules)
        self._marks = _marks(profile)

    def clean(self, source: Dataset) -> Dataset:
        """Give a new dataset with only what the profile keeps, marked as de-identified.

        Elements are shared between the results of equal sources: treat them as read-only.
        """
        result = self._clean(source, self._top)
        for mark in self._marks:
            result.add(mark)
        return result

    def clean_instance(self, source: FileDataset) -> FileDataset:
        """Give a whole instance, pixels included, with preamble and file meta information written afresh."""
        body = self.clean(source)
        meta = FileMetaDataset()
        meta.FileMetaInformationVersion = b"\0\1"
        meta.MediaStorageSOPClassUID = body.get("SOPClassUID", "")
        meta.MediaStorageSOPInstanceUID = body.get("SOPInstanceUID", "")
        meta.TransferSyntaxUID = source.file_meta.TransferSyntaxUID
        meta.ImplementationClassUID = IMPLEMENTATION_UID  # type: ignore[assignment]
        is_implicit, is_little = source.original_encoding
        return FileDataset(
            "", body, preamble=b"\0" * 128, file_meta=meta,
            is_implicit_VR=bool(is_implicit), is_little_endian=bool(is_little),
        )  # fmt: skip

    def _clean(self, source: Dataset, allowed: Collection[int]) -> Dataset:
        result, counts = Dataset(), self.counts
        for tag in source.keys():
            if tag not in allowed:
                counts["remove private" if tag.is_private else "remove"] += 1
                continue
            element, rule = self._verdict(source, tag)
            counts[rule] += 1
            if element is not None:
                result.add(element)
        return result

    def _verdict(self, source: Dataset, tag: Any) -> Verdict:
        raw = source.get_item(tag)
        key = None
        if isinstance(raw, RawDataElement) and raw.value is not None and len(raw.value) <= MEMO_BYTES:
            key = (int(tag), raw.VR, raw.value, raw.is_little_endian)
            known = self._memo.get(key)
            if known is not None:
                return known
        rule = self.profile.rules[tag]
        try:
            element = ACTIONS[rule.action](self, rule, source[tag])
        except VALUE_ERRORS:
            element = None
        verdict = element, rule.action if element is not None else "remove value"
        if key is not None:
            self._memo[key] = verdict
        return verdict


def _marks(profile: Profile) -> tuple[DataElement, ...]:
    codes = []
    for code, meaning in profile.methods:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        codes.append(item)
    return (
        DataElement(0x00120062, "CS", "YES"),
        DataElement(0x00120063, "LO", [profile.name, f"sha256 {profile.digest[:48]}"]),
        DataElement(0x00120064, "SQ", Sequence(codes)),
        DataElement(0x00280303, "CS", "MODIFIED"),
    )


def texts(value: Any) -> list[str]:
    """Give the values of an element as text, each stripped of the padding that its VR allows."""
    if value is None or value == "":
        return []
    values = value if isinstance(value, list | tuple | MultiValue) else [value]
    return [str(each).strip(" ") for each in values]


def _like(element: DataElement, value: object) -> DataElement:
    return DataElement(element.tag, dictionary_VR(element.tag), value)


def _empty(_: Deidentifier, rule: Rule, element: DataElement) -> DataElement:
    return _like(element, "")


def _pseudonym_id(cleaner: Deidentifier, rule: Rule, element: DataElement) -> DataElement:
    return _like(element, cleaner.pseudonyms.patient_id)


def _pseudonym_uid(cleaner: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    uids = [cleaner.pseudonyms.uid(uid) for uid in texts(element.value) if uid]
    return _like(element, uids) if uids else None


def _standard_uid(_: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    uids = texts(element.value)
    return _like(element, uids[0]) if len(uids) == 1 and uids[0] in UID_dictionary else None


def _shift_date(cleaner: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    found = DAY.fullmatch(str(element.value or ""))
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups())
    return _like(element, f"{cleaner.pseudonyms.day(date(year, month, day)):%Y%m%d}".zfill(8))


def _age(_: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    found = AGE.fullmatch(str(element.value or "").strip(" "))
    if found is None:
        return None
    number, unit = int(found[1]), found[2]
    return _like(element, f"{number:03d}{unit}" if number <= OLDEST_AGE[unit] else "090Y")


def _vocabulary(_: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    words = [rule.words[text.casefold()] for text in texts(element.value) if text.casefold() in rule.words]
    return _like(element, words) if words else None


def _pattern(_: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    text = "\\".join(texts(element.value))
    return _like(element, element.value) if rule.pattern and rule.pattern.fullmatch(text) else None


def _number(cleaner: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    vr = dictionary_VR(element.tag)
    values = element.value if isinstance(element.value, list | tuple | MultiValue) else [element.value]
    if vr not in NUMBER_VRS or element.VR not in NUMBER_VRS or element.value in (None, ""):
        return None
    spelled = [str(getattr(value, "original_string", value)) for value in values]
    limit = cleaner.profile.number_limit
    if not all(DECIMAL.fullmatch(text) and abs(float(text)) <= limit for text in spelled):
        return None
    written: list[Any] = spelled if vr in ("DS", "IS") else list(values)
    return DataElement(element.tag, vr, written[0] if len(written) == 1 else written)


def _codes(cleaner: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    items = []
    for source in element.value:
        code = str(source.get("CodeValue", "")), str(source.get("CodingSchemeDesignator", ""))
        if code in cleaner.profile.codes:
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator = code
            item.CodeMeaning = cleaner.profile.codes[code]
            items.append(item)
    return DataElement(element.tag, "SQ", Sequence(items)) if items else None


def _sequence(cleaner: Deidentifier, rule: Rule, element: DataElement) -> DataElement | None:
    items = [cleaner._clean(item, rule.items) for item in element.value]
    kept = [item for item in items if len(item)]
    return DataElement(element.tag, "SQ", Sequence(kept)) if kept else None


def _pixels(_: Deidentifier, rule: Rule, element: DataElement) -> DataElement:
    return element


ACTIONS: dict[str, Callable[[Deidentifier, Rule, DataElement], DataElement | None]] = {
    "age": _age,
    "codes": _codes,
    "empty": _empty,
    "number": _number,
    "pattern": _pattern,
    "pixels": _pixels,
    "pseudonym-id": _pseudonym_id,
    "pseudonym-uid": _pseudonym_uid,
    "sequence": _sequence,
    "shift-date": _shift_date,
    "standard-uid": _standard_uid,
    "vocabulary": _vocabulary,
}
