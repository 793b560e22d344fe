"""What the fields of a task must be together: a table of kinds, and the rules that one function reads.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.benchmark.metrics.definitions import DEFINITIONS
from workbench.benchmark.tasks.wording import Finding, broken

if TYPE_CHECKING:
    from workbench.benchmark.tasks.definition import TaskDefinition

HIDDEN = ("public_test", "final_test")
MAKERS = {"phantom-detection": "detection3d", "phantom-malignancy": "binary", "phantom-lungs": "segmentation3d"}
# Labels that are people's opinion, whatever a task says of them.
OPINIONS = frozenset({"lidc-reader-malignancy"})


@dataclass(frozen=True)
class KindRule:
    """What belongs to a kind: names of metrics without version, fields of `truth` it needs, and items it may have."""

    metrics: tuple[str, ...]
    needs: tuple[str, ...]
    items: tuple[str, ...] = ("scan", "nodule")
    submissions: tuple[str, ...] = ("predictions", "folder")
    baselines: tuple[str, ...] = ("column", "constant")


EVERY = ("predictions", "onnx", "folder")
KINDS = {
    "detection3d": KindRule(("froc_cpm",), ("table",), ("scan",), EVERY, ("blob-filter",)),
    "segmentation3d": KindRule(("dice", "hd95"), ("labels",), ("scan",), EVERY, ("air-threshold",)),
    "binary": KindRule(("auc_delong", "brier", "ece", "calibration"), ("table", "column"), submissions=EVERY),
    "multiclass": KindRule(("topk",), ("table", "column", "classes"), baselines=("constant",)),
    "ordinal": KindRule(("qwk",), ("table", "column", "levels")),
    "regression": KindRule(("rmse",), ("table", "column")),
    "ranking": KindRule(("topk",), ("table", "column", "classes"), baselines=("constant",)),
    "survival": KindRule(("cindex",), ("table", "column", "event")),
}
_TRUTH = ("table", "labels", "column", "event", "classes", "levels")


def check_task(task: TaskDefinition) -> None:
    """Refuse a task whose fields do not go together, with all that is wrong.

    Raises
    ------
    PydanticCustomError
        With the findings in its context; `wording.problems_of` gives each its line.
    """
    findings = [
        finding
        for rule in (_splits, _truth, _metrics, _submissions, _baselines, _ceiling, _numbers, _subgroups)
        for finding in rule(task)
    ]
    if findings:
        raise broken(findings)


def _splits(task: TaskDefinition) -> Iterator[Finding]:
    for name in HIDDEN:
        if name not in task.splits:
            yield Finding(f"splits.{name}", "is missing; a task has a public and a final hidden split")
    seen: dict[tuple[str, str], str] = {}
    versions: dict[str, str | None] = {}
    for name, split in task.splits.items():
        other = seen.setdefault((split.dataset, split.split), name)
        if other != name:
            yield Finding(f"splits.{name}", f"is the same data as splits.{other}; no two splits may share items")
        if versions.setdefault(split.dataset, split.version) != split.version:
            yield Finding(f"splits.{name}.version", f"{split.dataset} has another version in a split before; name one")
    opened = {split.dataset for name, split in task.splits.items() if name not in HIDDEN}
    for name in HIDDEN:
        if name in task.splits and task.splits[name].dataset in opened:
            yield Finding(
                f"splits.{name}.dataset", "is also the dataset of a split that notebooks read; the hidden test needs "
                "a dataset of its own, which the evaluator alone reads",
            )  # fmt: skip


def _truth(task: TaskDefinition) -> Iterator[Finding]:
    rule, truth = KINDS[task.kind], task.truth
    for name in _TRUTH:
        given, needed = bool(getattr(truth, name)), name in rule.needs
        if needed and not given:
            yield Finding(f"truth.{name}", f"is missing; {task.kind} needs {', '.join(rule.needs)}")
        elif given and not needed:
            yield Finding(f"truth.{name}", f"does not belong to {task.kind}, which has {', '.join(rule.needs)}")
    if truth.item not in rule.items:
        yield Finding("truth.item", f"an item of {task.kind} is a {' or a '.join(rule.items)}")
    if truth.levels and truth.levels[0] >= truth.levels[1]:
        yield Finding("truth.levels", "the lowest level stands first, then a higher one")
    if truth.classes and (len(truth.classes) < 2 or len(set(truth.classes)) < len(truth.classes)):
        yield Finding("truth.classes", "needs two classes or more, each named once")
    if truth.event and truth.event == truth.column:
        yield Finding("truth.event", "is the column of the time; the event has a column of its own")
    if task.label.verified and task.label.id in OPINIONS:
        yield Finding("label.verified", f"{task.label.id} is the opinion of readers, so this is false")


def _metrics(task: TaskDefinition) -> Iterator[Finding]:
    fitting = [metric for metric in DEFINITIONS if metric.split(":")[0] in KINDS[task.kind].metrics]
    for number, metric in enumerate(task.metrics):
        if metric not in fitting:
            yield Finding(f"metrics.{number}", f"{metric} does not measure {task.kind}; {', '.join(fitting)} would")
    yield from _once("metrics", task.metrics)
    if not DEFINITIONS[task.metric].may_rank:
        yield Finding("metrics.0", f"{task.metric} has no direction, so it cannot rank; name another one first")
    wanted = "delong" if task.metric == "auc_delong:v1" else "bootstrap"
    if task.interval.method != wanted and task.metric in fitting:
        yield Finding("interval.method", f"{task.metric} has the interval “{wanted}”")
    if task.k > 1 and not task.truth.classes:
        yield Finding("k", "belongs to kinds with classes")
    if task.truth.classes and task.k >= len(task.truth.classes):
        yield Finding("k", f"with {len(task.truth.classes)} classes k is at most {len(task.truth.classes) - 1}")


def _submissions(task: TaskDefinition) -> Iterator[Finding]:
    fitting = KINDS[task.kind].submissions
    for number, kind in enumerate(task.submissions):
        if kind not in fitting:
            yield Finding(f"submissions.{number}", f"{task.kind} takes {', '.join(fitting)}")
    yield from _once("submissions", task.submissions)
    if task.quota.scored_in_all < task.quota.scored_per_week:
        yield Finding("quota.scored_in_all", f"is below scored_per_week ({task.quota.scored_per_week})")


def _baselines(task: TaskDefinition) -> Iterator[Finding]:
    fitting = KINDS[task.kind].baselines
    for number, baseline in enumerate(task.baselines):
        if baseline.rule not in fitting:
            yield Finding(f"baselines.{number}.rule", f"{task.kind} has {', '.join(fitting)}")
        if (baseline.rule == "column") != (baseline.column is not None):
            yield Finding(f"baselines.{number}.column", "belongs to the rule “column”, which needs it")
        if baseline.column and baseline.column in (task.truth.column, task.truth.event):
            yield Finding(f"baselines.{number}.column", "is the truth itself")
    yield from _once("baselines", [baseline.name for baseline in task.baselines])


def _ceiling(task: TaskDefinition) -> Iterator[Finding]:
    maker = MAKERS.get(task.ceiling or "")
    if task.synthetic and task.ceiling is None:
        yield Finding("ceiling", "is missing; a synthetic task publishes what can be reached at most")
    if task.synthetic and not task.baselines:
        yield Finding("baselines", "is missing; a synthetic task shows that something lies below its ceiling")
    if maker and not task.synthetic:
        yield Finding("ceiling", f"{task.ceiling} is the generator's; real data have no known ceiling, leave it out")
    if maker and maker != task.kind:
        yield Finding("ceiling", f"{task.ceiling} is the ceiling of {maker}, not of {task.kind}")


def _numbers(task: TaskDefinition) -> Iterator[Finding]:
    if task.kind == "binary" and task.prevalence is None:
        yield Finding("prevalence", "is missing; a binary task says how common positives are where it would be used")
    if task.kind != "binary" and task.prevalence is not None:
        yield Finding("prevalence", "belongs to binary tasks")


def _subgroups(task: TaskDefinition) -> Iterator[Finding]:
    for number, group in enumerate(task.subgroups):
        if list(group.bands) != sorted(set(group.bands)):
            yield Finding(f"subgroups.{number}.bands", "rise from one edge to the next")
        if group.table is None and task.truth.table is None:
            yield Finding(f"subgroups.{number}.table", "is missing; this task has no table of truth to take it from")
    yield from _once("subgroups", [group.name for group in task.subgroups])


def _once(place: str, names: Iterable[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield Finding(f"{place}.{number}", f"“{name[:60]}” stands twice")
        seen.add(name)
