"""The forms in which one source value may turn up again: names, numbers, dates, addresses, free text.

What is searched, and from which length on, so that honest output gives no finding:

- names: each part of 3 letters or more (2 signs outside Latin), pairs of parts from 5 letters on; from 6 letters on
  also inside longer words, so that `okonkwoadaeze` is found;
- numbers of people, requests and devices: from 4 signs on, without what pads them; their digits alone from 6 on,
  whatever stands between them; from 9 digits on the last 8, because dialling codes vary;
- UIDs: whole, from 10 signs and 4 components on, never those of the standard;
- dates: every common way to write them in digits or with the English or German month;
- text in private elements: whole from 8 signs on, single words as below;
- free text and addresses: whole from 6 signs on; each piece between commas from 8 on; single words from 5 letters on,
  but no word that a profile keeps or that the standard uses in its own names.

Runs in: ingest host
Source: DICOM PS3.5 2026c 6.2 (PN, DA, DT, UI); PS3.15 2026c Annex E.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import permutations

from workbench.ingest.verify.charsets import encodings, spellings
from workbench.ingest.verify.search import Needle, as_words

MONTHS = (
    "January February March April May June July August September October November December".split(),
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
)
SHORTEST_NAME, SHORTEST_FREE_NAME, SHORTEST_PAIR = 3, 6, 5
SHORTEST_ID, SHORTEST_DIGITS, LONGEST_PADDED = 4, 6, 9
SHORTEST_UID, SHORTEST_TEXT, SHORTEST_PIECE, SHORTEST_WORD = 10, 6, 8, 5
# Names have at most a few parts; a forged one must not make millions of pairs.
MOST_PARTS, MOST_WORDS = 6, 2000
PARTS = re.compile(r"[\s,.;:/'’\-_^=]+")
WORDS = re.compile(r"[^\W\d_]{5,}")
PIECES = re.compile(r"[\n\r;,^=\\]+")
DAY = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
HONORIFICS = frozenset("dr med prof mrs miss herr frau phd jun sen von van der den the and und".split())


def literal(text: str, kind: str, edge: str = "alike", *, is_strong: bool = True) -> Iterator[Needle]:
    """Give a text in every encoding; UTF-16 from 4 signs on, where its zeros stand for the edges."""
    for spelled in spellings(text):
        for pattern in encodings(spelled, wide=False):
            yield Needle(pattern, kind, edge if spelled.isascii() else "none", is_strong)
        if len(spelled) >= 4:
            for pattern in encodings(spelled, wide=True) - encodings(spelled, wide=False):
                yield Needle(pattern, kind, "none", is_strong)


def phrase(text: str, kind: str, *, is_strong: bool = True) -> Iterator[Needle]:
    """Give a text as words with single blanks, for `as_words`."""
    for spelled in spellings(text):
        for pattern in encodings(spelled, wide=False):
            yield Needle(as_words(pattern).strip(b" "), kind, "word", is_strong)


def name_parts(text: str) -> list[str]:
    """Give the parts of a person's name that tell who it is; prefix and suffix components are left out.

    >>> name_parts("Okonkwo^Adaeze Ngozi^^Dr")
    ['Okonkwo', 'Adaeze', 'Ngozi']
    """
    found = []
    for group in text.split("="):
        components = group.split("^")[:3] if "^" in group else [group]
        found += [part for component in components for part in PARTS.split(component)]
    return [part for part in dict.fromkeys(found) if len(part) > 1 and part.casefold() not in HONORIFICS]


def name_needles(text: str) -> tuple[list[Needle], list[Needle]]:
    """Give (literal, phrase) needles of a person's name."""
    parts = name_parts(text)
    literals: list[Needle] = []
    for part in parts:
        if len(part) >= (SHORTEST_NAME if part.isascii() else 2) and not part.isdigit():
            literals += literal(part, "name", "none" if len(part) >= SHORTEST_FREE_NAME else "alike")
    pairs = [" ".join(pair) for pair in permutations(parts[:MOST_PARTS], 2) if len("".join(pair)) >= SHORTEST_PAIR]
    whole = [text] if len(text) >= SHORTEST_PAIR and len(parts) > 1 else []
    for each in (*whole, *pairs):
        # Also as they are, because in pixels only what is long is searched, and only as it is.
        literals += [needle for sign in "^ " for needle in literal(each.replace(" ", sign), "name")]
    if not parts or all(len(part) < SHORTEST_NAME for part in parts):
        literals += literal(text, "name", "word") if len(text) >= SHORTEST_NAME else []
    return literals, [needle for each in (*whole, *pairs) for needle in phrase(each, "name")]


