"""One DICOM file in, its de-identified bytes out, or the reason why not.

Runs in: ingest host
Source: DICOM PS3.10 2026c 7.1 (files); PS3.3 2026c C.7.6.3 (pixels).
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from workbench.errors import IngestRefused, MissingDependency
from workbench.ingest.burned_in import clear_text
from workbench.ingest.deidentify.acceptance import JUDGED_TAGS, Accepted, first, judge
from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.crosswalk import Pair
from workbench.ingest.deidentify.element_writer import FileWriter
from workbench.ingest.deidentify.elements import EXPLICIT, IMPLICIT, Encoding, meta_elements, walk
from workbench.ingest.deidentify.fast_route import INSTANCE, READ_ERRORS, FastRoute
from workbench.ingest.deidentify.journal import Actions
from workbench.ingest.deidentify.plain_file import PIXELS, SYNTAX, meta_value, read_chunk, take_apart, value_of
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.refusals import Refusal

MEDIA_CLASS = 0x00020002
STUDY, SERIES = 0x0020000D, 0x0020000E
NAMED = {STUDY: "StudyInstanceUID", SERIES: "SeriesInstanceUID", INSTANCE: "SOPInstanceUID"}
KINDS = {STUDY: "study", SERIES: "series", INSTANCE: "instance"}
FLOAT_PIXELS = {0x7FE00008, 0x7FE00009}
COVER = "cover text"
ENCODINGS = {
    ImplicitVRLittleEndian: IMPLICIT,
    ExplicitVRBigEndian: Encoding(is_implicit=False, is_little=False),
}
ONE_UID = re.compile(r"[0-9.]{1,64}")
# What a cleaner remembers of a patient grows with the slices; a fresh one gives the same.
INSTANCES_PER_CLEANER, PATIENTS_AT_ONCE, JUDGEMENTS = 1000, 32, 256
DAMAGED = "it is damaged or cut short; fetch it from the source again."


@dataclass(frozen=True)
class CleanInstance:
    """A de-identified file.

    Parameters
    ----------
    content : list of bytes-like
        The file, in pieces.
    out : str
        Where it belongs: patient, series and instance under pseudonyms.
    actions : tuple
        (rule, number) pairs.
    pairs : tuple
        (kind, source value, pseudonym) for the crosswalk.
    """

    content: list[bytes | memoryview]
    out: str
    actions: Actions
    pairs: tuple[Pair, ...]


class InstanceCleaner:
    """Cleans files one after the other; what it gives does not depend on which it had before.

    Parameters
    ----------
    profile : Profile
        The rules.
    key : bytes
        The project's key.
    """

    def __init__(self, profile: Profile, key: bytes) -> None:
        self._profile = profile
        self._key = key
        self._patients: dict[str, tuple[FastRoute, Deidentifier, int]] = {}
        self._file_writer = FileWriter()
        self._judgements: dict[tuple[bool, bytes], Accepted | None] = {}

    def clean(self, content: bytes, name: str) -> CleanInstance | Refusal:
        """Clean one file; pydicom must be silent around this.

        Parameters
        ----------
        content : bytes
            The whole file.
        name : str
            What a refusal calls it.
        """
        cleaned = self._fast(content) or self._slow(content, name)
        if isinstance(cleaned, CleanInstance) and not cleaned.out:
            return Refusal("missing-attribute", "one of its UIDs is not a single UID; mend it at the source.", (name,))
        return cleaned

    def _fast(self, content: bytes) -> CleanInstance | None:
        """Clean a plain instance by its bytes; None where anything about it is unusual."""
        plain = take_apart(content)
        if plain is None:
            return None
        judged = self._judge_plain(b"".join(plain.chunks(JUDGED_TAGS).values()), plain.is_implicit)
        if judged is None or judged.may_carry_text or not judged.has_pixels(plain.pixel_bytes):
            return None
        route, cleaner = self._patient(judged.patient)
        result = route.clean_plain(plain)
        if result is None:
            return None
        instance = plain.chunks((INSTANCE,))[INSTANCE]
        made = {tag: value_of(result.elements.get(tag, b"")) for tag in (STUDY, SERIES, INSTANCE)}
        sources = {STUDY: judged.study, SERIES: judged.series, INSTANCE: value_of(instance)}
        return _instance(result.content, cleaner, judged, result.counts, sources, made)

    def _slow(self, content: bytes, name: str) -> CleanInstance | Refusal:
        """Clean an instance through pydicom, or refuse it by name."""
        try:
            source = _read(content, self._profile)
            if isinstance(source, Refusal):
                return replace(source, files=(name,))
            judged = judge(source, self._profile)
            if isinstance(judged, Refusal):
                return replace(judged, files=(name,))
            return self._through_pydicom(source, judged, name)
        except IngestRefused as problem:
            return Refusal(problem.code, problem.message, (name,))
        except MissingDependency:
            reason = (
                "its pixels may hold text, and Tesseract is not installed to look; `apt-get install tesseract-ocr`."
            )
            return Refusal("burned-in-text-unchecked", reason, (name,))
        except MemoryError:
            return Refusal("unreadable", "it is larger than this machine's memory; use a larger machine.", (name,))
        except READ_ERRORS as problem:
            return Refusal("unreadable", f"{DAMAGED[:-1]} ({type(problem).__name__}).", (name,))

    def _through_pydicom(self, source: FileDataset, judged: Accepted, name: str) -> CleanInstance | Refusal:
        sources = {tag: first(source, keyword) for tag, keyword in NAMED.items()}
        if not sources[INSTANCE]:
            return Refusal("missing-attribute", "SOPInstanceUID is missing; mend it at the source.", (name,))
        pixels = source.get_item(PIXELS)
        native = self._profile.syntaxes[source.file_meta.TransferSyntaxUID] == "native"
        length = len(pixels.value or b"") if pixels is not None else 0 if FLOAT_PIXELS & source.keys() else None
        if not judged.has_pixels(length) and (native or length is None):
            return Refusal(
                "unreadable", "its pixels are missing or fewer than its header says; fetch it again.", (name,)
            )
        if judged.may_carry_text:
            # Covering text changes elements in place, so it gets a cleaner that shares none with other instances.
            cleaner = Deidentifier(self._profile, Pseudonyms(self._key, judged.patient))
            cleared = clear_text(source, cleaner)
            cleaner.counts[COVER] += len(cleared.boxes)
            cleaned, writer = cleared.dataset, FileWriter()
        else:
            _, cleaner = self._patient(judged.patient)
            cleaner.counts = Counter()
            cleaned, writer = cleaner.clean_instance(source), self._file_writer
        made = {tag: first(cleaned, keyword) for tag, keyword in NAMED.items()}
        return _instance(writer.write(cleaned), cleaner, judged, +cleaner.counts, sources, made)

    def _judge_plain(self, chunk: bytes, is_implicit: bool) -> Accepted | None:
        """Judge the elements that decide, read from their own bytes; equal ones once."""
        key = is_implicit, chunk
        if key not in self._judgements:
            if len(self._judgements) >= JUDGEMENTS:
                self._judgements.clear()
            try:
                source = read_chunk(chunk, is_implicit=is_implicit)
                judged = judge(source, self._profile) if source is not None else None
            except READ_ERRORS:
                judged = None
            self._judgements[key] = judged if isinstance(judged, Accepted) else None
        return self._judgements[key]

    def _patient(self, identity: str) -> tuple[FastRoute, Deidentifier]:
        """Give the cleaner of a patient; few are kept, and none for ever."""
        route, cleaner, used = self._patients.pop(identity, (None, None, 0))
        if route is None or cleaner is None or used >= INSTANCES_PER_CLEANER:
            cleaner = Deidentifier(self._profile, Pseudonyms(self._key, identity))
            route, used = FastRoute(cleaner), 0
        self._patients[identity] = route, cleaner, used + 1
        if len(self._patients) > PATIENTS_AT_ONCE:
            del self._patients[next(iter(self._patients))]
        return route, cleaner


def _read(content: bytes, profile: Profile) -> FileDataset | Refusal:
    """Read an instance whose bytes are whole; what pydicom would pass over is refused."""
    meta = meta_elements(content)
    if meta is None:
        return Refusal("unreadable", DAMAGED, ())
    if meta_value(content, meta[0], MEDIA_CLASS) == MediaStorageDirectoryStorage:
        reason = "it is a directory of a disc, which names patients; it is not needed, so leave it out."
        return Refusal("dicomdir", reason, ())
    syntax = meta_value(content, meta[0], SYNTAX)
    if syntax not in profile.syntaxes:
        named = UID(syntax).name if syntax else "missing"
        named = named if named != syntax else "not one of the standard"
        return Refusal("unsupported-transfer-syntax", f"its transfer syntax is {named}; convert it first.", ())
    body, start = content, meta[1]
    if syntax == DeflatedExplicitVRLittleEndian:
        body, start = zlib.decompress(content[start:], -zlib.MAX_WBITS), 0
    elements = walk(body, start, ENCODINGS.get(UID(syntax), EXPLICIT))
    if elements is None:
        return Refusal("unreadable", DAMAGED, ())
    source = dcmread(BytesIO(content))
    # Two parsers that see different elements: one of them would lose something.
    if {element[0] for element in elements} != set(map(int, source.keys())):
        return Refusal("unreadable", "its elements do not follow the standard; mend it at the source.", ())
    return source


def _instance(
    content: list[bytes | memoryview], cleaner: Deidentifier, judged: Accepted, counts: Counter[str],
    sources: dict[int, str], made: dict[int, str],
) -> CleanInstance:  # fmt: skip
    patient = cleaner.pseudonyms.patient_id
    pairs = [(KINDS[tag], sources[tag], made[tag]) for tag in KINDS]
    if judged.patient_id:
        pairs.insert(0, ("patient", judged.patient_id, patient))
    is_plain = all(ONE_UID.fullmatch(uid) for uid in made.values())
    out = f"{patient}/{made[SERIES]}/{made[INSTANCE]}.dcm" if is_plain else ""
    return CleanInstance(content, out, tuple(sorted(counts.items())), tuple(pairs))
