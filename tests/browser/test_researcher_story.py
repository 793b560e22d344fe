"""The browser story: a researcher asks for a dataset, is granted it, opens the notebook and scrolls through the CT."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

# A cold kernel in its sandbox, imports and the first slices, on a busy machine.
NOTEBOOK_MS = 120_000


def ask_for_access(row: Locator) -> None:
    expect(row).to_contain_text("Needs a grant")
    row.get_by_role("button", name="Request access").click()
    row.get_by_label("Purpose").select_option(label="lung nodule detection")
    row.get_by_role("spinbutton", name="Days").fill("14")
    row.get_by_role("button", name="Send request").click()
    expect(row).to_contain_text("Waiting for the custodian")


def see_the_ct(page: Page) -> Locator:
    viewer = page.locator(".ctv")
    viewer.wait_for(timeout=NOTEBOOK_MS)
    viewer.scroll_into_view_if_needed()
    expect(viewer).to_have_attribute("data-complete", "", timeout=NOTEBOOK_MS)
    return viewer


def scroll_through(viewer: Locator) -> None:
    axial = viewer.locator("canvas[data-plane='axial']")
    before = axial.get_attribute("aria-valuenow") or ""
    axial.hover()
    for _ in range(3):
        axial.page.mouse.wheel(0, 100)
    expect(axial).not_to_have_attribute("aria-valuenow", before)
    expect(viewer).to_have_attribute("data-complete", "")


def distinct_greys(viewer: Locator) -> int:
    """Count the grey values on the axial canvas: a picture has many, an empty box one."""
    return int(
        viewer.locator("canvas[data-plane='axial']").evaluate(
            "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
        )
    )


def test_a_researcher_asks_is_granted_and_scrolls_through_the_ct(lab_as, workbench) -> None:
    lab = lab_as("researcher")
    row = lab.dataset()
    lab.keep("1-catalogue")
    ask_for_access(row)
    lab.keep("2-requested")
    workbench("approve", "R1", "--as", "custodian")
    expect(row).to_contain_text("Granted · 14 days left")
    expect(lab.page.get_by_role("button", name=re.compile("researcher · lung nodule"))).to_be_visible()
    lab.keep("3-granted")
    row.get_by_role("button", name="Open explore notebook").click()
    lab.run_all_once_the_kernel_is_ready()
    viewer = see_the_ct(lab.page)
    lab.keep("4-ct")
    scroll_through(viewer)
    assert distinct_greys(viewer) > 50
    lab.keep("5-scrolled")
