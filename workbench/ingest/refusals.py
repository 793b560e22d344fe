"""Why a file or series cannot come in: a code, a sentence, the files.

Runs in: ingest host
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.errors import IngestRefused

NAMED_FILES = 5


@dataclass(frozen=True)
class Refusal:
    """One reason.

    Parameters
    ----------
    code : str
        Short name of the rule, such as `missing-slice`.
    reason : str
        A clause that says what is wrong and ends in what to do; without the files.
    files : tuple of str
        The offending files, relative to the ingested folder. They may carry an identity, so they are shown on the
        ingest host's own terminal only.
    """

    code: str
    reason: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        """Give one sentence for a person."""
        return f"{name_files(self.files)}: {self.reason} [{self.code}]"

    def as_dict(self) -> dict[str, object]:
        """Give plain JSON values."""
        return {"code": self.code, "reason": self.reason, "files": list(self.files)}


def name_files(files: Sequence[str]) -> str:
    """Name a few files and count the rest.

    >>> name_files(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(files[:NAMED_FILES])
    hidden = len(files) - NAMED_FILES
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def refuse(refusals: Sequence[Refusal]) -> IngestRefused:
    """Give the error that stops an ingest, with every reason in it."""
    refusals = _joined(refusals)
    lines = "\n".join(f"  {refusal}" for refusal in refusals)
    error = IngestRefused(
        f"Nothing was ingested, because the source holds what may not come in:\n{lines}\n"
        "Mend these files or take them out, then ingest it again; --leave-out-refused brings the rest in without them.",
        code=refusals[0].code,
    )
    error.refusals = tuple(refusal.as_dict() for refusal in refusals)
    return error


def _joined(refusals: Sequence[Refusal]) -> list[Refusal]:
    """Say a reason that many files share once, with all of them."""
    files: dict[tuple[str, str], tuple[str, ...]] = {}
    for refusal in refusals:
        key = (refusal.code, refusal.reason)
        files[key] = (*files.get(key, ()), *refusal.files)
    return [Refusal(code, reason, named) for (code, reason), named in files.items()]
