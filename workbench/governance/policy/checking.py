"""The check of a custodian's policy text before it holds: its mistakes, its policies, and how its examples come out.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from workbench.governance.policy.examples import Example, run_examples
from workbench.governance.policy.mistakes import Mistake, checked_policies, find_mistakes
from workbench.governance.policy.reading import Policy


@dataclass(frozen=True)
class Checked:
    """What the check found; good when there is no mistake and every example comes out as it says."""

    mistakes: tuple[Mistake, ...]
    examples: tuple[Example, ...]
    policies: tuple[Policy, ...]

    @property
    def ok(self) -> bool:
        """Whether the text may hold."""
        return not self.mistakes and all(example.ok for example in self.examples)

    def sentences(self) -> list[str]:
        """Say each thing that is wrong in one line."""
        failed = [example.sentence() for example in self.examples if not example.ok]
        return [*(mistake.sentence() for mistake in self.mistakes), *failed]

    def as_dict(self) -> dict[str, Any]:
        """Give the check as plain JSON values."""
        return {
            "ok": self.ok,
            "mistakes": [mistake.as_dict() for mistake in self.mistakes],
            "examples": [example.as_dict() for example in self.examples],
            "policies": [
                {
                    "id": policy.name, "line": policy.line, "effect": policy.effect,
                    "actions": sorted(policy.actions or ("read", "request")),
                    "obligations": list(policy.obligations.sentences()),
                }
                for policy in self.policies
            ],
        }  # fmt: skip


def check_text(text: str, *, dataset: str = "", purposes: Collection[str] = ()) -> Checked:
    """Check a policy text; `dataset` and `purposes` are looked at where they are known."""
    mistakes = tuple(find_mistakes(text, dataset=dataset, purposes=purposes))
    if mistakes:
        return Checked(mistakes, (), ())
    return Checked((), tuple(run_examples(text)), checked_policies(text))
