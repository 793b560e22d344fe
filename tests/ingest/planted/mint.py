"""Identifiers made up by seed, each used in one place only, so that one found in an output tells where it came from."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
EARLIEST, LATEST = date(1931, 1, 1), date(1999, 12, 28)
# Dates are moved by up to ten years. These lie so far apart that none of them is moved onto another one.
DAYS = ("19090214", "19200317", "19310418", "19420519", "19530620", "19640721", "19750822", "19860923", "19971024")


@dataclass(frozen=True)
class Needle:
    """A planted identifier.

    Parameters
    ----------
    place : str
        Where it was planted: keywords joined by `/`, or a word for a place outside the dataset.
    kind : str
        `name`, `number`, `date`, `uid`, `phone`, `email` or `text`.
    text : str
        The identifier as a person would write it.
    """

    place: str
    kind: str
    text: str


@dataclass
class Mint:
    """Gives identifiers that nobody has, and remembers them."""

    seed: int
    needles: list[Needle] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start the sequence of this seed."""
        self._random = random.Random(self.seed)  # noqa: S311 - not a secret: the same seed must plant the same

    def name(self, place: str) -> str:
        """Give a surname of nine letters, such as `Vobrakine`; no vocabulary of DICOM holds it."""
        return self._new(place, "name", lambda: self._syllables(4).capitalize())

    def number(self, place: str) -> str:
        """Give a record number of nine digits."""
        return self._new(place, "number", lambda: str(self._random.randrange(210_000_000, 989_999_999)))

    def phone(self, place: str) -> str:
        """Give a telephone number as people write it."""
        draw = self._random.randrange
        return self._new(place, "phone", lambda: f"+49 {draw(201, 999)} 555 {draw(1000, 9999)}-{draw(10, 99)}")

    def email(self, place: str) -> str:
        """Give a mail address."""
        return self._new(place, "email", lambda: f"{self._syllables(3)}@{self._syllables(3)}.example")

    def address(self, place: str) -> str:
        """Give a street and a house number."""
        street = lambda: f"{self._syllables(4).capitalize()}allee {self._random.randrange(11, 99)}"  # noqa: E731
        return self._new(place, "text", street)

    def day(self, place: str, form: str = "") -> str:
        """Give a date in a spelling; as DICOM spells dates it is one of few."""
        if not form:
            return self.know(place, "date", self._random.choice(DAYS))
        days = (LATEST - EARLIEST).days
        spell = lambda: f"{EARLIEST + timedelta(days=self._random.randrange(days)):{form}}"  # noqa: E731
        return self._new(place, "date", spell)

    def uid(self, place: str, holds: str) -> str:
        """Give a UID with an identifier as one of its components."""
        return self.know(place, "uid", f"1.2.826.0.1.3680043.8.498.{holds}.{self._random.randrange(10**8, 10**9)}")

    def know(self, place: str, kind: str, text: str) -> str:
        """Remember an identifier that was not made up here."""
        self.needles.append(Needle(place, kind, text))
        self._seen.add(text.casefold())
        return text

    def _new(self, place: str, kind: str, draw: Callable[[], str]) -> str:
        while True:
            text = draw()
            if text.casefold() not in self._seen:
                return self.know(place, kind, text)

    def _syllables(self, count: int) -> str:
        pairs = (self._random.choice(CONSONANTS) + self._random.choice(VOWELS) for _ in range(count))
        return "".join(pairs) + self._random.choice("nrkt")
