"""The ingest report: what came in, what was done to it, and what a second person confirms by signing it off.

One HTML file, no script, nothing fetched. It never holds a value of the source or the name of a source file.

Runs in: ingest host
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from typing import Any

from workbench.ingest.report_pictures import Picture
from workbench.ingest.report_words import KINDS, REMOVED, option_words, rule_words
from workbench.vault.names import VERSION_MARK

# A total segmentation has a hundred regions; what is more than this opens with a click.
MOST_ROWS = 12
SMALLEST_GROUP, FEWEST_VALUES = 5, 2
CONFIRMED = (
    "These are the series that the dataset is meant to hold, and nothing else came with them.",
    "In no picture above can a name, a number, a date or a face be recognised.",
    "I have read every warning, and what was refused or left out is rightly not here.",
    "Labels and tables belong to these scans, and no row of a table points at one person.",
    "Consent or approval covers the use of these data under the dataset's rules.",
)


@dataclass(frozen=True)
class LabelFacts:
    """A region on a scan: its name, where it came from (SEG, RTSTRUCT, NIfTI …), and how large it is."""

    name: str
    source: str
    volume_ml: float


@dataclass(frozen=True)
class SeriesFacts:
    """A new scan.

    Parameters
    ----------
    facts : mapping
        As in its `scan.json`: scan, subject, split, modality, shape, spacing_mm, hu, unit, warnings …
    files : int
        How many source files it was made of.
    sheet : sequence of Picture
        Of `contact_sheet`.
    labels : sequence of LabelFacts
        Regions that came with it.
    covered : int, default 0
        How many places with writing were painted over in its pixels.
    """

    facts: Mapping[str, Any]
    files: int
    sheet: Sequence[Picture] = ()
    labels: Sequence[LabelFacts] = ()
    covered: int = 0


@dataclass(frozen=True)
class TableFacts:
    """A table: how many rows of how many subjects, what became of its columns, and how small its groups are.

    Parameters
    ----------
    name, title : str
        As in its declaration.
    rows, subjects : int
        How many.
    columns : sequence of mapping
        As declared: name, type, unit, description; and, where known, `done`: what was done to the values.
    removed : int, default 0
        How many columns of the source were left out.
    k, l : int, optional
        The smallest group of subjects that look alike, and the fewest sensitive values in one (k-anonymity,
        l-diversity).
    """

    name: str
    title: str
    rows: int
    subjects: int
    columns: Sequence[Mapping[str, Any]]
    removed: int = 0
    k: int | None = None
    l: int | None = None  # noqa: E741 - the letter of l-diversity


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the report tells.

    Parameters
    ----------
    dataset, title, tier, uploader : str
        Of the dataset, and who brings this in.
    date : str
        When, such as ``2026-05-03``.
    profile, profile_digest : str
        Name and SHA-256 of the de-identification profile.
    options : sequence of str
        Names of the profile's options that are on.
    counts : mapping of str to int
        How often each rule was applied.
    series, tables
        What came in.
    warnings : sequence of str
        What a custodian should know of the whole.
    refused, ignored : mapping of str to int
        How many files were refused by code, and left out by reason; never their names.
    findings : sequence of mapping, optional
        What the verifier found (file, element, rule); None when it did not run.
    """

    dataset: str
    title: str
    tier: str
    uploader: str
    date: str
    profile: str
    profile_digest: str
    options: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    series: Sequence[SeriesFacts] = ()
    tables: Sequence[TableFacts] = ()
    warnings: Sequence[str] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] | None = None


def make_report(facts: ReportFacts) -> str:
    """Give the report as one HTML page; the gateway writes the version's id into it at the commit."""
    style = files("workbench.ingest").joinpath("report.css").read_text(encoding="utf-8")
    body = "".join((
        _head(facts), _verdicts(facts), _findings(facts), _warnings(facts), _series(facts), _tables(facts),
        _rules(facts), _left_out(facts), _sign(facts),
    ))  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Ingest report: {escape(facts.dataset)}</title><style>{style}</style></head>"
        f"<body><main>{body}<footer>Made on the ingest host. It holds no value and no file name of the source; the "
        "pictures are of the arrays that were sent.</footer></main></body></html>"
    )


