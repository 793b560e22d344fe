"""A home with the data of the shipped tasks, small enough that an evaluation takes no time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from homes import Lines, begin, lines_of, scan_facts, send, volume_of
from in_process import opened

from workbench.connection import Connection, gateway_answers, running_gateway
from workbench.gateway import evaluating, evaluator_routes, lifecycle
from workbench.gateway.state import State
from workbench.ingest.tables.nodules import DECLARATION, nodule_table
from workbench.settings import Settings, load_settings

TASK, BINARY = "lung-nodule-detection", "nodule-malignancy"
SHAPE = (32, 48, 48)
# The hidden scans; each holds two nodules, the first of them malignant.
HIDDEN = ("public_test", "public_test", "public_test", "final_test", "final_test")
ITEMS = [f"S{number:04d}" for number in range(1, len(HIDDEN) + 1)]
NODULE_ITEMS = [f"{scan}-{row}" for scan in ITEMS for row in (1, 2)]


def fill_tasks(lines: Lines) -> None:
    """Fill the two datasets that the shipped tasks name."""
    _fill(lines, "chest-ct", "open", ("train", "validation"))
    _fill(lines, "chest-ct-test", "undisclosed", HIDDEN)


@contextmanager
def home_of_tasks(home: Path) -> Iterator[State]:
    """Have a home with the tasks' data open in this process, without anybody who works off its queue."""
    settings = load_settings(home)
    with running_gateway(settings), lines_of(settings) as lines:
        fill_tasks(lines)
    while gateway_answers(settings):
        time.sleep(0.05)
    with opened(settings) as state:
        yield state


def marks(probability: float = 0.5) -> bytes:
    """Give predictions for the detection task: one mark on the first nodule of each scan."""
    rows = [f"{scan},10,20,40,{probability}" for scan in ITEMS]
    return "\n".join(["scan,x_mm,y_mm,z_mm,probability", *rows]).encode()


def answers(probability: float = 0.5) -> bytes:
    """Give predictions for the binary task: the same for each nodule."""
    return "\n".join(["id,probability", *(f"{item},{probability}" for item in NODULE_ITEMS)]).encode()


def model() -> bytes:
    """Give an ONNX model: how bright the middle of a patch is."""
    from onnx import TensorProto, helper

    takes = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 1, 32, 32, 32])
    gives = helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n"])
    nodes = [helper.make_node("ReduceMean", ["patches"], ["probability"], axes=[1, 2, 3, 4], keepdims=0)]
    made = helper.make_model(
        helper.make_graph(nodes, "m", [takes], [gives]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return bytes(made.SerializeToString())


def serve_impatiently(settings: Settings) -> None:
    """Serve a home whose evaluators are given up after ten seconds of silence."""
    evaluating.SILENCE_S, evaluator_routes.HEARTBEAT_S = 10.0, 1.0  # type: ignore[misc, attr-defined]
    lifecycle.serve(settings)


def submit(
    line: Connection, content: bytes, *, task: str = TASK, kind: str = "predictions", intent: str = "scored"
) -> dict[str, Any]:
    """Send a submission and give the gateway's answer."""
    url = f"/v1/tasks/{task}/submissions?kind={kind}&intent={intent}"
    reply: dict[str, Any] = json.loads(line.request("POST", url, body=content)[2])
    return reply


def _fill(lines: Lines, dataset: str, tier: str, splits: tuple[str, ...]) -> None:
    line = lines.operator()
    begun = begin(line, dataset, tier)
    url, scans = f"/v1/ingests/{begun['ingest']}", []
    for number, split in enumerate(splits, 1):
        voxels = volume_of(number, SHAPE)
        facts = scan_facts(voxels, number, split)
        send(line, begun["ingest"], voxels, facts)
        scans.append(facts)
        rows = [{
            "scan": facts["scan"], "nodule": f"N{row:04d}", "x_mm": 10.0 * row, "y_mm": 20.0, "z_mm": 40.0,
            "diameter_mm": 8.0, "texture": "solid", "place": "isolated", "malignant": row == 1,
        } for row in (1, 2)]  # fmt: skip
        part = f"{url}/objects/tables/nodules/{facts['subject']}.arrow?subject={facts['subject']}"
        line.request("PUT", part, body=nodule_table(rows))
    line.request("PUT", f"{url}/objects/tables/nodules.json", body=json.dumps(DECLARATION).encode())
    made = line.post(f"{url}/commit", {"scans": scans, "card": {}, "note": "test", "findings": []})
    if made["status"] == "waiting":
        lines.sign_off(dataset)
