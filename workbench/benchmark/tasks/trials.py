"""A test on which the ceiling and the baselines of a task are tried: what each of them answers to the same items.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.benchmark.metrics.evaluate import Answer, Evaluation, evaluate
from workbench.benchmark.metrics.resampling import paired
from workbench.benchmark.tasks.numbers import Counts
from workbench.errors import InvalidInput

ORACLE = "oracle"
SIGNIFICANT = 0.05
# A difference of so many standard errors is seen in 80 % of tests at 5 %, two-sided: 1.96 + 0.84.
POWERFUL = 2.8
BELOW, ABOVE, LEVEL = "below", "above", "level"


@dataclass(frozen=True)
class Trial:
    """What there is to answer, and who answers what.

    Parameters
    ----------
    counts : Counts
        Of the items; `units` is what resamples draw.
    answers : mapping of str to mapping of str to Answer
        By name (`ORACLE` for the ceiling) and metric; a metric that an answer does not carry is left out.
    """

    counts: Counts
    answers: Mapping[str, Mapping[str, Answer]]


@dataclass(frozen=True)
class Row:
    """One answer by one metric, and how it stands to the ceiling.

    Parameters
    ----------
    name, metric : str
    value : float
    interval : tuple of 2 float, or None
    verdict : str
        `BELOW`, `ABOVE` or `LEVEL` (not told apart); empty without a ceiling and for the ceiling itself.
    gap : float, or None
        By how much it is worse than the ceiling, whatever the metric's direction; negative when it is better.
    gap_interval : tuple of 2 float, or None
    p : float, or None
    seen_from : int, or None
        With so many units, 80 % of tests tell it from the ceiling.
    """

    name: str
    metric: str
    value: float
    interval: tuple[float, float] | None
    verdict: str = ""
    gap: float | None = None
    gap_interval: tuple[float, float] | None = None
    p: float | None = None
    seen_from: int | None = None


def measure(trial: Trial, metric: str, *, higher_is_better: bool, resamples: int, seed: int) -> list[Row]:
    """Measure every answer that carries the metric and compare it with the ceiling, on shared resamples.

    Returns
    -------
    list of Row
        The ceiling first, where there is one; then the best baseline first.
    """
    found: dict[str, Evaluation] = {}
    for name, answers in trial.answers.items():
        if metric in answers:
            try:
                found[name] = evaluate(
                    metric, answers[metric], units=trial.counts.units, resamples=resamples, seed=seed
                )
            except InvalidInput as problem:
                raise InvalidInput(f"{name}: {problem.message}") from None
    sign = 1.0 if higher_is_better else -1.0
    ceiling = found.pop(ORACLE, None)
    others = sorted(found.items(), key=lambda pair: -sign * pair[1].measured.value)
    rows = [_compared(name, one, ceiling, sign, trial.counts.units) for name, one in others]
    if ceiling is not None:
        rows.insert(0, Row(ORACLE, metric, ceiling.measured.value, ceiling.measured.interval))
    return rows


def _compared(name: str, one: Evaluation, ceiling: Evaluation | None, sign: float, units: int) -> Row:
    measured = one.measured
    if ceiling is None:
        return Row(name, measured.metric, measured.value, measured.interval)
    gap = sign * (ceiling.measured.value - measured.value)
    found = paired(sign * ceiling.draws, sign * one.draws, difference=gap)
    is_told_apart = found.p < SIGNIFICANT
    verdict = LEVEL if not is_told_apart else BELOW if gap > 0 else ABOVE
    seen_from = None
    if gap > 0 and found.standard_error > 0:
        seen_from = max(2, round(units * (POWERFUL * found.standard_error / gap) ** 2))
    return Row(
        name, measured.metric, measured.value, measured.interval, verdict, gap, found.interval, found.p, seen_from
    )
