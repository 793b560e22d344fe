"""De-identification by allowlist: what the profile does not name is removed, at every depth.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.10 2026c 7.1 (preamble and file meta information).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydicom._dicom_dict import DicomDictionary
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import BytesLengthException
from pydicom.sequence import Sequence
from pydicom.uid import UID

from workbench.errors import IngestRefused
from workbench.ingest.deidentify.actions import ACTIONS, Context, is_plain_decimals, shifted_day, texts
from workbench.ingest.deidentify.profile import ClassRules, Profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.deidentify.rules import Rule

__all__ = ["Context", "Deidentifier", "Verdict", "clean_pixel_mark", "new_file_meta", "texts"]

# Longer values are pixels or rare, and remembering them would only cost memory.
MEMO_BYTES = 4096
IMPLEMENTATION_UID = "2.25.187264590441737613240921478317725264120"
# What pydicom raises for a value that is not what its VR says.
VALUE_ERRORS = (
    ValueError, TypeError, OverflowError, ArithmeticError, AttributeError, NotImplementedError, LookupError, EOFError,
    BytesLengthException,
)  # fmt: skip
PERSON_TAGS = frozenset(tag for tag, (vr, *_) in DicomDictionary.items() if vr == "PN")
CHARSET, SOP_CLASS, PIXEL_SIGN = 0x00080005, 0x00080016, 0x00280103
METHOD_CODES, BURNED_IN = 0x00120064, 0x00280301
NAME_WORD = re.compile(r"[^\W\d_]{2,}")
BINARY_VRS = frozenset((
    None, "AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SQ", "SS", "SV", "UL", "UN", "US", "UV",
))  # fmt: skip
REMOVE_PRIVATE, REMOVE, REMOVE_VALUE, EMPTY_VALUE = "remove private", "remove", "remove value", "empty value"

Verdict = tuple[DataElement | RawDataElement | None, str]


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
    marks : tuple of DataElement
        What every result is marked with.
    """

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms) -> None:
        self.profile = profile
        self.pseudonyms = pseudonyms
        self.counts: Counter[str] = Counter()
        self.marks = _marks(profile)
        self._memo: dict[tuple[Rule, str | None, bytes, bool, Context], Verdict] = {}
        self._contexts: dict[tuple[bytes | str | None, ...], Context] = {}

    def clean(self, source: Dataset) -> Dataset:
        """Give a new dataset with only what the profile keeps, marked as de-identified.

        Elements are shared between the results of equal sources: treat them as read-only.

        Raises
        ------
        IngestRefused
            When the profile has no rules for the SOP class.
        """
        result = self.clean_item(source, self.class_rules(source), self.context(source))
        for mark in self.marks:
            result[mark.tag] = mark
        return result

    def clean_instance(self, source: FileDataset) -> FileDataset:
        """Give a whole instance, pixels included, with preamble and file meta information written afresh."""
        body = self.clean(source)
        is_implicit, is_little = source.original_encoding
        return FileDataset(
            "", body, preamble=b"\0" * 128, file_meta=new_file_meta(body, str(source.file_meta.TransferSyntaxUID)),
            is_implicit_VR=bool(is_implicit), is_little_endian=bool(is_little),
        )  # fmt: skip

    def class_rules(self, source: Dataset) -> ClassRules:
        """Give the rules for an instance, or refuse it by name."""
        uid = "".join(texts(source.get("SOPClassUID"))[:1]).rstrip("\0")
        found = self.profile.class_rules(uid)
        if found is None or not found.rules:
            name = UID(uid).name if found is not None or UID(uid).is_valid and UID(uid).name != uid else "not known"
            raise IngestRefused(
                f"The profile {self.profile.name} has no rules for this SOP class ({name or 'missing'}), so nothing "
                "of the instance may leave; take it out of the folder.",
                code="unsupported-sop-class",
            )
        return found

    def context(self, source: Dataset) -> Context:
        """Give what the reading of an instance's elements depends on besides their bytes."""
        tags = sorted(PERSON_TAGS.intersection(source.keys()))
        raws = [source.get_item(tag) for tag in (CHARSET, PIXEL_SIGN, *tags) if tag in source]
        key = tuple(_memory_key(raw) for raw in raws)
        known = self._contexts.get(key)
        if known is None:
            charsets = _charsets(source.get("SpecificCharacterSet"), ("iso8859",))
            names = frozenset(word for tag in tags for word in _name_words(source, tag))
            sign = texts(source.get("PixelRepresentation"))
            known = self._contexts[key] = Context(charsets, names, sign == ["1"])
        return known

    def clean_item(self, source: Dataset, allowed: Any, context: Context) -> Dataset:
        """Give a new dataset or item with only what the rules by tag allow."""
        own = source.get("SpecificCharacterSet") if CHARSET in source else None
        if own is not None:
            context = Context(_charsets(own, context.charsets), context.names, context.is_signed)
        rules: Mapping[int, Rule] = allowed.rules if isinstance(allowed, ClassRules) else allowed
        private = allowed.private if isinstance(allowed, ClassRules) else {}
        result, counts = Dataset(), self.counts
        allowed_here = rules.keys() & source.keys()
        others = [tag for tag in source.keys() if tag not in allowed_here]
        for tag in others:
            if tag.is_private and private:
                self._clean_private(source, tag, private, result, context)
            else:
                counts[REMOVE_PRIVATE if tag.is_private else REMOVE] += 1
        for known in sorted(allowed_here):
            element, name = self.verdict(rules[known], source.get_item(known), context, source)
            counts[name] += 1
            if element is not None:
                result[element.tag] = element
        # Values that stay as they are spelled are then also written so; what was made new is ASCII in every charset.
        is_implicit, is_little = source.original_encoding
        result.set_original_encoding(is_implicit, is_little, result._character_set)
        return result

    def verdict(
        self, rule: Rule, raw: RawDataElement | DataElement, context: Context, source: Dataset | None = None
    ) -> Verdict:
        """Give what is written for one element, and the name of the rule that was applied."""
        key = None
        # A sequence is worked out each time, because what is done in its items is counted on the way.
        if (
            rule.vr != "SQ"
            and isinstance(raw, RawDataElement)
            and raw.value is not None
            and len(raw.value) <= MEMO_BYTES
        ):
            key = (rule, raw.VR, raw.value, raw.is_little_endian, context)
            known = self._memo.get(key)
            if known is not None:
                return known
        element: DataElement | RawDataElement | None
        try:
            if _is_empty(raw) and not rule.default and rule.action != "pseudonym-id":
                element = DataElement(raw.tag, rule.vr.split(" ")[0], Sequence() if rule.vr == "SQ" else "")
            elif isinstance(raw, RawDataElement) and is_plain_decimals(rule, raw):
                element = raw._replace(VR=rule.vr)
            else:
                element = ACTIONS[rule.action](self, rule, _converted(rule, raw, context, source), context)
        except VALUE_ERRORS:
            element = None
        name = rule.action if element is not None else REMOVE_VALUE
        if element is None and (rule.is_required or rule.default):
            element, name = DataElement(raw.tag, rule.vr, rule.default), EMPTY_VALUE
        if key is not None:
            self._memo[key] = element, name
        return element, name

    def shifted(self, year: str, month: str, day: str) -> str:
        """Give a day, moved by the patient's shift, as DA spells it."""
        return shifted_day(self.pseudonyms.day(date(int(year), int(month), int(day))))

    def _clean_private(
        self, source: Dataset, tag: Any, private: Mapping[tuple[int, str, int], Rule], result: Dataset, context: Context
    ) -> None:
        """Keep a safe private element, with its creator's name as the profile spells it."""
        named = tag.private_creator
        is_named = not tag.is_private_creator and named in source
        creator = "".join(texts(source[named].value)) if is_named else ""
        rule = private.get((tag.group, creator, tag.element & 0xFF))
        element = None if rule is None else self.verdict(rule, source.get_item(tag), context, source)[0]
        self.counts[REMOVE_PRIVATE if element is None else "safe private"] += 1
        if element is not None:
            result[element.tag] = element
            result[tag.private_creator] = DataElement(tag.private_creator, "LO", creator)


