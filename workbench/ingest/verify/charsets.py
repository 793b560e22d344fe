"""Text of DICOM values in any character set of the standard, and every way in which it may be written again.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.12.1.1.2 (Specific Character Set); PS3.5 2026c 6.1, annexes H, I and K.
"""

from __future__ import annotations

import re
import unicodedata

CODECS = {
    "": "latin-1", "ISO_IR 6": "latin-1", "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859_2", "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4", "ISO_IR 144": "iso8859_5", "ISO_IR 127": "iso8859_6", "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8", "ISO_IR 148": "iso8859_9", "ISO_IR 203": "iso8859_15", "ISO_IR 166": "iso8859_11",
    "ISO_IR 13": "shift_jis", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk", "IR 87": "iso2022_jp",
    "IR 159": "iso2022_jp_2", "IR 149": "euc_kr", "IR 58": "gb2312",
}  # fmt: skip
# Escapes that announce a set whose bytes then stand with the high bit set; the codec reads these without the escape.
SILENT_ESCAPES = re.compile(rb"\x1b(?:\$\)[A-Z]|[-,]?[(\-)][A-Z])")
SPOKEN = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ø": "OE",
                        "ø": "oe", "Å": "AA", "å": "aa", "Æ": "AE", "æ": "ae"})  # fmt: skip


def codecs_of(specific_character_set: bytes) -> tuple[str, ...]:
    r"""Give Python's codecs for a value of (0008,0005), the default set last.

    >>> codecs_of(rb"ISO 2022 IR 6\\ISO 2022 IR 87")
    ('iso2022_jp', 'latin-1')
    """
    found = []
    for name in specific_character_set.decode("latin-1").split("\\"):
        plain = name.strip(" \0").replace("ISO 2022 IR", "ISO_IR")
        codec = CODECS.get(plain) or CODECS.get(plain.replace("ISO_IR ", "IR "))
        if codec and codec != "latin-1":
            found.append(codec)
    return (*dict.fromkeys(found), "latin-1")


def readings(value: bytes, codecs: tuple[str, ...]) -> list[str]:
    """Give every text that bytes may stand for in the declared sets; the likeliest first, never none.

    >>> readings("Müller".encode(), ("utf-8", "latin-1"))[0]
    'Müller'
    """
    if value.isascii() and b"\x1b" not in value:
        return [value.decode("ascii")]
    found = []
    # UTF-8 is tried whatever was declared: wrong declarations are common, and UTF-8 seldom fits by chance.
    for codec in (*codecs[:-1], "utf-8", codecs[-1]):
        plain = value if codec.startswith("iso2022") else SILENT_ESCAPES.sub(b"", value)
        try:
            text = plain.decode(codec)
        except UnicodeDecodeError:
            continue
        if text not in found:
            found.append(text)
    return found


def spellings(text: str) -> list[str]:
    """Give a text as written, composed, without accents, and with the letters that stand for accents.

    >>> spellings("Jürgen")[-2:]
    ['Jurgen', 'Juergen']
    """
    found = [text]
    if not text.isascii():
        split = unicodedata.normalize("NFKD", text)
        plain = "".join(char for char in split if not unicodedata.combining(char))
        spoken = unicodedata.normalize("NFC", text).translate(SPOKEN)
        found += [unicodedata.normalize("NFC", text), split, plain, spoken]
    return list(dict.fromkeys(found))


def encodings(text: str, *, wide: bool) -> set[bytes]:
    """Give a text's bytes in the encodings that an output may use, ASCII letters raised to capitals.

    Parameters
    ----------
    text : str
    wide : bool
        Whether UTF-16 (both byte orders) is wanted too.
    """
    if text.isascii():
        raised = text.upper()
        plain = {raised.encode("ascii")}
        return plain | {raised.encode("utf-16-le"), raised.encode("utf-16-be")} if wide else plain
    found = set()
    for cased in {text, text.upper(), text.lower(), text.casefold()}:
        for codec in ("utf-8", "latin-1", *(("utf-16-le", "utf-16-be") if wide else ())):
            try:
                found.add(cased.encode(codec).upper())
            except UnicodeEncodeError:
                continue
    return found
