"""What a de-identification job did, file by file.

Runs in: ingest host
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from workbench.ingest.deidentify.journal import Actions
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.refusals import Refusal


@dataclass(frozen=True)
class FileReport:
    """What was done to one file: where it lies below the output folder, its source's name, (rule, number) pairs."""

    file: str
    source: str
    actions: Actions


@dataclass
class JobReport:
    """What a job did; source names stay on the ingest host's own terminal.

    Parameters
    ----------
    profile : Profile
        The rules.
    project : str
        Whose pseudonyms were given.
    files : int
        Everything that was found in the source.
    written, resumed : int
        Files made now, and by an earlier run that this one continued.
    removed : int
        Outputs of an earlier run that no longer belong there: their source is gone, or the rules changed.
    refusals : list of Refusal
        One for each file that was not written.
    per_file : list of FileReport
        One for each output.
    seconds : float
        Wall time.
    """

    profile: Profile
    project: str
    files: int = 0
    written: int = 0
    resumed: int = 0
    removed: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    per_file: list[FileReport] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether every file ended as written or refused."""
        return self.files == self.written + self.resumed + len(self.refusals)

    @property
    def actions(self) -> dict[str, int]:
        """How often each rule was applied in all outputs together."""
        total: Counter[str] = Counter()
        for one in self.per_file:
            total.update(dict(one.actions))
        return dict(sorted(total.items()))

    @property
    def files_per_s(self) -> float:
        """Files per second of wall time."""
        return self.files / self.seconds if self.seconds else 0.0
