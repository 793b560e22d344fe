"""Every route of the table refuses whoever has no business there."""

from __future__ import annotations

import base64
import json
import time

import pytest
from homes import Lines

from workbench.connection import Connection
from workbench.errors import AccessDenied, NotFound, NotSignedIn
from workbench.gateway.call import Route
from workbench.gateway.routes import ROUTES
from workbench.gateway.tokens import KINDS, Token, Tokens, open_tokens

EXAMPLES = {
    "dataset": "clinic-ct", "scan": "S0001", "key:path": "0/zarr.json", "table": "scans", "plane": "axial",
    "index": "3", "path:path": "tables/nodules.json",
}  # fmt: skip


def address(route: Route) -> str:
    """Give a path of the route, with names that exist where the shared home has them."""
    parts = [part.strip("{}") if "{" in part else None for part in route.path.split("/")]
    words = route.path.split("/")
    return "/".join(word if name is None else EXAMPLES.get(name, "x1") for word, name in zip(words, parts, strict=True))


def knock(lines: Lines, route: Route, token: str) -> None:
    body = b"{}" if route.method in ("POST", "PUT") else None
    lines.with_token(token).request(route.method, address(route), body=body)


by_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


def forged(token: str, **changed: object) -> str:
    """Give the token with other claims and the old signature."""
    body, signature = token.split(".")
    claims = {**json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))), **changed}
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + "." + signature


@by_route
def test_route_refuses_no_token(shared: Lines, route: Route) -> None:
    with pytest.raises(NotSignedIn):
        knock(shared, route, "")


@by_route
@pytest.mark.parametrize("token", ["x", "a.b", ".", "é.é", "eyJ9.AAAA", "null", "a" * 5000])
def test_route_refuses_garbage(shared: Lines, route: Route, token: str) -> None:
    with pytest.raises(NotSignedIn):
        knock(shared, route, token)


@by_route
def test_route_refuses_an_expired_token(shared: Lines, route: Route) -> None:
    tokens = open_tokens(shared.settings.keys)
    late = tokens.make(Token("researcher", route.kinds[-1], "k", "bubblewrap", time.time() - 1))
    with pytest.raises(NotSignedIn, match="expired"):
        knock(shared, route, late)


@by_route
def test_route_refuses_a_token_of_another_home(shared: Lines, route: Route) -> None:
    foreign = Tokens(b"another key", "another operator")
    token = foreign.make(Token("researcher", route.kinds[-1], "k", "bubblewrap", time.time() + 60))
    with pytest.raises(NotSignedIn):
        knock(shared, route, token)


@by_route
def test_route_refuses_a_forged_token(shared: Lines, route: Route) -> None:
    token = shared.person("researcher").token
    with pytest.raises(NotSignedIn):
        knock(shared, route, forged(token, person="custodian", kind=route.kinds[-1]))


@by_route
def test_route_refuses_every_kind_it_does_not_name(shared: Lines, route: Route) -> None:
    tokens = open_tokens(shared.settings.keys)
    for kind in set(KINDS) - set(route.kinds) - {"operator"}:
        token = tokens.make(Token("researcher", kind, "k1", "bubblewrap", time.time() + 60))
        with pytest.raises(AccessDenied):
            knock(shared, route, token)
    if "operator" not in route.kinds:
        with pytest.raises(AccessDenied):
            knock(shared, route, shared.operator().token)


@by_route
def test_route_with_a_dataset_refuses_a_kernel_of_another_purpose(shared: Lines, route: Route) -> None:
    if "kernel" not in route.kinds or route.dataset is None:
        return
    line = shared.kernel(purpose="teaching")
    body = None
    if route.method == "POST":
        body = json.dumps({"dataset": "clinic-ct", "scan": "S0001", "purpose": "teaching", "days": 3}).encode()
    path = address(route)
    if "{view}" in route.path:
        view = shared.kernel().post("/v1/views", {"dataset": "clinic-ct", "scan": "S0001"})["view"]
        with pytest.raises(NotFound):
            line.request(route.method, path.replace("x1", view))
        return
    with pytest.raises(AccessDenied) as refused:
        line.request(route.method, path, body=body)
    assert refused.value.code == "wrong-purpose"


def test_kernel_token_does_not_change_its_own_purpose(shared: Lines) -> None:
    line = shared.kernel(purpose="teaching")
    tokens = open_tokens(shared.settings.keys)
    for purpose in ("", "method-development"):
        token = Token(
            "researcher", "kernel", line.kernel, "bubblewrap", time.time() + 60, purpose=purpose,  # type: ignore[attr-defined]
        )  # fmt: skip
        with pytest.raises(NotSignedIn):
            shared.with_token(tokens.make(token)).get("/v1/datasets/clinic-ct/scans")


def test_kernel_of_the_granted_purpose_reads(shared: Lines) -> None:
    assert len(shared.kernel(purpose="method development").get("/v1/datasets/clinic-ct/scans")["scans"]) == 1


def test_route_refuses_the_token_of_a_kernel_that_has_ended(shared: Lines) -> None:
    line = shared.kernel()
    assert line.get("/v1/whoami")["kind"] == "kernel"
    shared.operator().delete(f"/v1/kernels/{line.kernel}")  # type: ignore[attr-defined]
    for route in ROUTES:
        if "kernel" in route.kinds:
            with pytest.raises(NotSignedIn):
                knock(shared, route, line.token)


def test_kernel_token_does_not_raise_its_own_isolation(shared: Lines) -> None:
    line = shared.kernel(isolation="none")
    tokens = open_tokens(shared.settings.keys)
    raised = tokens.make(Token("researcher", "kernel", line.kernel, "bubblewrap", time.time() + 60))  # type: ignore[attr-defined]
    with pytest.raises(NotSignedIn):
        shared.with_token(raised).get("/v1/datasets/clinic-ct/scans")


def test_every_route_that_names_a_dataset_asks_the_policy_about_it() -> None:
    assert [route.path for route in ROUTES if "{dataset}" in route.path and route.dataset is None] == []


def test_wrong_method_and_unknown_path_are_plain_refusals(shared: Lines) -> None:
    line: Connection = shared.person("researcher")
    for method, path in (("PATCH", "/v1/whoami"), ("GET", "/"), ("GET", "/v1/nothing"), ("DELETE", "/v1/datasets")):
        status, _, body = line._exchange(method, path, None, {"Authorization": f"Bearer {line.token}"})
        assert status in (404, 405)
        assert set(json.loads(body)) == {"error", "code", "message"}
