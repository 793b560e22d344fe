"""Jobs in the lab: seen while they go on, cancelled on a second word, and read about when they have ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from workbench.compute.jobs import STATES, UNDER_WAY, Job, run_job
from workbench.connection import terminal
from workbench.settings import Settings

SLOW_MS = 60_000
PROGRESS = {"done": 900, "total": 24, "text": "scans", "loss": 0.123456, "rate_per_s": 12, "seconds": 3, "more": 4}
LONG_NAME = "train a_network_on_all_centres_resampled_to_1mm_and_windowed_v3"
WORK = """
import os, sys, time
from workbench.compute.job_inside import report_progress

def measure(gate):
    print("\\x1b[32mmeasuring\\x1b[0m 24 scans", flush=True)
    report_progress(9, 24, "scans measured", loss=0.4312)
    sys.stdout.write("  9 of 24\\r 10 of 24\\r")
    sys.stdout.flush()
    while not os.path.exists(gate):
        time.sleep(0.05)
    report_progress(24, 24, "scans measured", loss=0.25)
    return {"noise_hu": 12.5}

def fail():
    for number in range(300):
        print("looking at slice", number)
    raise KeyError("spacing of the scan, which this series does not tell; see `workbench check`")
"""


@pytest.fixture
def start(clinic: Settings, lab_as: Callable[..., Any]) -> Iterator[Callable[..., Job]]:
    """Give a function that starts jobs of the researcher's; what still runs at the end is cancelled."""
    folder = clinic.workspace("researcher")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "noise.py").write_text(WORK)
    started: list[Job] = []
    with terminal("researcher", clinic) as line:

        def begin(name: str, work: str | list[str], **arguments: str) -> Job:
            started.append(run_job(name, work, arguments, line=line))
            return started[-1]

        yield begin
        for job in started:
            if job.state in UNDER_WAY:
                job.cancel().wait(60)


def alone(lab: Any) -> Locator:
    """Give the section Jobs with the sidebar to itself, so that a picture shows all of it."""
    opened = lab.open_sidebar().locator(".jp-AccordionPanel-title[aria-expanded='true']")
    for _ in range(opened.count()):
        opened.first.click()
    section: Locator = lab.section("Jobs")
    return section


def test_a_job_is_seen_to_run_and_to_end(
    lab_as: Callable[..., Any], clinic: Settings, start: Callable[..., Job]
) -> None:
    lab = lab_as("researcher")
    section = alone(lab)
    expect(section).to_contain_text("No jobs yet.")
    lab.keep("jobs-none")
    job = start("noise per scan of the whole clinic dataset", "noise:measure", gate="go")
    row = section.locator(f"[data-job='{job.id}']")
    bar = row.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "9 of 24 scans measured · loss\u00a00.4312", timeout=SLOW_MS)
    expect(bar).to_have_attribute("aria-valuenow", "37")
    expect(row).to_contain_text("running")
    row.get_by_role("button", name="Show log of noise per scan").click()
    expect(row.get_by_role("region", name=re.compile("^Log of noise"))).to_have_text("measuring 24 scans\n 10 of 24")
    lab.keep("jobs-running-light")
    assert lab.serious_barriers("#ai4h-workbench") == []

    (clinic.workspace("researcher") / "go").touch()
    expect(row).to_have_attribute("data-state", "done", timeout=SLOW_MS)
    expect(bar).to_have_count(0)
    expect(row).to_contain_text("24 of 24 scans measured")
    expect(section.get_by_role("status").filter(has_text=f"{job.name}: done")).to_have_count(1)
    row.get_by_role("button", name=re.compile("^Copy code")).click()
    expect(row.get_by_role("button", name="Copied code for the result of noise")).to_have_text("Copied")
    lab.page.context.grant_permissions(["clipboard-read"])
    code = lab.page.evaluate("navigator.clipboard.readText()")
    assert f'job = find_job("{job.id}")' in code
    lab.choose_theme("JupyterLab Dark")
    lab.keep("jobs-done-dark")
    assert lab.serious_barriers("#ai4h-workbench") == []


