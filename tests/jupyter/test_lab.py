"""The lab server: nobody gets in unsigned, accounts are apart, and there is no way round the airlock."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from workbench.jupyter.downloads import REFUSAL
from workbench.jupyter.lines import GatewayLines
from workbench.jupyter.server import workbench_handlers
from workbench.settings import Settings, load_settings

EVERY_PATH = (
    "me", "purposes", "datasets", "datasets/x", "datasets/x/requests", "requests", "requests/R1/approve",
    "requests/R1/refuse", "grants/G1/revoke", "versions/waiting", "datasets/x/versions/v/report",
    "datasets/x/versions/v/sign-off", "audit", "audit/verify", "tasks", "tasks/t", "tasks/t/leaderboard",
    "submissions/s", "views/v", "views/v/slices/axial/3",
    "views/v/labels/l/slices/axial/3", "notebooks", "notebooks/explore/x", "no-such-address",
    "datasets/x/checklist", "datasets/x/agreement", "datasets/x/agreement/accept", "datasets/x/usage",
    "datasets/x/policy", "explain", "training", "training/T1/end", "visas", "projects", "grants",
    "audit/checkpoint", "audit/proof/1", "workspace/files", "scan", "offers", "offers/X1", "offers/X1/votes",
    "offers/X1/files/a.png", "offers/X1/files/a.png/preview",
    "visas/trusted", "visas/trusted/W1/end", "visas/identities",
    "packages", "packages/remove", "packages/requests/K1", "packages/requests/K1/approve",
    "packages/requests/K1/refuse",
    "reports", "reports/form", "reports/runs", "reports/runs/r", "reports/runs/r/cancel", "reports/runs/r/report",
    "reports/crates", "reports/crate", "reports/crate/report", "reports/reproduce", "reports/verdict",
    "submissions", "submissions/B1/withdraw", "workspace/submittable", "tasks/t/submissions",
    "clusters", "clusters/CL1/stop", "jobs", "jobs/J1", "jobs/J1/log",
)  # fmt: skip


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_api_address_refuses_a_stranger(stranger, method, path):
    stranger.ask("GET", "/login")

    status, _, text = stranger.ask(method, f"/workbench/api/{path}", [{}] if method == "POST" else None)

    assert status in (403, 405)
    assert "dataset" not in text and json.loads(text)["error"] in ("not-signed-in", "access-denied")


@pytest.mark.parametrize("path", [
    "/lab", "/tree", "/api/contents", "/api/kernels", "/api/sessions", "/api/kernelspecs", "/files/x",
    "/nbconvert/html/x.ipynb", "/workbench/sign-in", "/lab/api/settings", "/api/status", "/view/x", "/terminals/1",
])  # fmt: skip
def test_every_page_refuses_a_stranger(stranger, path):
    status, headers, _ = stranger.ask("GET", path)

    assert status == 403 or (status == 302 and headers["location"].startswith("/login"))


def test_the_list_of_addresses_above_is_whole(governed_home):
    lines = GatewayLines(load_settings())
    patterns = {str(handler[0]) for handler in workbench_handlers("/", lines)}
    lines.close()

    assert len([p for p in patterns if p.startswith("/workbench/api/")]) == len(EVERY_PATH)


def test_the_sign_in_page_offers_the_demo_accounts_and_asks_nobody_else(signed_in):
    status, headers, page = signed_in("reviewer").ask("GET", "/workbench/sign-in")

    assert status == 200 and page.count('name="account"') == 6
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_choosing_an_account_takes_the_anti_forgery_token(signed_in):
    browser = signed_in("reviewer")

    status, _, _ = browser.ask("POST", "/workbench/sign-in", {"account": "custodian"}, forged=True)

    assert status == 403
    assert browser.json("GET", "/workbench/api/me")["person"] == "reviewer"


def test_only_accounts_of_the_home_can_be_chosen(signed_in):
    status, _, text = signed_in("reviewer").ask("POST", "/workbench/sign-in", {"account": "../custodian"})

    assert status == 400 and "Choose one" in text


@pytest.mark.parametrize(
    "next_page", ["https://example.invalid/", "//example.invalid", "/\\example.invalid", "javascript:x"]
)
def test_signing_in_leads_to_this_server_only(signed_in, next_page):
    _, headers, _ = signed_in("reviewer").ask("POST", "/workbench/sign-in", {"account": "teacher", "next": next_page})

    assert headers["location"] == "/lab/workspaces/teacher"


def test_the_browser_acts_as_the_chosen_account_and_gets_no_gateway_token(signed_in):
    browser = signed_in("custodian")

    me = browser.json("GET", "/workbench/api/me")

    assert me["person"] == "custodian" and me["kind"] == "person" and "token" not in me
    # A gateway token is JSON that says which kind it is, in base64; no cookie holds such a thing.
    parts = [part for value in browser.cookies.values() for part in re.findall(r"[\w-]{16,}", value)]
    assert not any(b'"kind"' in base64.urlsafe_b64decode(part[: len(part) // 4 * 4]) for part in parts)


def test_a_forged_choice_counts_as_none(signed_in):
    browser = signed_in("custodian")
    name = next(name for name in browser.cookies if name.startswith("workbench-account"))
    browser.cookies[name] = browser.cookies[name].replace("Y3VzdG9kaWFu", "cmV2aWV3ZXI")[:-4] + "0000"

    assert browser.json("GET", "/workbench/api/me")["person"] == "researcher"


def test_refusals_of_the_gateway_come_through_as_they_are(signed_in):
    status, _, text = signed_in("researcher").ask("GET", "/workbench/api/datasets/no-such-thing")

    assert status == 404 and json.loads(text)["error"] == "not-found"


def test_an_ingest_report_comes_with_the_policy_that_lets_it_run_nothing(signed_in, make_dataset):
    make_dataset("reported-ct")
    browser = signed_in("checker-1")
    version = browser.json("GET", "/workbench/api/datasets/reported-ct")["version"]

    status, headers, text = browser.ask("GET", f"/workbench/api/datasets/reported-ct/versions/{version}/report")

    assert (status, text) == (200, "<!doctype html>")
    assert headers["content-type"].startswith("text/html")
    assert {"default-src 'none'", "sandbox"} <= {part.strip() for part in headers["content-security-policy"].split(";")}


def test_a_post_without_the_anti_forgery_token_changes_nothing(signed_in):
    form = [{"purpose": "teaching", "days": 1, "note": ""}]

    status, _, text = signed_in("researcher").ask("POST", "/workbench/api/datasets/x/requests", form, forged=True)

    assert status == 403 and "error" in json.loads(text)


def test_accounts_see_their_own_files_only(signed_in):
    note = {"type": "file", "format": "text", "content": "mine"}
    signed_in("researcher").json("PUT", "/api/contents/note.txt", note)

    assert signed_in("researcher").json("GET", "/api/contents/note.txt?content=1")["content"] == "mine"
    assert signed_in("reviewer").ask("GET", "/api/contents/note.txt?content=1")[0] == 404
    assert "note.txt" not in [f["name"] for f in signed_in("reviewer").json("GET", "/api/contents")["content"]]


@pytest.mark.parametrize(
    "path", ["../custodian", "..%2Fcustodian", "%2e%2e/%2e%2e/keys/operator.key", "a/../../custodian"]
)
def test_no_path_leads_out_of_the_workspace(signed_in, path):
    signed_in("custodian").json("GET", "/api/contents")

    assert signed_in("researcher").ask("GET", f"/api/contents/{path}?content=1")[0] in (400, 404)


@pytest.mark.parametrize("target", ["keys/operator.key", "store.sqlite", "workspaces/custodian", "vault"])
def test_no_link_leads_out_of_the_workspace(signed_in, governed_home: Settings, target):
    browser = signed_in("researcher")
    browser.json("GET", "/api/contents")
    link = governed_home.workspace("researcher") / "link"
    link.symlink_to(governed_home.home / target)

    read, _, text = browser.ask("GET", "/api/contents/link?content=1")
    written, _, _ = browser.ask("PUT", "/api/contents/link", [{"type": "file", "format": "text", "content": "x"}])
    link.unlink()

    assert (read, written) == (404, 404) and str(governed_home.home) not in text


@pytest.mark.parametrize("path", ["/files/note.txt", "/nbconvert/html/a.ipynb", "/view/note.txt"])
def test_downloads_point_to_the_airlock(signed_in, path):
    status, _, text = signed_in("researcher").ask("GET", path)

    assert status == 403 and json.loads(text)["message"] == REFUSAL and "wb.offer" in text


@pytest.mark.parametrize("path", ["/api/terminals", "/terminals/1", "/terminals/websocket/1"])
def test_terminals_are_off(signed_in, path):
    assert signed_in("researcher").ask("GET", path)[0] == 403
    assert signed_in("researcher").ask("POST", "/api/terminals", [{}])[0] == 403


def test_only_governed_kernels_are_offered(signed_in):
    specs = signed_in("researcher").json("GET", "/api/kernelspecs")

    assert specs["default"] == "workbench-python" and set(specs["kernelspecs"]) == {"workbench-python"}
    assert signed_in("researcher").ask("POST", "/api/kernels", [{"name": "python3"}])[0] >= 400


def test_a_kernel_belongs_to_the_account_that_started_it(signed_in, bubblewrap):
    researcher, reviewer = signed_in("researcher"), signed_in("reviewer")
    kernel = researcher.json("POST", "/api/kernels", {"name": "workbench-python"})["id"]

    url = f"/api/kernels/{kernel}"
    seen = [one["id"] for one in reviewer.json("GET", "/api/kernels")]
    tried = (("GET", ""), ("POST", "/restart"), ("POST", "/interrupt"), ("DELETE", ""), ("GET", "/channels"))
    refused = [reviewer.ask(method, url + tail, [{}] if method == "POST" else None)[0] for method, tail in tried]

    # Jupyter answers a restart that it refuses with 500.
    assert seen == [] and set(refused) <= {400, 404, 500}
    assert kernel in [one["id"] for one in researcher.json("GET", "/api/kernels")]
    assert researcher.ask("DELETE", f"/api/kernels/{kernel}")[0] == 204


def say_over_websocket(browser, kernel: str, code: str) -> str:
    """Run a cell as JupyterLab does, and give what it printed."""

    async def talk() -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
        url = f"ws://127.0.0.1:{browser.port}/api/kernels/{kernel}/channels"
        line = await websocket_connect(HTTPRequest(url, headers=headers))
        content = {"code": code, "silent": False, "allow_stdin": False}
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": "", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await line.write_message(json.dumps(message))
        said = ""
        while heard := await asyncio.wait_for(line.read_message(), 60):
            reply = json.loads(heard)
            if reply["msg_type"] == "stream":
                said = str(reply["content"]["text"])
                line.close()
        return said

    return asyncio.run(talk())


def test_a_cell_runs_for_its_owner_and_for_nobody_else(signed_in, bubblewrap):
    owner, other = signed_in("reviewer"), signed_in("researcher")
    kernel = owner.json("POST", "/api/kernels", {"name": "workbench-python"})["id"]
    code = (
        "from workbench.connection import connect_from_environment as line; print(line().get('/v1/whoami')['person'])"
    )

    assert say_over_websocket(owner, kernel, code).strip() == "reviewer"
    with pytest.raises(HTTPClientError, match="404"):
        say_over_websocket(other, kernel, code)
    assert owner.ask("DELETE", f"/api/kernels/{kernel}")[0] == 204


def test_a_new_kernel_starts_in_the_folder_of_its_notebook(signed_in, governed_home, bubblewrap):
    browser = signed_in("reviewer")
    browser.json("PUT", "/api/contents/study", {"type": "directory"})
    book = {"path": "study/a.ipynb", "name": "", "type": "notebook", "kernel": {"name": "workbench-python"}}
    session = browser.json("POST", "/api/sessions", book)

    assert (
        say_over_websocket(browser, session["kernel"]["id"], "import os; print(os.getcwd())").strip()
        == "/workspace/study"
    )
    assert browser.ask("DELETE", f"/api/sessions/{session['id']}")[0] == 204


def test_two_accounts_may_have_the_same_notebook_open(signed_in, bubblewrap):
    book = {"path": "Untitled.ipynb", "name": "", "type": "notebook", "kernel": {"name": "workbench-python"}}
    researcher, reviewer = signed_in("researcher"), signed_in("reviewer")

    first, second = researcher.json("POST", "/api/sessions", book), reviewer.json("POST", "/api/sessions", book)

    assert first["kernel"]["id"] != second["kernel"]["id"]
    assert [one["id"] for one in reviewer.json("GET", "/api/sessions")] == [second["id"]]
    assert reviewer.ask("DELETE", f"/api/sessions/{first['id']}")[0] == 404
    for browser, session in ((researcher, first), (reviewer, second)):
        assert browser.ask("DELETE", f"/api/sessions/{session['id']}")[0] == 204


def test_switching_the_account_leaves_the_old_kernels_behind(signed_in, bubblewrap):
    browser = signed_in("researcher")
    kernel = browser.json("POST", "/api/kernels", {"name": "workbench-python"})["id"]
    browser.sign_in("teacher")

    assert browser.json("GET", "/api/kernels") == []
    browser.sign_in("researcher")
    assert browser.ask("DELETE", f"/api/kernels/{kernel}")[0] == 204


def test_a_shipped_notebook_is_laid_into_the_workspace_once(signed_in, governed_home):
    browser = signed_in("teacher")
    known = browser.json("GET", "/workbench/api/notebooks")["notebooks"]
    folder, name = known[0]["folder"], known[0]["name"]

    path = browser.json("POST", f"/workbench/api/notebooks/{folder}/{name}", {})["path"]
    (governed_home.workspace("teacher") / path).write_text("changed")

    assert browser.json("POST", f"/workbench/api/notebooks/{folder}/{name}", {})["path"] == f"{folder}/{name}"
    assert (governed_home.workspace("teacher") / path).read_text() == "changed"
    assert browser.ask("POST", "/workbench/api/notebooks/explore/no-such", [{}])[0] == 404


def test_pages_may_not_talk_to_other_hosts(signed_in):
    _, headers, _ = signed_in("researcher").ask("GET", "/lab")

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "connect-src 'self'" in headers["content-security-policy"]


def test_the_lab_listens_on_the_loopback_only(lab):
    addresses = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {
        "127.0.0.1",
        "127.0.1.1",
    }
    if not addresses:
        pytest.skip("this machine has no address but the loopback")
    for address in addresses:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, lab), timeout=2)


def test_the_lab_says_who_it_is_without_secrets(signed_in):
    assert os.environ["SERVER_SECRET"] not in signed_in("researcher").ask("GET", "/lab")[2]
