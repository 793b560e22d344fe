"""What text of any kind may hide: encoded bytes, dumps of numbers, rows about people, identifiers.

Runs in: anywhere
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from workbench.airlock.findings import Hit
from workbench.airlock.scanners.rows import FEW_ROWS, are_identifiers, is_person_column, judge_rows

BLOB = 160
MANY_NUMBERS = 60
MANY_ROWS = 20
MAX_TEXT = 500_000

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{48,}(?:[ \t]*(?:\\n|\r?\n)[ \t]*[A-Za-z0-9+/_-]{20,})*={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:]?){80,}")
_ESCAPED = re.compile(
    r"(?:\\x[0-9a-fA-F]{2}[^\\\n]{0,3}){12,}|(?:\\u00[0-9a-f]{2}[^\\\n]{0,3}){24,}|(?:&#x?[0-9a-fA-F]+;){40,}"
)
_ASCII85 = re.compile(r"[!-uz~<>]{220,}")
_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+[^,\s]{0,80},\S{16}", re.I)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?![\w.]\w)", re.I)
_SHAPE = re.compile(
    r"(?<![\d,])(\d[\d,]{0,12})\s{1,3}rows?\s{0,3}[x×]\s{0,3}(\d+)\s{1,3}columns?|Length:\s*(\d+)|\((\d+) rows?\)", re.I
)
_UID = re.compile(r"(?<![\d.])[012](?:\.\d{1,30}){6,}(?![\d.])")
_DICOM_NAME = re.compile(
    r"\(?0010,\s?00[123]0\)?|Patient'?s?[ _]?(Name|ID|Birth[ _]?Date)\b|\b[A-Z][a-zA-Z]+\^[A-Z][a-zA-Z]+"
)
_TOKEN = re.compile(r"\b[A-Za-z][A-Za-z0-9]{0,15}?[-_]?(?:0\d+|\d{3,})\b")
_RECORD = re.compile(r"[{(\[][^{}()\[\]\n]{3,400}[})\]]")
_PROGRESS = re.compile(
    r"\b(epochs?|steps?|iter(ation)?s?|batch(es)?|folds?|loss|seeds?|trials?|workers?|rounds?|boosters?|worker|split)\b|\d+%\|",
    re.I,
)
_SEPARATORS = ("\t", "|", ";", ",")


def hits_in_text(text: str) -> Iterator[Hit]:
    r"""Find what a text carries beside what it says.

    Examples
    --------
    >>> [hit.rule for hit in hits_in_text("subject,age\nP0001,61\nP0002,48\nP0003,77")]
    ['row-level-table']
    >>> list(hits_in_text("epoch 1, loss 0.31\nepoch 2, loss 0.22\nepoch 3, loss 0.19"))
    []
    """
    if len(text) > MAX_TEXT:
        yield Hit("too-long", f"{len(text):,} characters in one piece, more than anybody reads; release a summary.")
        text = text[:MAX_TEXT]
    yield from _blobs(text)
    if len(text) < 8:
        return
    yield from _names(text)
    yield from _dumps(text)
    yield from _tables(text)


def _blobs(text: str) -> Iterator[Hit]:
    advice = "; remove it, and offer what it holds as a file of its own"
    if _DATA_URI.search(text):
        yield Hit("encoded-bytes", f"A data: address, which holds a file inside the text{advice}.")
    elif any(_is_encoded(found[0]) for found in _BASE64.finditer(text)):
        yield Hit("encoded-bytes", f"A long run of base64, which holds bytes inside the text{advice}.")
    elif _ESCAPED.search(text):
        yield Hit("encoded-bytes", f"Raw bytes written as escapes{advice}.")
    elif any(len(re.sub(r"[\s:]", "", found[0])) >= BLOB for found in _HEX.finditer(text)):
        yield Hit("encoded-bytes", f"A long run of hexadecimal digits, which holds bytes inside the text{advice}.")
    elif any(_entropy(found[0]) > 5.2 for found in _ASCII85.finditer(text)):
        yield Hit("encoded-bytes", f"A long run of characters without a space, which may hold bytes{advice}.")


def _is_encoded(run: str) -> bool:
    """Whether a run of base64's letters is one: long, of more than two letters, and no path, rule or word list."""
    letters = re.sub(r"[\s\\]", "", run)
    return len(letters) >= BLOB and _entropy(letters) > 1.0 and max(map(len, re.split(r"[/_-]", letters))) >= 24


