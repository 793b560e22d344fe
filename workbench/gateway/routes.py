"""The one table of everything the gateway serves.

Runs in: gateway
"""

from __future__ import annotations

from workbench.airlock import releases
from workbench.benchmark.board import final
from workbench.benchmark.submissions import records as submissions
from workbench.benchmark.tasks import published as tasks
from workbench.compute.clusters import records as clusters
from workbench.gateway import (
    access_routes,
    airlock_routes,
    audit_routes,
    benchmark_routes,
    board_routes,
    cluster_routes,
    evaluator_routes,
    evidence_routes,
    ingest_routes,
    job_routes,
    key_routes,
    label_routes,
    package_routes,
    policy_routes,
    reading_routes,
    session_routes,
    staging,
    submission_routes,
    task_routes,
    teaching_routes,
    version_routes,
    view_routes,
)
from workbench.gateway.call import Route
from workbench.gateway.openapi import route_to
from workbench.teaching import cohorts

# Reading first: the router tries the rows in order, and these are asked for most.
_ROUTES: tuple[Route, ...] = (
    *reading_routes.ROUTES,
    *label_routes.ROUTES,
    *view_routes.ROUTES,
    *session_routes.ROUTES,
    *access_routes.ROUTES,
    *audit_routes.ROUTES,
    *evidence_routes.ROUTES,
    *ingest_routes.ROUTES,
    *version_routes.ROUTES,
    *task_routes.ROUTES,
    *board_routes.ROUTES,
    *benchmark_routes.ROUTES,
    *submission_routes.ROUTES,
    *evaluator_routes.ROUTES,
    *airlock_routes.ROUTES,
    *teaching_routes.ROUTES,
    *key_routes.ROUTES,
    *package_routes.ROUTES,
    *cluster_routes.ROUTES,
    *policy_routes.ROUTES,
    *job_routes.ROUTES,
)

ROUTES: tuple[Route, ...] = (*_ROUTES, route_to(_ROUTES))

# `CREATE TABLE` texts of the rooms whose tables the store must hold.
SCHEMAS: tuple[str, ...] = (
    submissions.SCHEMA, final.SCHEMA, tasks.SCHEMA, releases.SCHEMA, cohorts.SCHEMA, staging.SCHEMA,
    clusters.SCHEMA,
)  # fmt: skip