def _head(facts: ReportFacts) -> str:
    options = "; ".join(option_words(option) for option in sorted(facts.options)) or "none"
    rows = (
        ("Dataset", f"{escape(facts.title)} (<code>{escape(facts.dataset)}</code>, {escape(facts.tier)})"),
        ("Version", f"<code>{VERSION_MARK}</code>"),
        ("Brought in by", f"{escape(facts.uploader)} on {escape(facts.date)}"),
        ("Profile", f"{escape(facts.profile)} <code>{escape(facts.profile_digest)}</code>"),
        ("Options", escape(options)),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return (
        f'<header><div class="kind">Ingest report</div><h1>{escape(facts.title)}</h1>'
        f'<p class="soft">{_contents(facts)}. It waits for the sign-off of a second person; until then nobody reads it.'
        f'</p><dl class="facts">{listed}</dl></header>'
    )


def _contents(facts: ReportFacts) -> str:
    subjects = {one.facts.get("subject") for one in facts.series}
    parts = [f"{_number(len(facts.series), 'new scan')} of {_number(len(subjects), 'subject')}"] if facts.series else []
    labels = sum(len(one.labels) for one in facts.series)
    parts += [_number(labels, "label")] if labels else []
    parts += [_number(len(facts.tables), "table")] if facts.tables else []
    return ", ".join(parts) or "Nothing new"


def _verdicts(facts: ReportFacts) -> str:
    refused, left = sum(facts.refused.values()), sum(facts.ignored.values())
    warnings = len(_all_warnings(facts))
    groups = [table.k for table in facts.tables if table.k is not None]
    covered = sum(one.covered for one in facts.series) or facts.counts.get("cover text", 0)
    found = len(facts.findings) if facts.findings is not None else None
    cards = [
        (
            "bad" if found is None or found else "",
            "not run" if found is None else str(found),
            "findings of the verifier",
        ),
        ("", str(sum(n for rule, n in facts.counts.items() if rule_words(rule).kind == REMOVED)), "elements removed"),
        ("", str(covered), "places with writing covered"),
        ("warn" if warnings else "", str(warnings), "warnings to read"),
        ("warn" if refused + left else "", str(refused + left), "files refused or left out"),
    ]
    if groups:
        cards.append(("bad" if min(groups) < SMALLEST_GROUP else "", str(min(groups)), "smallest group in a table (k)"))
    items = "".join(f'<li class="{mark}"><b>{escape(value)}</b>{escape(text)}</li>' for mark, value, text in cards)
    return f'<ul class="verdicts">{items}</ul>'


def _findings(facts: ReportFacts) -> str:
    head = "<h2>What the verifier found</h2>"
    if facts.findings is None:
        return head + '<p class="note bad">The verifier did not run, so nobody can sign this version off.</p>'
    if not facts.findings:
        return head + (
            '<p class="note good">Nothing. A second reader that shares no code with the first searched every byte '
            "that was sent for the patients' own values, and checked elements, references, dates and marks.</p>"
        )
    rows = [(_code(one.get("file")), _code(one.get("element")), escape(str(one.get("rule")))) for one in facts.findings]
    return (
        head + '<p class="note bad">Each finding stops the sign-off.</p>' + _table(("Where", "Element", "Rule"), rows)
    )


def _all_warnings(facts: ReportFacts) -> list[str]:
    told = list(facts.warnings)
    for one in facts.series:
        told += [f"{one.facts.get('scan')}: {warning}" for warning in one.facts.get("warnings", ())]
    return told


def _warnings(facts: ReportFacts) -> str:
    notes = "".join(f'<p class="note">{escape(warning)}</p>' for warning in _all_warnings(facts))
    return f"<h2>Warnings</h2>{notes}" if notes else ""


def _series(facts: ReportFacts) -> str:
    if not facts.series:
        return ""
    return f"<h2>{_number(len(facts.series), 'new scan')}</h2>" + "".join(_one_series(one) for one in facts.series)


def _one_series(one: SeriesFacts) -> str:
    facts = one.facts
    shape, spacing = " × ".join(map(str, facts["shape"])), " × ".join(f"{mm:.4g}" for mm in facts["spacing_mm"])
    unit = str(facts.get("unit") or ("HU" if facts.get("modality", "CT") == "CT" else "arbitrary"))
    low, high = (f"{facts['hu'][end] * float(facts.get('scale') or 1.0):.6g}" for end in ("min", "max"))
    split = f", split {facts['split']}" if facts.get("split") else ""
    text = (
        f"{facts.get('modality', 'CT')} of {facts['subject']}{split}: {shape} voxels (z, y, x) of {spacing} mm, "
        f"{low} to {high} {'in arbitrary units' if unit == 'arbitrary' else unit}, from {_number(one.files, 'file')}"
    )
    if one.covered:
        text += f"; {_number(one.covered, 'place')} with writing covered in the pixels"
    figures = "".join(
        f'<figure><img src="{picture.uri}" alt="{escape(facts["scan"])}, {escape(picture.caption)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        for picture in one.sheet
    )
    rows = [(escape(label.name), escape(label.source), f"{label.volume_ml:.2f} ml") for label in one.labels]
    heads = ("Label", "From", "Volume")
    labels = _table(heads, rows[:MOST_ROWS], right=(2,)) if rows else ""
    if rest := rows[MOST_ROWS:]:
        labels += f"<details><summary>{len(rest)} more</summary>{_table(heads, rest, right=(2,))}</details>"
    return (
        f'<section class="series"><h3>{escape(facts["scan"])}</h3><p class="soft">{escape(text)}</p>'
        f'<div class="sheet">{figures}</div>{labels}</section>'
    )


def _tables(facts: ReportFacts) -> str:
    return ("<h2>Tables</h2>" if facts.tables else "") + "".join(_one_table(table) for table in facts.tables)


def _one_table(table: TableFacts) -> str:
    size = f"{_number(table.rows, 'row')} of {_number(table.subjects, 'subject')}"
    removed = f"; {_number(table.removed, 'column')} of the source left out" if table.removed else ""
    notes = ""
    if table.k is not None:
        small = table.k < SMALLEST_GROUP or (table.l is not None and table.l < FEWEST_VALUES)
        diversity = (
            f", and each group holds at least {table.l} different sensitive values" if table.l is not None else ""
        )
        notes = (
            f'<p class="note {"bad" if small else "good"}">Every subject looks like {max(table.k - 1, 0)} or more '
            f"others (k = {table.k}){diversity}.</p>"
        )
    rows = [
        (_code(column.get("name")), escape(str(column.get("type", ""))), escape(str(column.get("unit") or "")),
         escape(str(column.get("description") or "")), escape(str(column.get("done") or "kept")))
        for column in table.columns
    ]  # fmt: skip
    heads = ("Column", "Type", "Unit", "Meaning", "What was done")
    return f"<h3>{escape(table.title)}</h3><p class='soft'>{size}{removed}</p>{notes}{_table(heads, rows)}"


def _rules(facts: ReportFacts) -> str:
    total = sum(facts.counts.values())
    if not total:
        return ""
    kinds: Counter[str] = Counter()
    for rule, count in facts.counts.items():
        kinds[rule_words(rule).kind] += count
    shown = [kind for kind in KINDS if kinds[kind]]
    bar = "".join(f'<span class="k-{kind}" style="flex:{kinds[kind]}"></span>' for kind in shown)
    legend = "".join(f'<li><i class="k-{kind}"></i>{kind} {kinds[kind]}</li>' for kind in shown)
    ordered = sorted(facts.counts.items(), key=lambda pair: (KINDS.index(rule_words(pair[0]).kind), -pair[1]))
    rows = []
    for rule, count in ordered:
        words = rule_words(rule)
        rows.append((f'<i class="dot k-{words.kind}"></i>{words.kind}', str(count), escape(words.title), words.text))
    rules = _table(("", "Elements", "What", "Why that is safe"), rows, right=(1,))
    return (
        f"<h2>What was done, by rule</h2><p>{_number(total, 'element')} of the headers were judged, at every depth. "
        f'What no rule keeps is removed.</p><div class="bar" aria-hidden="true">{bar}</div><ul class="legend">{legend}'
        f"</ul>{rules}"
    )


def _left_out(facts: ReportFacts) -> str:
    rows = [("refused", str(count), _code(code)) for code, count in sorted(facts.refused.items())]
    rows += [("left out", str(count), escape(reason)) for reason, count in sorted(facts.ignored.items())]
    if not rows:
        return ""
    return "<h2>What did not come in</h2>" + _table(("", "Files", "Why"), rows, right=(1,))


def _sign(facts: ReportFacts) -> str:
    points = "".join(f"<li>{escape(text)}</li>" for text in CONFIRMED)
    return (
        '<section class="sign"><h2>Sign-off</h2>'
        f"<p>A custodian, an output checker or an administrator signs, but not {escape(facts.uploader)}, who brought "
        "it in. In JupyterLab: sidebar Workbench, section <b>Versions waiting</b>. In a terminal: "
        f"<code>workbench sign-off {escape(facts.dataset)}</code>, or with <code>--reject --reason …</code>, after "
        f"which nothing of it is kept.</p><p>By signing I confirm:</p><ul>{points}</ul>"
        '<div class="lines"><span>Name</span><span>Date</span></div></section>'
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Give a table whose cells are HTML already; `right` names the columns that stand right."""

    def cells(tag: str, row: Sequence[str]) -> str:
        marks = ['class="right"' if column in right else "" for column in range(len(row))]
        return "".join(f"<{tag} {mark}>{cell}</{tag}>" for cell, mark in zip(row, marks, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', heads)}</tr></thead><tbody>{body}</tbody></table>"


def _code(value: object) -> str:
    return f"<code>{escape(str(value))}</code>"


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}".replace(",", " ")
