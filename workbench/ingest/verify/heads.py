"""Head scans from which a face could be drawn, and whether somebody decided about defacing.

A face can be rendered from a volume, not from a few slices, so only a CT or MR series (or multi-frame instance) of at
least 16 slices whose source speaks of the head counts. The decision is the custodian's, for the whole folder: `done`
(faces were removed before), `not-needed` (the faces are outside the scans, or agreed with the data protection officer).

Runs in: ingest host
Source: DICOM PS3.15 2026c E.3.2 (Clean Recognizable Visual Features Option); Schwarz et al. 2019 (NEJM 381:1684).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from workbench.ingest.verify.facts import SERIES, Facts
from workbench.ingest.verify.findings import Finding, tag_name

DECISIONS = ("done", "not-needed")
FEWEST_SLICES = 16
MODALITIES = frozenset(("CT", "MR"))
BODY_PART, FRAMES = 0x00180015, 0x00280008
DESCRIPTIONS = (BODY_PART, 0x00081030, 0x0008103E, 0x00181030)
HEAD = re.compile(
    r"(?<![A-Za-z])(?:head|brain|skull|face|facial|sinus(?:es)?|orbits?|cranium|cranial|neuro|maxillofacial|jaw|"
    r"kopf|schädel|gehirn|hirn|cerebral|cerveau|cr[aâ]ne|encephale|t[eê]te)(?![a-z])",
    re.IGNORECASE,
)


def check_heads(found: Sequence[tuple[Facts, Facts]], decision: str | None) -> Iterator[Finding]:
    """Find head series without a decision; each is named once, by its first file."""
    if decision in DECISIONS:
        return
    series: defaultdict[str, list[tuple[Facts, Facts]]] = defaultdict(list)
    for source, output in found:
        if source.texts.get(0x00080060) in MODALITIES and source.has_pixels:
            series[output.texts.get(SERIES, "")].append((source, output))
    for pairs in series.values():
        slices = sum(_frames(output) for _, output in pairs)
        if slices >= FEWEST_SLICES and any(is_head(source) for source, _ in pairs):
            yield Finding(min(output.name for _, output in pairs), tag_name(BODY_PART), "head-without-decision")


def is_head(facts: Facts) -> bool:
    """Whether a header speaks of the head."""
    return any(HEAD.search(facts.texts.get(tag, "").replace("_", " ")) for tag in DESCRIPTIONS)


def _frames(facts: Facts) -> int:
    frames = facts.texts.get(FRAMES, "1")
    return int(frames) if frames.isdigit() else 1
