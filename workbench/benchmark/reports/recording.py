"""Declared results: the numbers of a notebook that a report shows first and a re-run is compared by.

Runs in: anywhere
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from workbench.benchmark.markup import interval_bar, interval_text, small, table
from workbench.benchmark.metrics.definitions import DEFINITIONS
from workbench.errors import InvalidInput

RESULT_MIME = "application/vnd.workbench.result+json"
MAX_RESULTS = 200


@dataclass(frozen=True)
class Result:
    """One declared result.

    Parameters
    ----------
    name : str
        Unique in the notebook.
    value : float
        Finite.
    interval : tuple of 2 float, or None
        95 % interval.
    tolerance : float
        By how much a re-run may differ and still count as within tolerance.
    metric : str or None
        Id of the metric's definition.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    tolerance: float = 0.0
    metric: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be compared."""
        numbers = (self.value, self.tolerance, *(self.interval or ()))
        if not self.name or len(self.name) > 100 or not self.name.isprintable():
            raise InvalidInput("A result needs a name of 1 to 100 printable characters.")
        if not all(math.isfinite(number) for number in numbers) or self.tolerance < 0:
            raise InvalidInput(f"The result “{self.name}” must be finite, with a tolerance of 0 or more.")
        if self.interval is not None and self.interval[0] > self.interval[1]:
            raise InvalidInput(f"The interval of “{self.name}” runs from high to low.")
        if self.metric is not None and self.metric not in DEFINITIONS:
            raise InvalidInput(f"There is no metric “{self.metric}” for “{self.name}”.")

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {**asdict(self), "interval": None if self.interval is None else list(self.interval)}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Result:
        """Read what `as_dict` wrote, from a file that may have been changed."""
        try:
            around = body.get("interval")
            interval = None if around is None else (float(around[0]), float(around[1]))
            metric = body.get("metric")
            return cls(
                str(body["name"]), float(body["value"]), interval, float(body.get("tolerance", 0.0)),
                None if metric is None else str(metric),
            )  # fmt: skip
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidInput("A declared result is malformed; the notebook or crate was changed.") from None


class Recorded:
    """What `record` shows in the cell's output."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def __repr__(self) -> str:
        """Say it in one line."""
        return f"{self.result.name} = {interval_text(self.result.value, self.result.interval, 4)}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            RESULT_MIME: self.result.as_dict(),
            "text/html": results_table([self.result]),
            "text/plain": repr(self),
        }


def record(
    name: str, value: float, *, interval: tuple[float, float] | None = None, tolerance: float = 0.0,
    metric: str | None = None,
) -> Recorded:  # fmt: skip
    """Declare a result of this notebook.

    Parameters
    ----------
    name : str
        Its name, unique in the notebook.
    value : float
        The number.
    interval : tuple of 2 float, optional
        Its 95 % interval.
    tolerance : float, default 0
        By how much a re-run may differ.
    metric : str, optional
        Id of the metric's definition, such as ``froc_cpm:v1``; its text then stands in the report.

    Returns
    -------
    Recorded
        Shown in the cell's output, also when it is not the last value of the cell.

    Examples
    --------
    >>> record("cpm", 0.71, interval=(0.62, 0.79), tolerance=1e-9)
    cpm = 0.7100 (0.6200–0.7900)
    """
    around = None if interval is None else (float(interval[0]), float(interval[1]))
    recorded = Recorded(Result(name, float(value), around, float(tolerance), metric))
    if _is_notebook():
        from IPython.display import display  # noqa: PLC0415 - only inside a notebook

        display(recorded)
        return _Shown(recorded.result)
    return recorded


class _Shown(Recorded):
    """A result that stands in the output already and is not shown again as the cell's value."""

    def _ipython_display_(self) -> None:
        return None


def declared_results(cells: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Collect the results that the outputs of a notebook's cells declare; a name counts once, the last time."""
    found: dict[str, Result] = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            body = output.get("data", {}).get(RESULT_MIME)
            if body is not None:
                result = Result.from_dict(body)
                found[result.name] = result
                if len(found) > MAX_RESULTS:
                    raise InvalidInput(f"The notebook declares more than {MAX_RESULTS} results.")
    return list(found.values())


def results_table(results: Iterable[Result]) -> str:
    """Give results as an HTML table with their intervals."""
    rows = [
        (
            f"<b>{escape(result.name)}</b>", interval_text(result.value, result.interval, 4),
            interval_bar(result.value, result.interval) if _on_unit_scale(result) else "",
        )
        for result in results
    ]  # fmt: skip
    return table(["Result", "Value (95 % interval)", ""], rows, right=[1])


def definitions_text(results: Iterable[Result]) -> str:
    """Give the definitions behind some results as small print."""
    metrics = sorted({result.metric for result in results if result.metric})
    return "".join(small(f"<b>{escape(metric)}</b> {escape(DEFINITIONS[metric].text)}") for metric in metrics)


def _on_unit_scale(result: Result) -> bool:
    return all(0 <= number <= 1 for number in (result.value, *(result.interval or ())))


def _is_notebook() -> bool:
    try:
        from IPython import get_ipython  # noqa: PLC0415 - only inside a notebook
    except ImportError:
        return False
    return get_ipython() is not None
