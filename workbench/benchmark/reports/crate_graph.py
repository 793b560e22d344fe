"""The description of a run in the words of RO-Crate: which files, who did what with which data, and what came out.

Runs in: Jupyter server | terminal
Source: RO-Crate 1.3 (https://w3id.org/ro/crate/1.3); Process Run Crate 0.6 (https://w3id.org/ro/wfrun/process/0.6),
requirements table.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

from workbench.benchmark.metrics.definitions import DEFINITIONS
from workbench.benchmark.reports.recording import Result

PROCESS = "https://w3id.org/ro/wfrun/process/"
VERSION = "0.6"
LICENCE = "https://spdx.org/licenses/Apache-2.0"
RUN, TOOL = "#run", "#workbench"
ACTIONS = ("CreateAction", "ActivateAction", "UpdateAction")
TOOLS = ("SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow")
# Packages that a reader wants to see by name; the environment's file lists all.
NAMED_PACKAGES = {
    "numpy": "https://numpy.org", "scipy": "https://scipy.org", "torch": "https://pytorch.org",
    "dask": "https://www.dask.org", "papermill": "https://papermill.readthedocs.io",
}  # fmt: skip
PYTHON = "https://www.python.org"
# The workbench has no page of its own; the report in the crate is what says most about it.
WORKBENCH_PAGE = "report.html"


def describe(
    files: Mapping[str, bytes], kinds: Mapping[str, tuple[str, str]], about: Mapping[str, Any],
    results: Sequence[Result],
) -> ROCrate:  # fmt: skip
    """Give a crate that holds these files and says what they are.

    Parameters
    ----------
    files : mapping of str to bytes
        By their name in the crate; the first is the notebook that was run.
    kinds : mapping of str to (str, str)
        What a file is, and its media type; other files are pictures.
    about : mapping
        What `run_notebook` knows of the run.
    results : sequence of Result
        What the notebook declares.
    """
    crate = ROCrate()
    root = crate.root_dataset
    root["name"] = str(about["question"])
    root["description"] = "One run of a benchmark notebook in a governed kernel; the data stay where they are."
    root["license"] = _entity(
        crate, LICENCE, "CreativeWork", name="Apache License 2.0", description="Of the notebook and this description."
    )
    root["conformsTo"] = _entity(
        crate, f"{PROCESS}{VERSION}", ["CreativeWork", "Profile"], name="Process Run Crate", version=VERSION
    )
    root["keywords"] = ["benchmark", "reproducibility", *sorted({str(one.metric) for one in results if one.metric})]
    versions = dict(line.split("==", 1) for line in about["environment"] if "==" in line)
    _entity(crate, "#python", "ComputerLanguage", name="Python", version=versions.get("python", "3"), url=PYTHON)
    added = {name: _file(crate, name, content, kinds) for name, content in files.items()}
    notebook = next(iter(added.values()))
    agent = crate.add(Person(crate, f"#person/{_id(about['account'])}", properties={"name": str(about["account"])}))
    action = _entity(
        crate, RUN, "CreateAction", name=f"Run of {about['notebook']}", description=_command(about),
        startTime=_in_seconds(about["started"]), endTime=_in_seconds(about["ended"]),
        actionStatus="http://schema.org/CompletedActionStatus",
    )  # fmt: skip
    action["instrument"], action["agent"] = _tool(crate, about, versions, added), agent
    action["object"] = [notebook, *_parameters(crate, about), *_data(crate, about)]
    outputs = [item for name, item in added.items() if item is not notebook and name != "environment.txt"]
    action["result"] = [*outputs, *_results(crate, results)]
    root["author"], root["publisher"], root["mentions"], root["mainEntity"] = agent, agent, action, notebook
    return crate


def _in_seconds(stamp: str | None) -> str | None:
    """Give a time without parts of a second, which not every reader of a crate takes for ISO 8601."""
    return stamp and datetime.fromisoformat(stamp).isoformat(timespec="seconds")


def _file(crate: ROCrate, name: str, content: bytes, kinds: Mapping[str, tuple[str, str]]) -> Any:
    said, media = kinds.get(name, ("A picture of this run", "image/png"))
    properties: dict[str, Any] = {
        "name": name.rsplit("/", 1)[-1], "description": said, "encodingFormat": media,
        "sha256": hashlib.sha256(content).hexdigest(), "contentSize": str(len(content)),
    }  # fmt: skip
    if name.endswith(".ipynb"):
        properties["@type"] = ["File", "SoftwareSourceCode"]
        properties["programmingLanguage"] = {"@id": "#python"}
    return crate.add_file(io.BytesIO(content), name, properties=properties)


def _tool(crate: ROCrate, about: Mapping[str, Any], versions: Mapping[str, str], added: Mapping[str, Any]) -> Any:
    """Give what ran the notebook: the workbench, in a kernel isolated so and so, on these packages."""
    needed = [
        _entity(crate, f"#package/{name}", "SoftwareApplication", name=name, version=versions[name], url=page)
        for name, page in NAMED_PACKAGES.items()
        if name in versions
    ]
    lock = [added["environment.txt"]] if "environment.txt" in added else []
    return _entity(
        crate, TOOL, "SoftwareApplication", name="ai4h-workbench", version=versions.get("ai4h-workbench", "unknown"),
        url=WORKBENCH_PAGE, description=f"Kernel {about['kernel']}, isolation {about['isolation']}",
        softwareRequirements=[*needed, *lock],
    )  # fmt: skip


def _command(about: Mapping[str, Any]) -> str:
    given = "".join(f" -p {name}={json.dumps(value)}" for name, value in about["parameters"].items())
    return f"workbench run {about['notebook']}{given}"


def _parameters(crate: ROCrate, about: Mapping[str, Any]) -> list[Any]:
    return [
        _entity(crate, f"#parameter/{_id(name)}", "PropertyValue", name=name, value=json.dumps(value))
        for name, value in about["parameters"].items()
    ]


def _data(crate: ROCrate, about: Mapping[str, Any]) -> list[Any]:
    """Name the data by their version; the crate never holds them."""
    return [
        _entity(
            crate,
            f"#data/{_id(name)}",
            "CreativeWork",
            name=name,
            version=str(version),
            identifier=str(version),
            description="A version of a governed dataset; to be asked for where it lies.",
            conditionsOfAccess="Under a grant for a purpose, or as its custodian allows.",
        )  # fmt: skip
        for name, version in sorted(about["data"].items())
    ]


def _results(crate: ROCrate, results: Sequence[Result]) -> list[Any]:
    found = []
    for one in results:
        around = {} if one.interval is None else {"minValue": one.interval[0], "maxValue": one.interval[1]}
        defined = {} if one.metric is None else {"propertyID": one.metric, "description": DEFINITIONS[one.metric].text}
        found.append(
            _entity(
                crate, f"#result/{_id(one.name)}", "PropertyValue", name=one.name, value=one.value, **around, **defined
            )
        )
    return found


def _id(name: object) -> str:
    """Give a name as a part of an identifier."""
    return quote(str(name), safe="-_.")


def _entity(crate: ROCrate, identifier: str, kind: str | list[str], /, **properties: Any) -> Any:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def profile_problems(metadata: Mapping[str, Any]) -> list[str]:
    """Say what a crate's description lacks of what Process Run Crate demands; nothing when it conforms.

    Parameters
    ----------
    metadata : mapping
        The content of ``ro-crate-metadata.json``.
    """
    graph = metadata.get("@graph")
    if not isinstance(graph, list) or not all(isinstance(item, dict) and "@id" in item for item in graph):
        return ["it has no graph of entities with identifiers"]
    known = {str(item["@id"]): item for item in graph}
    if len(known) != len(graph):
        return ["two of its entities have the same identifier"]
    root = known.get("./", {})
    problems = [f"its root has no {name}" for name in ("name", "datePublished", "conformsTo") if not root.get(name)]
    if not any(one.startswith(PROCESS) for one in _ids(root.get("conformsTo"))):
        problems.append("it does not say that it is a Process Run Crate")
    actions = [known[one] for one in _ids(root.get("mentions")) if set(_kinds(known.get(one, {}))) & set(ACTIONS)]
    if not actions:
        problems.append("its root mentions no action")
    for action in actions:
        problems += _action_problems(action, known)
    parts = set(_ids(root.get("hasPart")))
    files = {name for name, item in known.items() if "File" in _kinds(item)}
    return problems + [f"{name} is not part of its root" for name in sorted(files - parts)]


def _action_problems(action: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    name, problems = action["@id"], []
    tools = [known.get(one, {}) for one in _ids(action.get("instrument"))]
    if not tools or not all(set(_kinds(tool)) & set(TOOLS) for tool in tools):
        problems.append(f"{name} names no software as its instrument")
    named = [one for field in ("object", "result", "agent") for one in _ids(action.get(field))]
    problems += [f"{name} names {one}, which is not described" for one in named if one not in known]
    has_failed = any(
        one.endswith("FailedActionStatus")
        for one in [*_ids(action.get("actionStatus")), str(action.get("actionStatus"))]
    )
    if action.get("error") and not has_failed:
        problems.append(f"{name} has an error, yet did not fail")
    return problems


def _ids(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [str(one["@id"]) for one in found if isinstance(one, dict) and "@id" in one]


def _kinds(item: Mapping[str, Any]) -> list[str]:
    kind = item.get("@type", [])
    return kind if isinstance(kind, list) else [str(kind)]
