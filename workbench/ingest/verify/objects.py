"""What ingest is about to send to the gateway, searched for source values: JSON, tables, cards, reports, images.

Here any text may stand, so only values are searched that point at a person by themselves: names of 4 letters or more
that are no common word, numbers of 5 signs or more, UIDs, dates as people write them, telephone numbers, addresses
and free text. Voxels are searched like pixels, for long values only.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from workbench.ingest.verify.findings import Finding, sorted_once
from workbench.ingest.verify.identity import SourceIdentity
from workbench.ingest.verify.search import PixelIndex, as_phone_digits, as_words

# A check of one object that this room does not know how to judge, such as the size of groups in a table.
ObjectCheck = Callable[[str, bytes], Iterable[Finding]]
TEXT_NAMES = (".json", ".txt", ".csv", ".html", ".md", ".zattrs", ".zarray", ".zgroup", ".svg", ".xml")
MOST_INFLATED_BYTES = 64 * 2**20
# Pictures inside a page are voxels or letters that this search cannot read; they would only cost time.
INLINE_PICTURE = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=\s]+")
STYLE = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
TAGS = re.compile(r"<[^>]*>")


def check_objects(
    identity: SourceIdentity, objects: Mapping[str, bytes], *, expected: Collection[str] = (),
    checks: Iterable[ObjectCheck] = (),
) -> list[Finding]:  # fmt: skip
    """Give the source values in objects that are about to leave the ingest host.

    Parameters
    ----------
    identity : SourceIdentity
        What the source says.
    objects : mapping of str to bytes
        By the path that they get, such as `scans/S0001/image.zarr/zarr.json`.
    expected : collection of str, optional
        Values that are meant to be there, such as shifted dates that happen to be another study's real date.
    checks : iterable of callable, optional
        Further checks of one object, such as k-anonymity of tables.

    Examples
    --------
    >>> identity = SourceIdentity()
    >>> identity.add_text("Okonkwo^Adaeze", "name")
    >>> check_objects(identity, {"scans/S0001/card.json": b'{"title": "Adaeze"}'})
    [Finding(file='scans/S0001/card.json', element='content', rule='source-value')]
    """
    search = _ObjectSearch(identity, expected)
    found = [
        Finding(name, element, rule) for name, data in objects.items() for element, rule in search.hits(name, data)
    ]
    more = [finding for check in checks for name, data in objects.items() for finding in check(name, data)]
    return sorted_once([*found, *more])


class _ObjectSearch:
    def __init__(self, identity: SourceIdentity, expected: Collection[str]) -> None:
        self._identity = identity
        self._long = PixelIndex(identity.literal_needles)
        self._expected = [value.upper().encode() for value in sorted(expected, key=len, reverse=True) if value]

    def hits(self, name: str, data: bytes) -> Iterator[tuple[str, str]]:
        """Give (element, rule) of one object."""
        for rule in self._says(name.encode()):
            yield "name", rule
        parts = _readable(name, data)
        if not parts and self._long.finds(data):
            yield "content", "source-value"
        for part in parts:
            for rule in self._says(part):
                yield "content", rule

    def _says(self, text: bytes) -> Iterator[str]:
        upper = text.upper()
        for value in self._expected:
            upper = upper.replace(value, b" ")
        kinds = {needle.kind for _, needle in self._identity.index("literal", strong=True).find(upper)}
        kinds |= {needle.kind for _, needle in self._identity.index("phrases", strong=True).find(as_words(upper))}
        kinds |= {needle.kind for _, needle in self._identity.index("digits", strong=True).find(as_phone_digits(upper))}
        if "uid" in kinds:
            yield "uid-source"
        if kinds - {"uid"}:
            yield "source-value"


def _readable(name: str, data: bytes) -> list[bytes]:
    """Give the texts of an object; nothing of voxels and of what is not known to hold text."""
    plain = PurePosixPath(name).name
    if plain.endswith(".gz"):
        try:
            data, plain = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_INFLATED_BYTES), plain.removesuffix(".gz")
        except (OSError, EOFError, zlib.error):
            return []
    if plain.endswith((".arrow", ".parquet", ".feather")):
        return list(_columns(plain, data))
    if plain.endswith(TEXT_NAMES) or plain in TEXT_NAMES or _is_text(data):
        return list(_texts(plain, data))
    return []


def _is_text(data: bytes) -> bool:
    sample = data[:4096]
    try:
        sample.decode()
    except UnicodeDecodeError as problem:
        return problem.start >= len(sample) - 3 > 0
    return b"\0" not in sample


def _texts(name: str, data: bytes) -> Iterator[bytes]:
    if name.endswith(".json") or data[:1] in (b"{", b"["):
        try:
            yield "\n".join(_strings(json.loads(data))).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):
            yield data
        return
    if name.endswith((".html", ".svg", ".xml")):
        page = STYLE.sub(" ", INLINE_PICTURE.sub(" ", data.decode("utf-8", "replace")))
        yield html.unescape(TAGS.sub(" ", page)).encode()
        yield "\n".join(TAGS.findall(page)).encode()
        return
    yield data


def _strings(value: Any) -> Iterator[str]:
    """Give every text, key and number of a JSON value, each alone, so that neighbours make no date or telephone."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)


def _columns(name: str, data: bytes) -> Iterator[bytes]:
    """Give the names, the metadata and the texts and dates of a table's columns."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded on first use

    try:
        if name.endswith(".parquet"):
            table = pq.read_table(pa.BufferReader(data))
        else:
            table = _arrow(pa, data)
    except (pa.ArrowInvalid, OSError):
        yield data
        return
    yield "\n".join(table.schema.names).encode()
    yield str(table.schema.metadata or {}).encode()
    for column in table.columns:
        if not pa.types.is_floating(column.type):
            yield "\n".join(str(value) for value in column.to_pylist() if value is not None).encode()


def _arrow(pa: Any, data: bytes) -> Any:
    try:
        return pa.ipc.open_file(data).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_stream(data).read_all()
