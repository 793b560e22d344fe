"""The check of an offered text: plain text, Markdown or JSON.

Runs in: anywhere
"""

from __future__ import annotations

import json
import re

from workbench.airlock.findings import Finding, Hit
from workbench.airlock.scanners.markup import hits_in_markup
from workbench.airlock.scanners.payload import hits_in_json
from workbench.airlock.scanners.prose import hits_in_text

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


def scan_text(name: str, content: bytes) -> list[Finding]:
    """Check one text.

    Raises
    ------
    ValueError
        When it is not UTF-8, or no JSON in spite of its name.
    """
    text = content.decode("utf-8")
    hits = list(hits_in_text(text))
    if name.lower().endswith(".json"):
        hits += hits_in_json(json.loads(text))
    elif re.search(r"<[a-zA-Z!/]", text):
        # Plain text runs nothing; Markdown is shown as a page.
        is_page = name.lower().endswith(".md")
        hits += [
            hit for hit in hits_in_markup(text) if is_page or hit.rule not in ("active-content", "fetched-content")
        ]
    if len(_INVISIBLE.findall(text)) > 8:
        hits.append(Hit("hidden-text", "Letters that are not seen; remove them."))
    found = {hit.rule: hit for hit in reversed(hits)}
    return [hit.at(name, "text") for hit in reversed(found.values())]