def number_needles(text: str, *, is_strong: bool = True) -> tuple[list[Needle], list[Needle]]:
    """Give (literal, digits) needles of an identifier or telephone number."""
    literals: list[Needle] = []
    core = text.lstrip("0") if text.isdigit() else text
    if len(core) >= SHORTEST_ID and any(char.isalnum() for char in core):
        edge = "alike" if not core.isdigit() else "zeros" if len(core) >= SHORTEST_DIGITS else "word"
        literals += literal(core, "id", edge, is_strong=is_strong)
    digits = "".join(char for char in text if char.isascii() and char.isdigit()).lstrip("0")
    found = [Needle(digits.encode(), "phone", "zeros", is_strong)] if len(digits) >= SHORTEST_DIGITS else []
    if len(digits) >= LONGEST_PADDED:
        found.append(Needle(digits[-8:].encode(), "phone", "right", is_strong))
    return literals, found


def uid_needles(text: str) -> list[Needle]:
    """Give the needles of a UID that is long enough to be told from a version number."""
    if len(text) < SHORTEST_UID or text.count(".") < 3:
        return []
    wide = encodings(text, wide=True) - {text.encode()}
    return [Needle(text.encode(), "uid", "uid"), *(Needle(pattern, "uid", "none") for pattern in wide)]


def dates_in(text: str) -> list[date]:
    """Give the date that a DA or DT value starts with.

    >>> dates_in("20190523101112.5")
    [datetime.date(2019, 5, 23)]
    """
    found = DAY.match(text)
    if found is None:
        return []
    try:
        return [date(*(int(part) for part in found.groups()))]
    except ValueError:
        return []


def date_needles(day: date) -> tuple[list[Needle], list[Needle]]:
    """Give (literal, phrase) needles of a date in digits and with the name of the month."""
    y, m, d = f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}"
    literals = list(literal(y + m + d, "date", "left"))
    orders = ((y, m, d), (d, m, y), (m, d, y), (str(day.day), str(day.month), y), (str(day.month), str(day.day), y))
    for sign in "-./":
        for order in orders:
            literals += literal(sign.join(order), "date")
    literals += [
        needle for order in orders[1:3] for needle in literal("".join(order), "date", "alike", is_strong=False)
    ]
    phrases = [Needle(" ".join(order).encode(), "date", "word", False) for order in orders]
    for names in MONTHS:
        name = names[day.month - 1]
        for month in {name, name[:3]}:
            for number in {d, str(day.day)}:
                for order in ((number, month, y), (month, number, y), (y, month, number)):
                    phrases += phrase(" ".join(order), "date")
                literals += literal(f"{number}{month}{y}", "date")
    return literals, phrases


def text_needles(
    text: str, known_words: Iterable[str], *, is_strong: bool
) -> tuple[list[Needle], list[Needle]]:  # fmt: skip
    """Give (literal, phrase) needles of free text, an address or the name of a place.

    Parameters
    ----------
    text : str
    known_words : container of str
        Case-folded words that point at nobody; a text of nothing else gives no needle.
    is_strong : bool
        Whether the whole text points at a person; single words never do.
    """
    known = known_words if isinstance(known_words, set | frozenset) else frozenset(known_words)
    pieces = [piece.strip() for piece in PIECES.split(text)]
    wanted = [text.strip()] if len(text.strip()) >= SHORTEST_TEXT else []
    wanted += [piece for piece in pieces if len(piece) >= SHORTEST_PIECE]
    whole = [each for each in dict.fromkeys(wanted) if not _is_known(each, known)]
    phrases = [
        needle for each in whole
        for needle in phrase(each, "text", is_strong=is_strong) if len(needle.pattern) >= SHORTEST_TEXT
    ]  # fmt: skip
    words = [word for word in dict.fromkeys(WORDS.findall(text)[:MOST_WORDS]) if word.casefold() not in known]
    literals = [needle for word in words for needle in literal(word, "word", is_strong=False)]
    literals += [needle for each in whole for needle in literal(each, "text", is_strong=is_strong)]
    return literals, phrases


def private_needles(text: str, known: frozenset[str]) -> list[Needle]:
    """Give the needles of a text in a private element: the whole, and its words from 5 letters on."""
    words = [word for word in dict.fromkeys(WORDS.findall(text)[:MOST_WORDS]) if word.casefold() not in known]
    whole = [text] if len(text) >= SHORTEST_PIECE and words else []
    return [needle for each in (*words, *whole) for needle in literal(each, "private", is_strong=False)]


def _is_known(text: str, known: set[str] | frozenset[str]) -> bool:
    """Whether a text says nothing but known words, short ones and short numbers."""
    words = [word for word in PARTS.split(text.casefold()) if word]
    return all(word in known or len(word) < SHORTEST_ID or _is_decimal(word) for word in words)


def _is_decimal(word: str) -> bool:
    return word.replace("+", "").replace("e", "").isdigit() and len(word) < SHORTEST_DIGITS
