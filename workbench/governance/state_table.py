"""A table of states: who may do what in which state, and where it leads. Releases and submissions each have one.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import Conflict


@dataclass(frozen=True)
class Move:
    """One allowed move: from a state, by whom, to a state."""

    state: str
    verb: str
    owner: str
    leads_to: str


class StateTable:
    """Every allowed move of one kind of thing.

    Parameters
    ----------
    thing : str
        With its article, such as ``A release``.
    moves : tuple of Move

    Examples
    --------
    >>> table = StateTable("A door", (Move("open", "close", "porter", "shut"),))
    >>> table.next_state("open", "close"), table.verbs_for("open", "porter"), table.verbs_for("shut", "porter")
    ('shut', ['close'], [])
    """

    def __init__(self, thing: str, moves: tuple[Move, ...]) -> None:
        self._thing = thing
        self.moves = moves

    def next_state(self, state: str, verb: str) -> str:
        """Give the state that a verb leads to.

        Raises
        ------
        Conflict
            When the table has no such move; the message names the verbs that the state allows.
        """
        for move in self.moves:
            if (move.state, move.verb) == (state, verb):
                return move.leads_to
        possible = [f"{move.verb} ({move.owner})" for move in self.moves if move.state == state]
        raise Conflict(
            f"{self._thing} that is {state} cannot be changed by “{verb}”; possible now: "
            f"{', '.join(possible) or 'nothing, it has ended'}.",
            code="wrong-state",
        )

    def verbs_for(self, state: str, owner: str) -> list[str]:
        """Give what an owner may do in a state, in the order of the table."""
        return [move.verb for move in self.moves if (move.state, move.owner) == (state, owner)]

    def diagram(self, *begins: str) -> str:
        """Give the table as the Mermaid text of a state diagram, with these lines for how it begins.

        Source: Mermaid, state diagrams (stateDiagram-v2).
        """
        names = dict.fromkeys(move.state for move in self.moves) | dict.fromkeys(move.leads_to for move in self.moves)
        lines = ["stateDiagram-v2", *(f"    [*] --> {begin}" for begin in begins)]
        lines += [f'    state "{name}" as {_key(name)}' for name in names if " " in name]
        lines += [f"    {_key(m.state)} --> {_key(m.leads_to)}: {m.verb} ({m.owner})" for m in self.moves]
        ends = [name for name in names if not any(move.state == name for move in self.moves)]
        return "\n".join([*lines, *(f"    {_key(name)} --> [*]" for name in ends)])


def _key(name: str) -> str:
    return name.replace(" ", "_")
