"""The terms of the Data Use Ontology, as data, and a term as a dataset carries it.

Runs in: anywhere
Source: GA4GH Data Use Ontology (DUO), release 2021-02-23; `terms.json` holds every code that is matched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_VALUE = 500
_IRI = re.compile(r"(?:https?://purl\.obolibrary\.org/obo/)?DUO[_:](\d{7})", re.IGNORECASE)


@dataclass(frozen=True)
class Term:
    """One term of a dataset's permitted use: a DUO code and, where the code needs one, its parameter.

    >>> Term("DUO:0000007", "lung cancer").value
    'lung cancer'
    """

    code: str
    value: str = ""
