"""Tables of groups made to be released: counts of distinct subjects, small groups hidden, and a sidecar for the checks.

Runs in: kernel
Source: SDC handbook v1.0 (Griffiths et al. 2019), chapters 4 and 5: thresholds, dominance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.airlock.differencing import equations_of_members
from workbench.airlock.disclosure import THRESHOLD, is_dominated
from workbench.airlock.equations import small_groups
from workbench.airlock.sidecar import SUBJECTS, Contribution, SideCell, sidecar_name, write_sidecar
from workbench.airlock.tables import Cell
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

STATISTICS = ("mean", "sum", "median", "std")
HIDDEN = ""


def tabulate(
    frame: pd.DataFrame, to: str | Path, *, by: Sequence[str] | str, subject: str, value: str | None = None,
    statistics: Sequence[str] = ("mean",), margins: bool = False, round_to: int = 0, dataset: str = "",
) -> pd.DataFrame:  # fmt: skip
    """Write a table of groups that the airlock can check exactly, and give it.

    A group of fewer than 10 subjects is hidden, and so is a statistic that one or two subjects dominate. Beside the
    table stands `NAME.cells.json`, which `wb.offer` takes along and the airlock never releases.

    Parameters
    ----------
    frame : DataFrame
        A row for each observation.
    to : str or Path
        The CSV file to write.
    by : sequence of str
        The columns whose values name the groups.
    subject : str
        The column that says whose row it is.
    value : str, optional
        A column of numbers to summarise in each group; a subject with several rows counts with their sum for ``sum``,
        and with their mean for the others.
    statistics : sequence of str, default ("mean",)
        Of ``mean``, ``sum``, ``median``, ``std``.
    margins : bool, default False
        Also rows for all values of each column together, written “All”.
    round_to : int, default 0
        Round the counts of subjects to multiples of this; 0 leaves them exact.
    dataset : str, optional
        The dataset's name; tables of one dataset are compared with each other.

    Returns
    -------
    DataFrame
        The groups, `subjects`, and `value_statistic` for each statistic; hidden values are missing.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> people = pd.DataFrame({"subject": range(30), "sex": ["F"] * 18 + ["M"] * 12})
    >>> tabulate(people, tempfile.mkdtemp() + "/sex.csv", by="sex", subject="subject")["subjects"].tolist()
    [18, 12]
    """
    groups = [by] if isinstance(by, str) else list(by)
    _check(frame, [*groups, subject, *([value] if value else [])], statistics)
    made = [_summarise(key, part, subject, value, statistics) for key, part in _groups(frame, groups, margins=margins)]
    rows, cells = [row for row, _ in made], [cell for _, cell in made]
    if round_to > 1:
        for row in rows:
            row[SUBJECTS] = None if row[SUBJECTS] is None else round_to * round(row[SUBJECTS] / round_to)
    else:
        _hide_what_follows(rows, cells)
    content = _as_csv(rows, [*groups, SUBJECTS, *(f"{value}_{one}" for one in statistics if value)])
    path = Path(to)
    path.write_bytes(content)
    sidecar = write_sidecar(content, cells, dataset=dataset, round_to=round_to if round_to > 1 else 0)
    path.with_name(sidecar_name(path.name)).write_bytes(sidecar)
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    return pd.DataFrame(rows)


def _hide_what_follows(rows: Sequence[dict[str, Any]], cells: Sequence[SideCell]) -> None:
    """Hide further groups, the smallest first, until no small one follows from totals; then show what was too many."""
    shown = {at for at, row in enumerate(rows) if row[SUBJECTS] is not None}
    hidden: list[int] = []
    while used := _followed(shown, cells):
        # Totals stay as long as they can.
        hidden.append(max(used, key=lambda at: (len(cells[at].key), -len(cells[at].members), at)))
        shown.remove(hidden[-1])
    for at in sorted(hidden, key=lambda at: -len(cells[at].members)):
        if not _followed(shown | {at}, cells):
            shown.add(at)
    for at, (row, cell) in enumerate(zip(rows, cells, strict=True)):
        if at not in shown:
            row.update({name: None for name, text in row.items() if name not in cell.key and text != "All"})


def _followed(shown: set[int], cells: Sequence[SideCell]) -> list[int]:
    """Give the fewest shown rows from which a small group follows; none when there is no such group."""
    order = sorted(shown)
    equations = equations_of_members([(at, Cell(frozenset(), 0, "", cells[at].members)) for at in order])
    solved = min(small_groups(equations, THRESHOLD), key=lambda one: len(one.equations), default=None)
    return [] if solved is None else [order[number] for number in solved.equations]


def _check(frame: pd.DataFrame, columns: Sequence[str], statistics: Sequence[str]) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InvalidInput(f"The frame has no column “{missing[0]}”; it has {', '.join(map(str, frame.columns))}.")
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise InvalidInput(
            f"No statistic “{unknown[0]}”; choose of {', '.join(STATISTICS)}. The extremes are one person's."
        )
    if SUBJECTS in columns[:-1]:
        raise InvalidInput(f"The table writes a column “{SUBJECTS}” itself; rename that of the frame.")


def _groups(
    frame: pd.DataFrame, groups: Sequence[str], *, margins: bool
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Give each group and its rows; with margins, also those for all values of a column together."""
    for kept in product((True, False), repeat=len(groups)) if margins else [(True,) * len(groups)]:
        names = [name for name, is_kept in zip(groups, kept, strict=True) if is_kept]
        if not names:
            yield dict.fromkeys(groups, "All"), frame
            continue
        for found, part in frame.groupby(names, sort=True, observed=True, dropna=False):
            values = dict(zip(names, map(str, found), strict=True))
            yield {name: values.get(name, "All") for name in groups}, part


def _summarise(
    key: dict[str, str], part: pd.DataFrame, subject: str, value: str | None, statistics: Sequence[str]
) -> tuple[dict[str, Any], SideCell]:
    members = frozenset(map(str, part[subject]))
    is_small = len(members) < THRESHOLD
    row: dict[str, Any] = {**key, SUBJECTS: None if is_small else len(members)}
    contributions: dict[str, Contribution] = {}
    if value is not None:
        each = part.groupby(subject, observed=True)[value]
        for one in statistics:
            per_subject = (each.sum() if one == "sum" else each.mean()).dropna()
            sizes = per_subject.abs().sort_values(ascending=False)
            found = Contribution(float(sizes.sum()), tuple(float(size) for size in sizes[:2]))
            contributions[f"{value}_{one}"] = found
            is_hidden = is_small or len(per_subject) < THRESHOLD or (one in ("sum", "mean") and is_dominated(found))
            row[f"{value}_{one}"] = None if is_hidden else float(per_subject.agg(one))
    own = {name: text for name, text in key.items() if text != "All"}
    return row, SideCell(own, members, contributions)


def _as_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> bytes:
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([HIDDEN if row[name] is None else _shown(row[name]) for name in columns])
    return text.getvalue().encode()


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
