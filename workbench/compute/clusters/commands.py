"""The verb `cluster`: start one without a notebook, list and stop those of an account, and set quotas.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from workbench.compute.clusters.standing import STANDING
from workbench.compute.jobs import UNDER_WAY, Job, run_job
from workbench.connection import Connection, default_account, terminal
from workbench.errors import InvalidInput, NotFound, RunFailed
from workbench.settings import load_settings

START_S, FIRST_WORD_S, STOP_S, LOOK_S = 180.0, 10.0, 60.0, 0.2
URL = "/v1/clusters"


def cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench cluster`."""
    parser.add_argument("deed", choices=("start", "list", "stop", "quota"))
    parser.add_argument(
        "name", nargs="?", default="", help="stop: the cluster's id; quota: whose, your own if left out"
    )
    parser.add_argument("--workers", type=int, help="start: how many (default: one per core); quota: at the same time")
    parser.add_argument("--gpus", type=int, help="start: how many GPUs, one worker each; quota: at the same time")
    parser.add_argument(
        "--hours", type=float, help="start: its longest life (default 2); quota: worker hours in 7 days"
    )
    parser.add_argument(
        "--idle", type=float, metavar="MINUTES", help="start: end after so long with nothing to do (60)"
    )
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def cluster(args: argparse.Namespace) -> None:
    """Run one deed."""
    if args.deed == "stop" and not args.name:
        raise InvalidInput("`workbench cluster stop ID` needs the cluster's id; `workbench cluster list` shows it.")
    sets_quota = args.deed == "quota" and (args.workers, args.gpus, args.hours) != (None, None, None)
    role = "custodian" if sets_quota else "researcher"
    with terminal(args.account or default_account(load_settings(), role)) as line:
        answer = _DEEDS[args.deed](line, args)
    sys.stdout.write((json.dumps(answer, ensure_ascii=False) if args.json else _TEXTS[args.deed](answer)) + "\n")


def _start(line: Connection, args: argparse.Namespace) -> dict[str, Any]:
    hours, idle = (given or usual for given, usual in ((args.hours, 2.0), (args.idle, 60.0)))
    wishes = {"workers": args.workers, "gpus": args.gpus, "hours": hours, "idle_minutes": idle}
    # The job outlives its cluster by a moment, so that the cluster says itself why it ended.
    job = run_job("cluster", STANDING, wishes, hours=max(hours, 0.0) + 0.1, line=line)
    name, until = _name_of(job), time.monotonic() + FIRST_WORD_S
    found = _one(line, name)
    while found["actual"] is None and found["state"] != "ended" and time.monotonic() < until:
        time.sleep(LOOK_S)
        found = _one(line, name)
    return {**found, "job": job.id}


def _name_of(job: Job) -> str:
    """Wait until a job's cluster has its name."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        facts = job.look()
        name = (facts.get("progress") or {}).get("text")
        if name:
            return str(name)
        if facts["state"] not in UNDER_WAY:
            job.result()
            break
        time.sleep(LOOK_S)
    job.cancel()
    raise RunFailed(f"The cluster did not start within {START_S:g} s; `workbench jobs {job.id} --log` shows why.")


def _list(line: Connection, _: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = line.get(URL)
    return found


def _stop(line: Connection, args: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = line.post(f"{URL}/{quote(args.name, safe='')}/stop")
    until = time.monotonic() + STOP_S
    while found["state"] != "ended" and time.monotonic() < until:
        time.sleep(LOOK_S)
        found = _one(line, args.name)
    return found


def _quota(line: Connection, args: argparse.Namespace) -> dict[str, Any]:
    wishes = {name: getattr(args, name) for name in ("workers", "gpus", "hours") if getattr(args, name) is not None}
    if wishes:
        if not args.name:
            raise InvalidInput("Whose quota? `workbench cluster quota PERSON --workers N` sets it.")
        changed: dict[str, Any] = line.post(f"/v1/cluster-quotas/{quote(args.name, safe='')}", wishes)
        return {"quotas": [changed]}
    found = line.get(URL)
    everybody = found.get("quotas") or [{"person": "you", **found["quota"]}]
    return {"quotas": [one for one in everybody if args.name in ("", one["person"])]}


def _one(line: Connection, name: str) -> dict[str, Any]:
    for found in line.get(URL)["clusters"]:
        if found["id"] == name:
            return dict(found)
    raise NotFound(f"There is no cluster “{name}” of yours; `workbench cluster list` lists them.")


def _started_text(answer: dict[str, Any]) -> str:
    name = answer["id"]
    return (
        f"{_row(answer)}\nA notebook joins it with wb.cluster(join={name!r}); `workbench cluster stop {name}` ends it."
    )


def _list_text(answer: dict[str, Any]) -> str:
    rows = [_row(one) for one in answer["clusters"]]
    return "\n".join([*(rows or ["No cluster runs."]), _quota_row({"person": "quota", **answer["quota"]})])


def _stopped_text(answer: dict[str, Any]) -> str:
    if answer["state"] == "ended":
        return _row(answer)
    return f"{answer['id']} was told to stop; its kernel has not answered yet."


def _quota_text(answer: dict[str, Any]) -> str:
    return "\n".join(_quota_row(one) for one in answer["quotas"]) or "Nobody of that name has a quota here."


def _row(one: dict[str, Any]) -> str:
    size = f"{one['actual'] or 0} of {one['workers']} {one['kind'].upper()} workers"
    if one["state"] == "ended":
        return f"{one['id']:<6} ended     {one['kernel']}  {one['why']}"
    idle = f"idle {_minutes(one['idle_s'])}" if one["idle_s"] else f"{one['tasks'] or 0} tasks"
    return f"{one['id']:<6} {one['state']:<9} {one['kernel']}  {size}  age {_age(one['started'])}  {idle}"


def _quota_row(one: dict[str, Any]) -> str:
    what = (("workers", "workers"), ("gpus", "GPUs"), ("hours", "worker hours in 7 days"))
    return f"{one['person']:<20} " + ", ".join(f"{one[f'{key}_used']:g} of {one[key]:g} {said}" for key, said in what)


def _age(started: str) -> str:
    return _minutes((datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds())


def _minutes(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


_DEEDS = {"start": _start, "list": _list, "stop": _stop, "quota": _quota}
_TEXTS = {"start": _started_text, "list": _list_text, "stop": _stopped_text, "quota": _quota_text}
