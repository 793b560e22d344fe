"""Takes out of a notebook's own HTML whatever could run, fetch, or restyle the report around it.

The page's content security policy forbids scripts and the network already; this keeps them out of the file too, for
whoever pastes a part of it elsewhere.

Runs in: anywhere
"""

from __future__ import annotations

import re
from typing import Any

# `style` goes as well: a rule of an output would reach the head of the report, where the verdicts stand.
TAKEN_OUT = (
    "script", "style", "iframe", "frame", "object", "embed", "applet", "link", "meta", "base", "form", "input",
    "button", "textarea", "select", "audio", "video", "source", "portal", "template", "noscript", "title",
    "foreignobject", "animate", "set", "animatetransform", "animatemotion",
)  # fmt: skip
LINKS = ("href", "src", "srcset", "xlink:href", "action", "formaction", "poster", "data", "background", "ping")
PICTURES = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*\Z")
ELSEWHERE = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
FETCHED = re.compile(
    r"url\s*\(\s*(?!['\"]?#)|expression\s*\(|@import|image-set|position\s*:\s*(fixed|sticky)", re.IGNORECASE
)
SUSPECT = re.compile(
    rf"<\s*/?\s*({'|'.join(TAKEN_OUT)})|[\s/\"']on\w+\s*=|[\s/\"']({'|'.join(LINKS)})\s*=|style\s*=|<!--|<\?",
    re.IGNORECASE,
)
# The tables of this project carry their style inline; nothing of it fetches.
PLAIN_STYLE = re.compile(r'style="[^"<>]*"')


def harmless(html: str) -> str:
    """Give HTML without scripts, style sheets, forms, frames and anything that is fetched.

    Parameters
    ----------
    html : str
        A fragment, such as a table that a cell showed.

    Examples
    --------
    >>> harmless('<b onclick="x()">1</b><script>2</script>')
    '<b>1</b>'
    """
    plain = PLAIN_STYLE.sub(lambda found: found[0] if FETCHED.search(found[0]) or "\\" in found[0] else "", html)
    if not SUSPECT.search(plain):
        return html
    from bs4 import BeautifulSoup, Comment  # noqa: PLC0415 - only where something has to be taken out
    from bs4.element import PreformattedString  # noqa: PLC0415 - the same

    soup = BeautifulSoup(html, features="html.parser")
    for found in soup.find_all(TAKEN_OUT):
        found.decompose()
    for text in soup.find_all(string=lambda text: isinstance(text, Comment | PreformattedString)):
        text.extract()
    for tag in soup.find_all(True):
        _clean(tag)
    return str(soup)


def _clean(tag: Any) -> None:
    for name in list(tag.attrs):
        value = tag.attrs[name]
        text = " ".join(value) if isinstance(value, list) else str(value)
        lower = name.lower()
        is_link = lower in LINKS or lower.endswith(":href")
        is_wrong_link = is_link and not (PICTURES.match(text) if lower == "src" else _leads_elsewhere(tag, text))
        is_wrong_style = lower == "style" and (FETCHED.search(text) or "\\" in text)
        if lower.startswith("on") or is_wrong_link or is_wrong_style or lower == "srcdoc":
            del tag.attrs[name]


def _leads_elsewhere(tag: Any, address: str) -> bool:
    """Whether it is a link that a reader follows, or one inside a drawing; neither fetches anything by itself."""
    if tag.name == "a":
        return bool(ELSEWHERE.match(address))
    return tag.name in ("use", "lineargradient", "radialgradient", "clippath") and address.startswith("#")
