"""A skeleton of a declaration for a table, for its custodian to check; values of patients are never copied into it.

Runs in: ingest host
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from workbench.ingest.tables.declaration import TABLE_NAME
from workbench.ingest.tables.reading import batches, read_form

LOOKED_AT = 100_000
# Only a word that many rows share, out of a short list, can be a code rather than somebody's.
MOST_CODES, LEAST_ROWS, LONGEST_CODE = 20, 5, 40
CODE = re.compile(r"[A-Za-z0-9][\w +./<>()-]*")
MISSING_WORDS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "unknown", "?", "-")
INTEGER, NUMBER = r"[+-]?\d{1,15}", r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
DATE = r"(?:19|20)\d{2}-?\d{2}-?\d{2}(?:[T ].*)?"
PERSON = re.compile(
    r"name|address|street|city|zip|post.?code|phone|mobile|fax|mail|url|ssn|insurance|licen[cs]e|physician|doctor|"
    r"nurse|operator|hospital|comment|note|text|remark|narrative|birth|dob", re.IGNORECASE,
)  # fmt: skip
SUBJECT = re.compile(r"^(?:patient|subject|person|case|mrn|pat)[\W_]*(?:id|no|nr|number)?$", re.IGNORECASE)
ANY_ID = re.compile(r"(?:^|[\W_a-z])(?:id|uid|accession|number)$", re.IGNORECASE)
QUASI = re.compile(
    r"(?:^|[\W_])age(?:$|[\W_])|sex|gender|race|ethnic|country|region|religion|marital|occupation|language",
    re.IGNORECASE,
)  # fmt: skip


def suggest_declaration(path: Path) -> str:
    """Give a declaration of a CSV or Parquet file as YAML, made from its first 100,000 rows.

    Types are guessed, what looks like names, addresses or remarks is left out, and values are listed only where a
    short list of words covers the column and many rows share each.

    Parameters
    ----------
    path : Path
        The table.

    Raises
    ------
    IngestRefused
        When the file cannot be read as a table with a header.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use
    import yaml  # noqa: PLC0415 - heavy, loaded on first use

    form = read_form(path)
    pieces, rows = [], 0
    for piece in batches(path, form):
        piece.columns = list(form.header)
        pieces.append(piece.head(LOOKED_AT - rows))
        rows += len(pieces[-1])
        if rows >= LOOKED_AT:
            break
    frame = pd.concat(pieces) if pieces else pd.DataFrame({name: [] for name in form.header}, dtype=str)
    missing = sorted({word for word in MISSING_WORDS for name in form.header if frame[name].eq(word).any()})
    columns: dict[str, dict[str, Any]] = {}
    has_subject = False
    for name in form.header:
        entry = _guess(name, frame[name][~frame[name].isin(missing)], has_subject=has_subject)
        has_subject |= entry["type"] == "subject"
        columns[name] = entry
    table = "table" if not TABLE_NAME.fullmatch(path.stem.casefold()) else path.stem.casefold()
    body: dict[str, Any] = {"table": table, "title": "…"}
    body |= {"missing": missing} if missing else {}
    text = yaml.safe_dump(body | {"columns": columns}, sort_keys=False, allow_unicode=True, width=110)
    return f"# Check every line: which column tells who it is, which could point at somebody (quasi), codes.\n{text}"


def _guess(name: str, texts: Any, *, has_subject: bool) -> dict[str, Any]:
    texts = texts.str.strip()
    known = texts[texts.ne("")]
    if SUBJECT.match(name) and not has_subject:
        return {"type": "subject"}
    if PERSON.search(name):
        return {"type": "text"}
    entry = _typed(name, known)
    if QUASI.search(name) and entry["type"] in ("age", "number", "integer", "code"):
        entry["role"] = "quasi"
        entry |= {"bins": [0, 18, 40, 65, 91]} if entry["type"] == "age" else {}
    return entry


def _typed(name: str, known: Any) -> dict[str, Any]:
    counts = known.value_counts()
    if not len(counts):
        return {"type": "text"}
    if known.str.fullmatch(DATE).all():
        return {"type": "date"}
    is_whole, is_number = known.str.fullmatch(INTEGER).all(), known.str.fullmatch(NUMBER).all()
    if ANY_ID.search(name) or (is_whole and counts.index.str.len().max() >= 6 and len(counts) > 0.9 * len(known)):
        return {"type": "id"}
    if re.search(r"(?:^|[\W_])age(?:$|[\W_])", name, re.IGNORECASE) and is_number:
        return {"type": "age"}
    if is_number and (len(counts) > MOST_CODES or counts.min() < LEAST_ROWS):
        return {"type": "integer" if is_whole else "number", "unit": "", "description": ""}
    shared = counts[counts >= LEAST_ROWS].index.tolist()
    codes = [code for code in shared if CODE.fullmatch(code) and len(code) <= LONGEST_CODE]
    if len(counts) <= MOST_CODES and codes:
        # Rarer words are for the custodian to add: they might be somebody's.
        rarer = len(counts) - len(codes)
        return {"type": "code", "values": sorted(codes), "description": f"and {rarer} rarer ones" if rarer else ""}
    return {"type": "text"}