def test_the_keyboard_cancels_a_job_on_a_second_word(lab_as: Callable[..., Any], start: Callable[..., Job]) -> None:
    lab = lab_as("researcher")
    section, keyboard = lab.section("Jobs"), lab.page.keyboard
    job = start("a long one", ["/bin/sleep", "1000"])
    row, dialog = section.locator(f"[data-job='{job.id}']"), lab.page.get_by_role("dialog")
    expect(row).to_contain_text("running", timeout=SLOW_MS)
    expect(row).to_contain_text("command sleep")

    row.get_by_role("button", name="Cancel a long one").focus()
    keyboard.press("Enter")
    expect(dialog).to_contain_text("Cancel “a long one”?")
    lab.keep("jobs-cancel")
    keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert job.state in UNDER_WAY

    keyboard.press("Enter")
    dialog.get_by_role("button", name="Cancel the job").focus()
    keyboard.press("Enter")
    expect(row).to_be_focused()
    expect(row).to_have_attribute("data-state", "cancelled", timeout=SLOW_MS)
    expect(row).to_contain_text("What it had written to the workspace until then is still there.")
    expect(row.get_by_role("button", name=re.compile("^Cancel"))).to_have_count(0)
    lab.keep("jobs-cancelled-light")


def test_every_state_is_said_and_ten_are_shown_first(lab_as: Callable[..., Any]) -> None:
    states = [state for state in STATES for _ in range(2)]
    facts: list[dict[str, Any]] = [
        {"id": f"J{number}", "name": f"<b>{state}</b>", "work": "workbench.compute.preprocessing:run", "state": state,
         "is_cancelling": number == 0, "message": f"{state}: " + "why " * 300 * (number == 9), "progress": PROGRESS,
         "created": "2026-01-05T10:00:00+00:00", "ended": "2026-01-05T13:05:00+00:00"}
        for number, state in enumerate(states)
    ]  # fmt: skip
    facts.append({**facts[2], "id": "J99", "progress": {"done": 7, "total": 0, "text": "so far"}})
    lab = lab_as("researcher")
    lab.page.route("**/workbench/api/jobs?*", lambda route: route.fulfill(json={"jobs": facts}))
    section = alone(lab)
    rows = section.locator("[data-job]")
    expect(rows).to_have_count(11, timeout=SLOW_MS)
    expect(section.locator("[data-job='J99']")).to_contain_text("so far")
    expect(section.locator("[data-job='J0']")).to_contain_text("ending")
    expect(section.get_by_role("button", name="Cancel <b>starting</b>").first).to_be_disabled()
    lab.keep("jobs-many-light")
    section.get_by_role("button", name="Show all 19 jobs").click()
    expect(rows).to_have_count(19)
    for state in STATES:
        expect(section.locator(f"[data-state='{state}'] .wb-Mark").last).to_contain_text(state.replace("-", " "))
    expect(rows.nth(17)).to_contain_text("prepares scans · ended Jan 5, 2026 · took 3 h 5 min")
    assert section.locator("b").count() == 0
    lab.page.set_viewport_size({"width": 700, "height": 900})
    lab.choose_theme("JupyterLab Dark")
    rows.nth(18).scroll_into_view_if_needed()
    lab.keep("jobs-many-dark")
    assert lab.serious_barriers("#ai4h-workbench") == []


def test_failed_jobs_say_why_and_a_gateway_that_is_away_is_named(
    lab_as: Callable[..., Any], start: Callable[..., Job]
) -> None:
    lab = lab_as("researcher")
    section = alone(lab)
    job = start(LONG_NAME, "noise:fail")
    row = section.locator(f"[data-job='{job.id}']")
    expect(row).to_have_attribute("data-state", "failed", timeout=SLOW_MS)
    expect(row).to_contain_text("KeyError")
    row.get_by_role("button", name=f"Show log of {LONG_NAME}").press("Enter")
    log = row.get_by_role("region", name=f"Log of {LONG_NAME}")
    expect(log).to_contain_text("looking at slice 299")
    expect(row).to_contain_text("Only the last lines are shown here.")
    assert log.evaluate("box => box.scrollTop + box.clientHeight >= box.scrollHeight - 2")
    expect(row.get_by_role("button", name=re.compile("^Copy code"))).to_have_count(0)
    lab.keep("jobs-failed-light")
    lab.choose_theme("JupyterLab Dark")
    lab.keep("jobs-failed-dark")
    assert lab.serious_barriers("#ai4h-workbench") == []

    def away(route: Route) -> None:
        refusal = '{"error": "gateway-unavailable", "code": "gateway-unavailable", "message": "The gateway is away."}'
        route.fulfill(status=503, content_type="application/json", body=refusal)

    lab.page.route("**/workbench/api/jobs?*", away)
    expect(section.get_by_role("alert")).to_have_text("The gateway is away.", timeout=SLOW_MS)
    expect(row).to_be_visible()
    lab.keep("jobs-away-dark")
    lab.page.unroute("**/workbench/api/jobs?*")
    expect(section.get_by_role("alert")).to_have_count(0, timeout=SLOW_MS)
    lab.tolerated.append("503 (Service Unavailable)")
