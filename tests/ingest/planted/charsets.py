"""Names in the character sets of DICOM, one instance each: ISO 646 to ISO 2022 with code extensions, GB18030, UTF-8.

Source: DICOM PS3.5 2026c 6.1.2, annexes H (Japanese), I (Korean), J (GB18030 and UTF-8), K (Thai).
"""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset

from planted.file_bytes import encode, plant_wrapping
from planted.mint import Mint, Needle
from planted.objects import draw
from planted.series import make_person

# Specific Character Set, a name with its component groups, and its number among the instances.
NAMES = (
    ("ISO_IR 6", "Okonkwomba^Adaezelin"),
    ("ISO_IR 100", "Mühlenhöfer^Jürgenßen"),
    ("ISO_IR 101", "Wiśniewskąszcz^Łukaszewicz"),
    ("ISO_IR 144", "Люксембургская^Розалия"),
    ("ISO_IR 126", "Διονυσίου^Ευαγγελία"),
    ("ISO_IR 166", "นามสกุลยาว^ชื่อจริง"),
    ("ISO_IR 192", "Çağlayanoğlu^Şükrancan=木村拓哉子^山田花子"),
    ("GB18030", "Wangxiaodongli^Xiaodongming=王小东先生^欧阳小明"),
    ("ISO_IR 13", "ﾔﾏﾀﾞﾀﾛｳｼﾞﾛｳ^ﾀﾛｳﾀﾛｳ"),
    ("\\ISO 2022 IR 87", "Yamadayoshi^Tarousuke=山田吉田^太郎次郎=やまだよしだ^たろうじろう"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏｼﾀﾊﾅｺﾖ^ｶｽﾞｺﾐﾁｺ=山下花子田^和子美智"),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "Suzukimorita^Hanakoyuki=鈴木森田^花子雪子"),
    ("\\ISO 2022 IR 149", "Honggildongsan^Gildongmin=洪吉洞山^吉洞民=홍길동산^길동민우"),
    ("ISO 2022 IR 6\\ISO 2022 IR 100", "Strünkmannßen^Björnström"),
    ("ISO 2022 IR 6\\ISO 2022 IR 144", "Достоевскийский^Фёдоровна"),
)


def write_charsets(folder: Path, *, syntax: str = "explicit") -> tuple[Needle, ...]:
    """Write one CT instance for each character set and give the names in them."""
    needles: list[Needle] = []
    folder.mkdir(parents=True, exist_ok=True)
    for number, (charset, name) in enumerate(NAMES, 1):
        mint = Mint(9000 + number)
        one = draw("ct", number, make_person(mint).uids("ct"), 16)
        one.SpecificCharacterSet = charset.split("\\")
        one.PatientID = mint.number("PatientID")
        _write_name(one, name)
        (folder / f"CS{number:02d}").write_bytes(encode(one, syntax, plant_wrapping(mint)))
        parts = {part for group in name.split("=") for part in group.split("^")}
        needles += [Needle(f"name in {charset}", "name", part) for part in sorted(parts)]
        needles += [needle for needle in mint.needles if needle.kind != "name"]
    return tuple(needles)


def _write_name(one: Dataset, name: str) -> None:
    """Write the name as a PN and as text, at the top and in an item of a sequence that is kept."""
    spoken = name.split("=")[-1].replace("^", " ")
    inner = Dataset()
    inner.PatientName, inner.ReferencedSOPInstanceUID = name, f"{one.SeriesInstanceUID}.77"
    inner.CodeMeaning = spoken
    for where in (one, inner):
        where.PatientName = name
        where.OtherPatientNames = [name, name]
        where.ImageComments = f"{spoken} was here"
        where.StudyDescription = f"CT {spoken}"
        where.PatientAddress = spoken
        where.BodyPartExamined = "CHEST"
    one.SourceImageSequence = [inner]
