"""Offer files from a notebook for release through the airlock.

Runs in: kernel | terminal
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from workbench.airlock.kinds import kind_of
from workbench.airlock.membership import ENDING as EVALUATION
from workbench.airlock.scan import MAX_FILE_BYTES
from workbench.airlock.sidecar import sidecar_name
from workbench.connection import Connection, connect_from_environment
from workbench.errors import InvalidInput


@dataclass(frozen=True)
class Offer:
    """A release on its way through the airlock."""

    id: str
    state: str
    reason: str
    files: tuple[str, ...]
    findings: tuple[dict[str, str], ...]
    votes_given: int
    votes_needed: int
    body: dict[str, Any] = field(repr=False, default_factory=dict)

    def _repr_html_(self) -> str:
        found = "".join(
            f"<li><b>{escape(f['file'])}</b>, {escape(f['place'])}: {escape(f['reason'])}</li>" for f in self.findings
        )
        return (
            '<div style="font:13px var(--jp-ui-font-family,sans-serif);border:1px solid var(--jp-border-color1,#ccc);'
            f'border-radius:8px;padding:.7em 1em;display:inline-block"><b>Release {self.id}</b> · {self.state}<br>'
            f"{escape(', '.join(self.files))} — {escape(self.reason)}<br>"
            f"{self.votes_given} of {self.votes_needed} output checkers have voted"
            + (f"<br>The automatic checks point at:<ul style='margin:.2em 0'>{found}</ul>" if found else "")
            + "</div>"
        )


def offer(*files: str | Path, reason: str, controls: str, project: str = "", draft: bool = False) -> Offer:
    """Offer files of the workspace for release; two output checkers look at them before they can leave.

    Parameters
    ----------
    *files : str or Path
        Pictures, tables, notebooks, models (ONNX, safetensors) or text, 1 to 50 of them, each at most 20 MB. The
        sidecar that `tabulate` wrote beside a table goes along by itself.
    reason : str
        What they are for.
    controls : str
        What was done against disclosure, such as rounding, or a minimum number of subjects.
    project : str, optional
        The project that they are results of; your only one, or else your account.
    draft : bool, default False
        Keep the offer for later instead of handing it to the output checkers.

    Returns
    -------
    Offer

    Raises
    ------
    InvalidInput
        When a file is missing or cannot be judged, or there is no reason or controls.
    OutputNotClean
        When an automatic check refuses a file.
    """
    line = connect_from_environment()
    try:
        return send_offer(line, files, reason=reason, controls=controls, project=project, is_draft=draft)
    finally:
        line.close()


def send_offer(
    line: Connection, files: Sequence[str | Path], *, reason: str, controls: str,
    project: str = "", is_draft: bool = False,
) -> Offer:  # fmt: skip
    """Send an offer over a line that is already signed in."""
    contents = {name: base64.b64encode(content).decode() for name, content in read_files(files).items()}
    body = {"files": contents, "reason": reason, "controls": controls, "project": project, "draft": is_draft}
    return offer_from_dict(line.post("/v1/offers", body))


def read_files(files: Sequence[str | Path]) -> dict[str, bytes]:
    """Give files by name, each table with its sidecar and each model with its evaluation, where they lie beside it.

    Raises
    ------
    InvalidInput
        When one is missing or too large, or two have one name.
    """
    contents: dict[str, bytes] = {}
    for path in map(Path, files):
        if not path.is_file():
            raise InvalidInput(f"There is no file “{path}”; save the figure or table first, then offer it.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidInput(f"“{path.name}” is larger than {MAX_FILE_BYTES:,} bytes; release a summary instead.")
        if path.name in contents:
            raise InvalidInput(f"Two files are called “{path.name}”; rename one.")
        contents[path.name] = path.read_bytes()
        is_model = kind_of(path.name) == "model"
        beside = path.with_name(path.name + EVALUATION if is_model else sidecar_name(path.name))
        if kind_of(path.name) in ("table", "model") and beside.is_file() and beside not in map(Path, files):
            contents[beside.name] = beside.read_bytes()
    return contents


def offer_from_dict(body: dict[str, Any]) -> Offer:
    """Read a release as the gateway sends it."""
    return Offer(
        id=body["id"], state=body["state"], reason=body["reason"], files=tuple(file["name"] for file in body["files"]),
        findings=tuple(finding for file in body["files"] for finding in file["findings"]),
        votes_given=body["votes_given"], votes_needed=body["votes_needed"], body=body,
    )  # fmt: skip