def _entropy(text: str) -> float:
    """Give the bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _names(text: str) -> Iterator[Hit]:
    if _UID.search(text):
        yield Hit("identifier", "A DICOM UID, which names one scan or one person; remove it.")
    if _DICOM_NAME.search(text):
        yield Hit("identifier", "A patient's name, number or birth date, or the field of one; remove it.")
    tokens = list(dict.fromkeys(found[0] for found in _TOKEN.finditer(text)))
    stems = Counter(re.sub(r"\d+$", "", token) for token in tokens)
    many = next((stem for stem, count in stems.items() if count >= FEW_ROWS), None)
    if many is not None and are_identifiers([token for token in tokens if re.sub(r"\d+$", "", token) == many]):
        yield Hit("identifier", f"{stems[many]} identifiers of one kind, each of which names one person or one scan.")


def _dumps(text: str) -> Iterator[Hit]:
    for found in _SHAPE.finditer(text):
        rows = int(next(group for group in (found[1], found[3], found[4]) if group).replace(",", ""))
        if rows >= MANY_ROWS:
            yield Hit("row-level-table", f"A table that says it has {rows} rows; release a summary of it instead.")
            break
    for block in re.split(r"\n\s*\n", text):
        numbers = len(_NUMBER.findall(block))
        words = len(re.findall(r"[A-Za-z]{2,}", block.replace("nan", "")))
        if numbers >= MANY_NUMBERS and numbers > 3 * words and ("[" in block or numbers > 6 * words):
            yield Hit("number-dump", f"{numbers} numbers in a row; release their summary or a picture instead.")
            break
    records = [found[0] for found in _RECORD.finditer(text)]
    shapes = Counter(re.sub(r"'[^']*'|\"[^\"]*\"(?!:)|[-+]?[\d.]+", "?", record) for record in records if "," in record)
    if any(count >= FEW_ROWS for count in shapes.values()) and re.search(r"['\"]\w+['\"]\s*:", text):
        yield Hit("row-level-table", "A list of records, one after the other; release their summary instead.")


def _tables(text: str) -> Iterator[Hit]:
    """Find rows of values on lines that follow each other."""
    lines = text.splitlines()
    for head, first in zip(lines, lines[1:], strict=False):
        # A frame's head is indented by its index; wide frames are wrapped, so that few columns stand in a line.
        if re.match(r"\s{2,}\S", head) and re.match(r"\d+\s+\S", first) and any(map(is_person_column, head.split())):
            yield Hit("row-level-table", "A frame with a column that names persons or scans; release groups instead.")
            break
    seen: set[str] = set()
    for run in _runs(lines):
        for hit in judge_rows(run[0], run[1:]):
            if hit.rule not in seen:
                seen.add(hit.rule)
                yield hit


def _runs(lines: Sequence[str]) -> Iterator[list[list[str]]]:
    """Give each run of lines that split into the same number of fields, its header first (empty when it has none)."""
    for split in (*(_by(separator) for separator in _SEPARATORS), _aligned):
        run: list[list[str]] = []
        for line in (*lines, ""):
            fields = split(line)
            if run and len(fields) != len(run[-1]) and not (len(run) == 1 and len(fields) == len(run[0]) + 1):
                yield from _with_header(run)
                run = []
            if len(fields) > 1 and not _PROGRESS.search(line):
                run.append(fields)
            elif run:
                yield from _with_header(run)
                run = []
        yield from _with_header(run)


def _by(separator: str) -> Callable[[str], list[str]]:
    return lambda line: [field.strip(" '\"[](){}") for field in line.strip().strip("|").split(separator)]


def _aligned(line: str) -> list[str]:
    """Split a line that a frame or a loop printed: at two spaces or more, or at every space of a line of values."""
    wide, words = re.split(r"\s{2,}", line.strip()), line.split()
    if len(wide) > 1:
        return wide
    numbers = sum(_NUMBER.fullmatch(word.strip(",;:%()")) is not None for word in words)
    return words if 0.4 * len(words) <= numbers else [line]


def _with_header(run: list[list[str]]) -> Iterator[list[list[str]]]:
    if len(run) < 2:
        return
    is_header = not any(_NUMBER.fullmatch(field) for field in run[0] if field)
    body = run[1:] if is_header else run
    texts = {field.lower() for row in body for field in row}
    if len(body) < 2 or not any(_NUMBER.search(field) for field in texts):
        return
    yield [run[0] if is_header else [], *body]
