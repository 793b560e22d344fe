"""The UIDs that a project's key makes of the source's, worked out a second time from what is documented.

A pseudonymous UID is `2.25.` and the first 16 bytes, as a number, of HMAC-SHA256 under the project's key over `uid`, a
zero byte and the source UID; the project's key is HMAC-SHA256 under the home's `ingest.key` over `project`, a zero
byte and the project's name.

Runs in: ingest host
Source: RFC 2104 (HMAC); DICOM PS3.5 2026c B.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from workbench.errors import InvalidInput
from workbench.ingest.verify.facts import INSTANCE, Facts
from workbench.settings import Settings

KEY_NAME = "ingest.key"


def expected_uids(settings: Settings, project: str, sources: Iterable[Facts]) -> dict[str, str]:
    """Give the output's SOP Instance UID by the source's.

    Raises
    ------
    InvalidInput
        When this home has no key.
    """
    try:
        home = bytes.fromhex((settings.keys / KEY_NAME).read_text().strip())
    except (OSError, ValueError):
        raise InvalidInput(
            "This home has no key that could have made the pseudonyms; check without --project, or on the home that "
            "de-identified the folder."
        ) from None
    key = hmac.digest(home, b"project\0" + project.encode(), "sha256")
    return {uid: _uid(key, uid) for one in sources if (uid := one.texts.get(INSTANCE, ""))}


def _uid(key: bytes, source: str) -> str:
    digest = hmac.digest(key, b"uid\0" + source.encode("utf-8", "surrogateescape"), "sha256")
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
