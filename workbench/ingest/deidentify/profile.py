"""The de-identification profile as data: what is kept of an instance, and by which rule.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E (Basic Application Level Confidentiality Profile and its options).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from workbench.ingest.deidentify.codes import code_meaning
from workbench.ingest.deidentify.profile_file import PolicyBody, read_policy, shipped_names
from workbench.ingest.deidentify.rules import Rule, RuleBook
from workbench.ingest.deidentify.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class ClassRules:
    """What may stay of the instances of one SOP class.

    Parameters
    ----------
    uid, name : str
        Of the SOP class.
    kind : str
        `image`, `labels` (segmentations and structure sets), or `ignore`: known, and never kept.
    rules : mapping of int to Rule
        By tag; an element that is not here is removed.
    private : mapping of tuple to Rule
        Safe private elements by (group, private creator, last byte of the element).
    """

    uid: str
    name: str
    kind: str
    rules: Mapping[int, Rule] = field(default_factory=dict)
    private: Mapping[tuple[int, str, int], Rule] = field(default_factory=dict)


class Profile:
    """An allowlist per SOP class: an element without a rule is removed, a SOP class without one is refused.

    Parameters
    ----------
    body : PolicyBody
        The policy as read from its files.

    Attributes
    ----------
    name : str
        The name that marks every instance.
    digest : str
        SHA-256 (hex) of the whole policy, so that a mark tells exactly which rules were applied.
    options : frozenset of str
        The PS3.15 options that are on, as their codes in (0012,0064), such as `113107`.
    methods : tuple
        The (code, meaning) pairs of (0012,0064).
    syntaxes : dict of str to str
        Transfer syntax UID to `native` or `encapsulated`.
    number_limit : float
        Largest magnitude of an ordinary number; a longer one could be a telephone number or a date.
    switches : frozenset of str
        The names of the options that are on, such as `clean-pixel-data`.
    vocabulary : Vocabulary
        The words that free text may consist of.
    open_terms : mapping of str to str
        Case-folded terms of coded strings whose terms the standard leaves open.
    """

    def __init__(self, body: PolicyBody) -> None:
        self.name = body.name
        self.digest = body.digest
        self.methods = body.methods
        self.switches = body.options
        self.options = frozenset(code for code, _ in body.methods[1:])
        self.syntaxes = body.syntaxes
        self.number_limit = body.number_limit
        self.vocabulary = Vocabulary(body.words)
        self.open_terms = body.open_terms
        self._code_meanings = body.code_meanings
        self._body = body
        self._book = RuleBook(body)
        self._classes: dict[str, ClassRules] = {}

    def code_meaning(self, value: str, scheme: str) -> str | None:
        """Give the meaning of a coded concept, or nothing when no dictionary has it."""
        return self._code_meanings.get((value, scheme)) or code_meaning(value, scheme)

    def class_rules(self, sop_class_uid: str) -> ClassRules | None:
        """Give the rules of a SOP class, or nothing when its instances are refused."""
        known = self._classes.get(sop_class_uid)
        entry = self._body.sop_classes.get(sop_class_uid)
        if known is None and entry is not None:
            rules = self._book.rules_of(entry.modules) if entry.modules else {}
            private = self._book.private if entry.modules else {}
            known = ClassRules(sop_class_uid, entry.name, entry.kind, rules, private)
            self._classes[sop_class_uid] = known
        return known

    def __reduce__(self) -> tuple[type[Profile], tuple[PolicyBody]]:
        """Travel to another process as the policy only; the rules are made again there."""
        return Profile, (self._body,)


@cache
def load_profile(name: str = "standard") -> Profile:
    """Read a profile.

    Parameters
    ----------
    name : str, default "standard"
        A shipped name (see `profile_names`), or the path of a JSON file that may extend a shipped one.

    Raises
    ------
    InvalidInput
        When there is no such profile, or an entry of the file is not usable; the message names it.

    Examples
    --------
    >>> load_profile("standard").class_rules("1.2.840.10008.5.1.4.1.1.2").name
    'CT Image'
    """
    return Profile(read_policy(name))


def profile_names() -> tuple[str, ...]:
    """Give the names of the profiles that the package ships.

    >>> profile_names()
    ('basic', 'standard')
    """
    return shipped_names()