def new_file_meta(body: Dataset, syntax: str) -> FileMetaDataset:
    """Give file meta information that holds nothing of the source's."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = body.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = body.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = IMPLEMENTATION_UID  # type: ignore[assignment]
    return meta


def clean_pixel_mark(dataset: Dataset) -> None:
    """Mark a cleaned instance whose pixels were really checked and cleared of text (option 113101)."""
    dataset[BURNED_IN] = DataElement(BURNED_IN, "CS", "NO")
    codes = list(dataset[METHOD_CODES].value)
    if all(item.CodeValue != "113101" for item in codes):
        codes.append(_code("113101", "Clean Pixel Data Option"))
    dataset[METHOD_CODES] = DataElement(METHOD_CODES, "SQ", Sequence(codes))


def _marks(profile: Profile) -> tuple[DataElement, ...]:
    return (
        DataElement(0x00120062, "CS", "YES"),
        DataElement(0x00120063, "LO", [f"ai4h-workbench {profile.name}", f"sha256 {profile.digest[:48]}"]),
        DataElement(METHOD_CODES, "SQ", Sequence([_code(*method) for method in profile.methods])),
        DataElement(0x00280303, "CS", "MODIFIED" if "modified-dates" in profile.switches else "REMOVED"),
    )


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _memory_key(raw: RawDataElement | DataElement) -> bytes | str | None:
    return raw.value if isinstance(raw, RawDataElement) else str(raw.value)


def _is_empty(raw: RawDataElement | DataElement) -> bool:
    """Whether an element has no value at the source either; that it is there says nothing."""
    if isinstance(raw, RawDataElement):
        return raw.value is not None and not (raw.value if raw.VR in BINARY_VRS else raw.value.strip(b" \0"))
    return raw.value is None or (isinstance(raw.value, str | bytes | Sequence) and not raw.value)


def _converted(rule: Rule, raw: RawDataElement | DataElement, context: Context, source: Dataset | None) -> DataElement:
    if isinstance(raw, RawDataElement):
        if rule.is_private and raw.VR in (None, "UN"):
            raw = raw._replace(VR=rule.vr)
        return convert_raw_data_element(raw, encoding=list(context.charsets), ds=source)
    return raw


def _charsets(value: Any, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    names = texts(value)
    try:
        return tuple(convert_encodings(names)) if names else otherwise
    except (LookupError, ValueError):
        return otherwise


def _name_words(source: Dataset, tag: int) -> list[str]:
    """Give the words of a person's name; a name with digits in it is a code and none."""
    try:
        values = texts(source[tag].value)
    except VALUE_ERRORS:
        return []
    plain = [value for value in values if not any(each.isdigit() for each in value)]
    return [word.casefold() for value in plain for word in NAME_WORD.findall(value)]
