"""The verbs `score` and `metrics`: any metric on files, and what each of them means.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.benchmark.markup import interval_text
from workbench.benchmark.metrics.definitions import DEFINITIONS, Definition, definition

if TYPE_CHECKING:
    from workbench.benchmark.metrics.evaluate import Evaluation
    from workbench.benchmark.metrics.score_files import Files

DIGITS = 4
EPILOG = "What each metric reads:\n" + "\n".join(f"  {key:<16}{one.inputs}" for key, one in DEFINITIONS.items())
SHORTS = ", ".join(dict.fromkeys(one.short for one in DEFINITIONS.values()))
KEYS = f"""
--json prints metric, name, value (under its short name too: {SHORTS}),
interval ([low, high], or null for none), units, bootstrap, seed, definition, and what belongs to the metric, such as
  froc_cpm:v1     sensitivity and sensitivity_interval at false_positives_per_scan, scans, nodules, nodules_found
  auc_delong:v1   standard_error, positives, negatives, bootstrap_interval
  masks           values (of each file by its name), label, empty_truth, empty_prediction
  --against       against: value, difference, interval, standard_error, p, test
"""
EXAMPLES = """
examples:
  workbench score --metric froc_cpm:v1 --annotations A.csv --excluded E.csv --scans S.csv --predictions P.csv
  workbench score --metric auc_delong:v1 --truth truth.csv --predictions P.csv --unit patient --json
  workbench score --metric hd95:v1 --truth masks/ --predictions mine/ --label 1
"""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _print_json(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False, allow_nan=False))


def score_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the metric, the files it needs, and how it is measured."""
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, EPILOG + "\n" + KEYS + EXAMPLES
    parser.add_argument("--metric", required=True, metavar="ID", help="id and version; `workbench metrics` lists them")
    parser.add_argument("--predictions", type=Path, required=True, metavar="FILE", help="what is measured")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="what is true: CSV with an id, NIfTI, or a folder")
    parser.add_argument("--annotations", type=Path, metavar="FILE", help="FROC: the nodules")
    parser.add_argument("--excluded", type=Path, metavar="FILE", help="FROC: findings that count neither way")
    parser.add_argument("--scans", type=Path, metavar="FILE", help="FROC: one scan id a line, no header")
    parser.add_argument("--label", metavar="LABEL", help="masks: the structure's number; CSV: the positive label")
    parser.add_argument("--k", type=int, metavar="N", help="top-k: how many classes may be named (1)")
    parser.add_argument("--unit", metavar="COLUMN", help="the truth's column that names the patient or scan of an item")
    parser.add_argument("--against", type=Path, metavar="FILE", help="other predictions; gives the paired difference")
    parser.add_argument("--bootstrap", type=int, default=1000, metavar="N", help="resamples for the interval (1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="seed of the resamples (0)")


def score(args: argparse.Namespace) -> None:
    """Score files and print the number with its interval and definition."""
    from workbench.benchmark.metrics.score_files import Files, evaluate_files  # noqa: PLC0415 - heavy, on first use

    files = Files(
        args.predictions, args.truth, args.annotations, args.excluded, args.scans, args.label, args.k, args.unit
    )
    found = evaluate_files(args.metric, files, bootstrap=args.bootstrap, seed=args.seed)
    body = found.measured.as_dict()
    if args.against is not None:
        body["against"] = _against(found, files, args)
    if args.json:
        _print_json(body)
    else:
        _show(found, body)


def _against(found: Evaluation, files: Files, args: argparse.Namespace) -> dict[str, Any]:
    from workbench.benchmark.metrics.score_files import compare, evaluate_files  # noqa: PLC0415 - heavy, on first use

    other = replace(files, predictions=args.against)
    second = evaluate_files(args.metric, other, bootstrap=args.bootstrap, seed=args.seed)
    apart, test = compare(found, second, files, other)
    return {
        "predictions": args.against.name, "value": second.measured.value, "difference": apart.difference,
        "interval": [_finite(n) for n in apart.interval], "standard_error": _finite(apart.standard_error),
        "p": _finite(apart.p), "test": test,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    """JSON has no NaN: null says that there is no number."""
    return value if abs(value) < float("inf") else None


def _show(found: Evaluation, body: dict[str, Any]) -> None:
    measured, meant = found.measured, found.measured.definition
    unit = f" {meant.measured_in}" if meant.measured_in else ""
    _say(f"{meant.name} {interval_text(measured.value, measured.interval, DIGITS)}{unit}")
    details = measured.details
    for number, per_scan in enumerate(details.get("false_positives_per_scan", [])):
        around = (details["sensitivity_interval"] or [None] * 7)[number]
        value = interval_text(details["sensitivity"][number], around, DIGITS)
        _say(f"  sensitivity at {per_scan:>5g} per scan  {value}")
    for name in ("intercept", "in_the_large"):
        if name in details:
            around = details[f"{name}_interval"]
            _say(f"  {name.replace('_', ' '):<13}{interval_text(details[name], around, DIGITS)}")
    for name, value in list(details.get("values", {}).items())[:20] if len(details.get("values", {})) > 1 else ():
        _say(f"  {name:<24}{value:.{DIGITS}f}{unit}")
    if "against" in body:
        other = body["against"]
        ends = [_number(end) for end in other["interval"]]
        apart = f"{_number(other['difference'])} ({ends[0]} to {ends[1]}), p {_number(other['p'])}, {other['test']}"
        _say(f"  minus {other['predictions']}: {apart}")
    _say(f"{measured.metric}: {meant.text}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.{DIGITS}g}"


def metrics_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the id of one metric, or none for all."""
    parser.add_argument("metric", nargs="?", metavar="ID", help="one metric, such as hd95:v1")


def metrics(args: argparse.Namespace) -> None:
    """List the metrics, or give the definition of one."""
    if args.metric is None:
        chosen = list(DEFINITIONS.values())
        if args.json:
            _print_json([_as_dict(one) for one in chosen])
            return
        for one in chosen:
            _say(f"{one.metric:<16} {one.name:<28} {_direction(one)}")
        return
    one = definition(args.metric)
    if args.json:
        _print_json(_as_dict(one))
        return
    _say(
        f"{one.name} ({one.metric}), {_direction(one)}\n{one.text}\nworkbench score --metric {one.metric} {one.inputs}"
    )


def _direction(one: Definition) -> str:
    if not one.may_rank:
        return "ranks nothing"
    unit = f" ({one.measured_in})" if one.measured_in else ""
    return ("higher" if one.higher_is_better else "lower") + f" is better{unit}"


def _as_dict(one: Definition) -> dict[str, Any]:
    return {
        "metric": one.metric, "name": one.name, "short": one.short, "definition": one.text, "inputs": one.inputs,
        "higher_is_better": one.higher_is_better, "may_rank": one.may_rank, "measured_in": one.measured_in,
    }  # fmt: skip
