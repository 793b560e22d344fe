"""The gateway described for programs: one OpenAPI document made from the route table.

Runs in: gateway
Source: OpenAPI specification 3.1.0.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from workbench.errors import ERRORS
from workbench.gateway.call import Call, Route
from workbench.gateway.forms import FORMS, QUERIES, RAW

PATH = "/v1/openapi.json"
_PART = re.compile(r"\{(\w+)(:path)?\}")
_REFUSAL = {"$ref": "#/components/schemas/Refusal"}
_ERROR = {
    "type": "object", "required": ["error", "code", "message"],
    "properties": {
        "error": {"type": "string", "enum": sorted(ERRORS)}, "code": {"type": "string"}, "message": {"type": "string"},
    },
}  # fmt: skip


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """Give the OpenAPI document of a table of routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_PART.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI for health workbench: gateway", "version": "1",
            "description": "Served on a unix socket. Every refusal is one JSON object with error, code and message.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": {"Refusal": _ERROR},
        },
        "paths": paths,
    }  # fmt: skip


def route_to(routes: Sequence[Route]) -> Route:
    """Give the route at which a table of routes, and this route with them, describes itself."""

    def show(_: Call) -> dict[str, Any]:
        """Describe every route of the gateway."""
        return describe([*routes, own])

    own = Route("GET", PATH, show, ("operator", "person", "kernel"), "routes.list")
    return own


def _operation(route: Route) -> dict[str, Any]:
    name = f"{route.method} {route.path}"
    first = (inspect.getdoc(route.handler) or "").split("\n")[0]
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "-", f"{route.method.lower()}{route.path}").strip("-"),
        "summary": first, "description": f"For {', '.join(route.kinds)} tokens; audited as `{route.action}`.",
        "parameters": [*_in_path(route.path), *_in_query(name)],
        "responses": _responses(),
    }  # fmt: skip
    if name in RAW:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.method in ("POST", "PUT"):
        content = {"application/json": {"schema": FORMS.get(name, {"type": "object"})}}
        operation["requestBody"] = {"required": bool(FORMS.get(name, {}).get("required")), "content": content}
    return operation


def _in_path(path: str) -> list[Mapping[str, Any]]:
    return [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for part, _ in _PART.findall(path)
    ]


def _in_query(name: str) -> list[Mapping[str, Any]]:
    return [{"name": key, "in": "query", "schema": {"type": kind}} for key, kind in QUERIES.get(name, {}).items()]


def _responses() -> dict[str, Any]:
    found: dict[str, Any] = {"2XX": {"description": "What was asked for."}, "304": {"description": "Nothing new."}}
    for error in ERRORS.values():
        found[str(error.status)] = {
            "description": HTTPStatus(error.status).phrase, "content": {"application/json": {"schema": _REFUSAL}},
        }  # fmt: skip
    found["405"] = {"description": "Another method.", "content": {"application/json": {"schema": _REFUSAL}}}
    return found
