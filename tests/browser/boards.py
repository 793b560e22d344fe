"""A home with hidden tests, and predictions of several qualities for one of them."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

from tests.conftest import start_gateway, stop_gateway
from workbench.connection import sign_in
from workbench.demo import Journey, prepare_data
from workbench.jupyter.accounts import workspace_of
from workbench.settings import Settings, load_settings

TASK = "nodule-malignancy"
# Enough hidden nodules, benign and malignant, for a number with an interval.
PLAN = (
    ("train", 11), ("validation", 22), *(("public_test", seed) for seed in range(31, 37)),
    *(("final_test", seed) for seed in range(41, 45)),
)  # fmt: skip


def fill_boards(home: Path) -> None:
    """Fill a home as the demo does, with fewer phantoms; nothing of it runs afterwards."""
    settings = load_settings(home)
    process = start_gateway(settings)
    journey = Journey(settings, is_quiet=True)
    prepare_data(journey, plan=PLAN)
    for line in journey.lines.values():
        line.close()
    stop_gateway(process)


def lay_predictions(settings: Settings, account: str, name: str, *, salt: str) -> Path:
    """Write a predictions file that names every hidden item into an account's workspace; the answers are made up."""
    with closing(sign_in(settings, account)) as line:
        items = line.get(f"/v1/tasks/{TASK}/items")["items"]
    rows = [f"{item},{_made_up(item, salt):.6f}\n" for item in items]
    file = workspace_of(settings, account) / name
    file.write_text("id,probability\n" + "".join(rows))
    return file


def _made_up(item: str, salt: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{salt} {item}".encode()).digest()[:4], "big") / 2**32
