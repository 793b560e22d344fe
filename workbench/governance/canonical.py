"""One byte string per JSON value, so that hashes and signatures of it mean the same everywhere.

Runs in: anywhere
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache

# Made once: `json.dumps` makes one at each call, which would be half of the time.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: object) -> bytes:
    """Give the value as UTF-8 JSON with sorted keys and no spaces; NaN and infinity are refused.

    >>> canonical_json({"b": 1, "a": "é"}).decode()
    '{"a":"é","b":1}'
    """
    return _ENCODER.encode(value).encode()


def stamp(moment: datetime) -> str:
    """Give a moment as UTC text that sorts by time, to the second.

    >>> stamp(datetime(2026, 5, 3, 12, 0, tzinfo=UTC))
    '2026-05-03T12:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@lru_cache(maxsize=4096)
def day(text: str) -> str:
    """Say a stamp as a date for a sentence.

    >>> day("2026-05-03T12:00:00Z")
    '3 May 2026'
    """
    return f"{moment(text).day} {moment(text):%B %Y}"
