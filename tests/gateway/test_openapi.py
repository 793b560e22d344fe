"""The gateway describes itself, and survives whatever its description allows or forbids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from homes import Lines, fill, lines_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests import Request
from schemathesis.generation import GenerationMode

from workbench.connection import Connection, running_gateway
from workbench.errors import ERRORS
from workbench.gateway.forms import FORMS, RAW
from workbench.gateway.openapi import describe
from workbench.gateway.routes import ROUTES
from workbench.settings import load_settings

NAMES = [f"{route.method} {route.path}" for route in ROUTES]
SCHEMA = schemathesis.openapi.from_dict(describe(ROUTES))
OPERATIONS = sorted((path, method) for path, item in describe(ROUTES)["paths"].items() for method in item)


def test_every_route_that_takes_a_body_says_which() -> None:
    taking = {name for name in NAMES if name.startswith(("POST", "PUT"))}
    assert taking == set(FORMS) | set(RAW)


def test_the_description_is_served_and_names_every_route(shared: Lines) -> None:
    served = shared.person("researcher").get("/v1/openapi.json")
    assert served == json.loads(json.dumps(describe(ROUTES)))
    assert sum(len(item) for item in served["paths"].values()) == len(ROUTES)


# What the paths of a filled home hold; every other case asks about these.
KNOWN = {
    "dataset": "clinic-ct", "scan": "S0001", "table": "scans", "key": "zarr.json", "request": "R1", "grant": "G1",
    "task": "lung-nodule-detection", "offer": "X1", "label": "lungs", "subject": "P0001", "seq": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give a home of this module's own, for what is sent may change it."""
    settings = load_settings(tmp_path_factory.mktemp("fuzzed") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill(lines.operator(), "open-ct", "open", seeds=(1,))
        fill(lines.person("custodian"), "clinic-ct")
        lines.grant("researcher", "clinic-ct")
        yield lines


def _send(line: Connection, case: Any) -> tuple[int, bytes, str]:
    """Send a generated case as its bytes stand and give status, body and content type."""
    made = case.as_transport_kwargs(base_url="http://gateway")
    request = Request(
        made["method"], made["url"], params=made.get("params"), json=made.get("json"), data=made.get("data")
    ).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body
    headers = {"Authorization": f"Bearer {line.token}", "Content-Type": "application/json"}
    status, received, content = line._exchange(str(request.method), request.path_url, body, headers)
    return status, content, received.get("content-type", "")


def _holder(lines: Lines, kinds: tuple[str, ...]) -> Connection:
    """Give somebody who may knock at a route: the one who can do most there."""
    if "person" in kinds:
        return lines.person("custodian")
    if "kernel" in kinds:
        return lines.kernel("researcher")
    return lines.operator() if "operator" in kinds else lines.with_token("evaluator")


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: value)
def test_nothing_that_is_sent_breaks_a_route(fuzzed: Lines, path: str, method: str) -> None:
    operation = SCHEMA[path][method.upper()]
    route = next(r for r in ROUTES if r.method.lower() == method and r.path.replace(":path", "") == path)
    line = _holder(fuzzed, route.kinds)
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @given(case=cases, is_known=st.booleans())
    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Any, is_known: bool) -> None:
        if is_known and case.path_parameters:
            case.path_parameters = {name: KNOWN.get(name, value) for name, value in case.path_parameters.items()}
        status, content, kind = _send(line, case)
        assert status < 500 or status == 501
        if status >= 400 and method != "head":
            refused = json.loads(content)
            assert set(refused) == {"error", "code", "message"} and refused["error"] in ERRORS
            assert kind == "application/json"

    answered()


def test_the_log_of_the_fuzzed_gateway_holds_no_trace(fuzzed: Lines) -> None:
    assert fuzzed.person("custodian").get("/v1/audit/verify")["ok"]
    assert "Traceback" not in (fuzzed.settings.run / "gateway.log").read_text()
