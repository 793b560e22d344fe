"""What a notebook is told: which datasets exist, why it may read them or not, and how its requests stand."""

from __future__ import annotations

import pytest

import workbench as wb
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound


def test_datasets_say_whether_and_why(in_kernel: object) -> None:
    in_kernel("reviewer")  # type: ignore[operator]
    table = wb.datasets()
    assert table.names == ["clinic-ct", "open-ct"]
    told = {row["name"]: (row["allowed"], row["status"]) for row in table}
    assert told == {"clinic-ct": (False, "none"), "open-ct": (True, "open")}
    assert "No grant for “clinic-ct”" in repr(table)
    assert "not requested" in table._repr_html_()


def test_card_is_read_before_any_grant(in_kernel: object) -> None:
    in_kernel("reviewer")  # type: ignore[operator]
    clinic = wb.dataset("clinic-ct")
    assert (clinic.tier, clinic.access.allowed, clinic.card["@type"]) == ("controlled", False, "sc:Dataset")
    with pytest.raises(AccessDenied):
        clinic.volume("S0001")
    with pytest.raises(AccessDenied):
        clinic.scans()


def test_granted_notebook_reads_tables_boxes_and_scans(in_kernel: object) -> None:
    in_kernel("researcher")  # type: ignore[operator]
    clinic = wb.dataset("clinic-ct")
    assert clinic.access.allowed
    assert clinic.scans("train")["scan"].tolist() == ["S0001"]
    assert clinic.scans("validation").empty
    (box,) = clinic.boxes("S0001")
    assert (box.centre_mm, box.size_mm, box.label) == ((1.0, 2.0, 3.0), (8.0, 8.0, 8.0), "N0001 · 8 mm")
    assert clinic.boxes("S0009") == []


def test_notebook_that_is_not_isolated_is_told_what_to_install(in_kernel: object) -> None:
    in_kernel("researcher", "none")  # type: ignore[operator]
    with pytest.raises(AccessDenied, match="bubblewrap"):
        wb.dataset("clinic-ct").volume("S0001")


def test_request_waits_until_somebody_decides(in_kernel: object, readable: object) -> None:
    in_kernel("teacher")  # type: ignore[operator]
    asked = wb.dataset("clinic-ct").request(purpose="teaching", days=7, note="a course")
    assert asked.status == "submitted"
    assert "status='submitted'" in repr(asked)
    readable.person("custodian").post(f"/v1/requests/{asked.id}/refuse", {"reason": "not yet"})  # type: ignore[attr-defined]
    now = asked.refresh()
    assert (now.status, now.reason) == ("refused", "not yet")
    assert "refused" in now._repr_html_()


@pytest.mark.parametrize(("purpose", "days"), [("world peace", 5), ("teaching", 0), ("teaching", 400), ("", 5)])
def test_absurd_requests_are_refused(in_kernel: object, purpose: str, days: int) -> None:
    in_kernel("reviewer")  # type: ignore[operator]
    with pytest.raises(InvalidInput):
        wb.dataset("clinic-ct").request(purpose=purpose, days=days)


def test_a_notebook_sees_what_is_missing_and_declares_facts(in_kernel: object, readable: object) -> None:
    in_kernel("reviewer")  # type: ignore[operator]
    data = wb.dataset("clinic-ct")
    assert data.checklist("teaching")[["item", "met"]].to_numpy().tolist() == [["Approval", False]]
    with pytest.raises(InvalidInput, match="not a fact"):
        data.request("teaching", days=3, colour="red")
    asked = data.request("teaching", days=3, is_commercial=False)
    custodian = readable.person("custodian")  # type: ignore[attr-defined]
    seen = next(one for one in custodian.get("/v1/requests")["requests"] if one["id"] == asked.id)
    assert seen["attestations"] == {"is_commercial": False}
    custodian.post(f"/v1/requests/{asked.id}/refuse", {"reason": "not yet"})


def test_open_data_need_no_request(in_kernel: object) -> None:
    in_kernel("reviewer")  # type: ignore[operator]
    with pytest.raises(Conflict, match="open"):
        wb.dataset("open-ct").request(purpose="teaching", days=5)


@pytest.mark.parametrize("name", ["nothing-ct", "..", "a b", "é"])
def test_unknown_datasets_are_not_found(in_kernel: object, name: str) -> None:
    in_kernel()  # type: ignore[operator]
    with pytest.raises((NotFound, InvalidInput)):
        wb.dataset(name)


@pytest.mark.parametrize("name", ["", " ", "a/b", 3])
def test_unusable_names_are_refused(in_kernel: object, name: object) -> None:
    in_kernel()  # type: ignore[operator]
    with pytest.raises(InvalidInput):
        wb.dataset(name)  # type: ignore[arg-type]


def test_unknown_scan_is_named(in_kernel: object) -> None:
    in_kernel()  # type: ignore[operator]
    with pytest.raises(NotFound, match="S0099"):
        wb.dataset("open-ct").volume("S0099")


def test_whoami_tells_account_roles_and_kernel(in_kernel: object) -> None:
    in_kernel("teacher")  # type: ignore[operator]
    me = wb.whoami()
    assert (me.person, me.roles, me.isolation) == ("teacher", ("researcher", "teacher"), "bubblewrap")
    assert "isolated" in me._repr_html_()


def test_text_of_others_is_escaped_in_cards(in_kernel: object) -> None:
    from workbench.data import cards

    row = {
        "id": "R1", "dataset": "<b>x", "purpose": "<script>", "days": 3, "until": None, "reason": "a<b", "status": "<i>"
    }  # fmt: skip
    assert "<script>" not in cards.request_card(row)
    assert "<i>" not in cards.request_card(row)
