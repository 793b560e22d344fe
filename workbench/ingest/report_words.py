"""What each rule of a profile did, in words that a custodian reads, and the options in words.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E, Table E.1-1 (options).
"""

from __future__ import annotations

from dataclasses import dataclass

REMOVED, EMPTIED, REPLACED, SHIFTED, CHECKED, COVERED = "removed", "emptied", "replaced", "shifted", "kept", "covered"
# From what is gone to what is left.
KINDS = (REMOVED, EMPTIED, REPLACED, SHIFTED, COVERED, CHECKED)


@dataclass(frozen=True)
class RuleWords:
    """What became of the elements under a rule, and why that is safe."""

    kind: str
    title: str
    text: str


RULES = {
    "remove": RuleWords(REMOVED, "Not on the list", "The profile names what may stay; these were not named."),
    "remove private": RuleWords(REMOVED, "Private elements", "Only their maker knows what they hold."),
    "remove value": RuleWords(REMOVED, "Unfit values", "The element may stay, but not with a value of this form."),
    "empty value": RuleWords(
        EMPTIED, "Unfit values of required elements", "The standard wants the element; it is empty."
    ),
    "empty": RuleWords(EMPTIED, "Required elements", "The standard wants the element; its value is left out."),
    "pseudonym-id": RuleWords(REPLACED, "Patient IDs", "One keyed pseudonym per patient of this project."),
    "pseudonym-text": RuleWords(REPLACED, "Names and numbers", "The patient's pseudonym stands in their place."),
    "uid": RuleWords(
        REPLACED, "Unique identifiers", "Keyed, and the same wherever the same one stood: references hold."
    ),
    "date": RuleWords(SHIFTED, "Dates", "All dates of a patient are moved by the same number of days."),
    "datetime": RuleWords(SHIFTED, "Dates with a time", "Moved by the same number of days; the time of day stays."),
    "cover text": RuleWords(COVERED, "Writing in the pixels", "Found by reading the pixels, and painted over."),
    "time": RuleWords(CHECKED, "Times of day", "Kept when they are a time and nothing else."),
    "age": RuleWords(CHECKED, "Ages", "Kept; ages over 89 years all read 90 years."),
    "number": RuleWords(CHECKED, "Numbers", "Kept when they are too small to be a telephone or record number."),
    "any-number": RuleWords(CHECKED, "Measured numbers", "Kept: positions, doses and the like may be long."),
    "pattern": RuleWords(CHECKED, "Codes of a fixed form", "Kept when they have exactly that form."),
    "terms": RuleWords(CHECKED, "Defined terms", "Kept when the standard defines the term."),
    "words": RuleWords(CHECKED, "Descriptions", "Kept when every word is in a radiology vocabulary."),
    "codes": RuleWords(
        CHECKED, "Coded concepts", "Kept when a public dictionary has the code; its own meaning is used."
    ),
    "device": RuleWords(CHECKED, "Names of devices", "Kept because the profile retains the device's identity."),
    "sequence": RuleWords(CHECKED, "Sequences", "Entered: what is inside has a list of its own, at every depth."),
    "standard-uid": RuleWords(CHECKED, "Identifiers of the standard", "Kept: they name a format, not a patient."),
    "charset": RuleWords(CHECKED, "Character sets", "Kept: they say how text is spelled."),
    "burned-in": RuleWords(CHECKED, "Marks of writing in pixels", "Kept when the mark says that there is some."),
    "pixels": RuleWords(CHECKED, "Pixels", "Kept; where pixels may carry writing they were read first."),
    "binary": RuleWords(CHECKED, "Tables of numbers", "Kept: palettes and the like."),
    "safe private": RuleWords(
        CHECKED, "Safe private elements", "Kept: the standard lists them as holding no identity."
    ),
}

OPTIONS = {
    "modified-dates": "dates moved by one number of days per patient, so that intervals stay true",
    "times-of-day": "times of day kept",
    "patient-characteristics": "sex, age, size and weight kept",
    "device-identity": "names and serial numbers of devices kept",
    "clean-descriptors": "descriptions kept when every word is in a vocabulary",
    "safe-private": "private elements kept that the standard calls safe",
    "clean-pixel-data": "writing in pixels looked for and painted over",
    "clean-graphics": "drawings over the pixels removed",
}


def rule_words(rule: str) -> RuleWords:
    """Give the words of a rule; of one that has none, what its name says.

    >>> rule_words("remove overlay").kind
    'removed'
    """
    known = RULES.get(rule)
    if known is not None:
        return known
    kind = REMOVED if rule.startswith("remove") else EMPTIED if rule.startswith("empty") else CHECKED
    return RuleWords(kind, rule[:1].upper() + rule[1:].replace("-", " "), "By a rule of the profile.")


def option_words(option: str) -> str:
    """Give an option of a profile in words."""
    return OPTIONS.get(option, option.replace("-", " "))
