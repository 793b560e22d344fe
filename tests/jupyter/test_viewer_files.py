"""The viewer's code is served from its folder alone; slices come through the lab server as the gateway sent them."""

from __future__ import annotations

import hashlib
import http.client
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from workbench.connection import Connection, operator_secret
from workbench.jupyter import viewer_files
from workbench.settings import Settings

CODE = "ct-viewer.js"


@pytest.fixture
def code() -> bytes:
    """Give the loader's bytes as they were built."""
    file = viewer_files.FOLDER / CODE
    if not file.is_file():
        pytest.skip("the viewer is not built; `npm ci && npm run build` in the folder extensions")
    return file.read_bytes()


def test_code_comes_as_a_script_and_is_asked_for_again(signed_in: Callable[[str], Any], code: bytes) -> None:
    status, headers, text = signed_in("researcher").ask("GET", f"/workbench/viewer/{CODE}")
    assert (status, text.encode()) == (200, code)
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "private, no-cache"


def test_code_asked_for_by_its_hash_is_kept_for_ever(signed_in: Callable[[str], Any], code: bytes) -> None:
    digest = hashlib.sha256(code).hexdigest()
    browser = signed_in("researcher")
    for version, is_kept in ((digest[:16], True), (digest, True), ("0" * 16, False), (digest[:4], False), ("", False)):
        _, headers, _ = browser.ask("GET", f"/workbench/viewer/{CODE}?v={version}")
        assert ("immutable" in headers["cache-control"]) == is_kept, version


def test_code_that_is_known_is_not_sent_again(signed_in: Callable[[str], Any], code: bytes) -> None:
    browser = signed_in("researcher")
    etag = browser.ask("GET", f"/workbench/viewer/{CODE}")[1]["etag"]
    reply, body = _ask(browser, f"/workbench/viewer/{CODE}", {"If-None-Match": etag})
    assert (reply.status, body) == (304, b"")


@pytest.mark.parametrize("name", [
    "", "viewer.py", "../view.py", "..%2Fview.py", "%2e%2e/view.py", "/etc/passwd", "ct-viewer.js/",
    "static/ct-viewer.js", "no-such.js", "ct-viewer.js%00", "view.py?v=0",
])  # fmt: skip
def test_nothing_else_is_served(signed_in: Callable[[str], Any], name: str) -> None:
    status, _, text = signed_in("researcher").ask("GET", f"/workbench/viewer/{name}")
    assert status in (400, 404) and "import" not in text and "root:" not in text


def test_a_stranger_gets_no_code(stranger: Any) -> None:
    assert stranger.ask("GET", f"/workbench/viewer/{CODE}")[0] == 403


def test_only_files_of_a_browser_that_lie_in_the_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep.js").mkdir()
    for name in ("viewer.js", "chunk-A1.js", "look.css", "map.json", "notes.txt", ".hidden.js", "deep.js/in.js"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link.js").symlink_to("/etc/passwd")
    monkeypatch.setattr(viewer_files, "FOLDER", tmp_path)
    assert set(viewer_files.served_files()) == {"viewer.js", "chunk-A1.js", "look.css", "map.json"}
    monkeypatch.setattr(viewer_files, "FOLDER", tmp_path / "absent")
    assert viewer_files.served_files() == {}


def test_slices_pass_the_lab_server_as_the_gateway_sends_them(
    signed_in: Callable[[str], Any], governed_home: Settings, make_dataset: Callable[[str], None]
) -> None:
    make_dataset("slices-ct")
    browser, view = signed_in("researcher"), _open_view(governed_home, "slices-ct")
    url = f"/workbench/api/views/{view}/slices/axial/1"
    plain, body = _ask(browser, url)
    assert (plain.status, plain.headers["X-Shape"], body) == (200, "4,4", bytes(32))
    packed, body = _ask(browser, f"{url}?pack=1")
    assert (packed.headers["Content-Encoding"], packed.headers["X-Packed"]) == ("deflate", "delta-zigzag-shuffle")
    assert zlib.decompress(body) == bytes(32) and packed.headers["ETag"] != plain.headers["ETag"]
    grid = quote('{"shape":[1,2,3],"spacing_mm":[1,1,1],"origin_mm":[0,0,1]}')
    other, body = _ask(browser, f"/workbench/api/views/{view}/slices/axial/0?grid={grid}&slab_mm=2&mode=mip")
    assert (other.status, other.headers["X-Shape"], body) == (200, "2,3", bytes(12))
    known, body = _ask(browser, url, {"If-None-Match": plain.headers["ETag"]})
    assert (known.status, body) == (304, b"")


def test_refusals_of_slices_pass_with_their_sentence(
    signed_in: Callable[[str], Any], governed_home: Settings, make_dataset: Callable[[str], None]
) -> None:
    make_dataset("refused-ct")
    browser, view = signed_in("researcher"), _open_view(governed_home, "refused-ct")
    for end, sentence in (
        ("slices/axial/1?level=99", "no level 99"), ("slices/axial/1?slab_mm=nan", "thickness"),
        ("labels/x/slices/axial/1", "no labels “x”"),
    ):  # fmt: skip
        assert sentence in browser.ask("GET", f"/workbench/api/views/{view}/{end}")[2]
    assert signed_in("reviewer").ask("GET", f"/workbench/api/views/{view}/slices/axial/1")[0] == 404


def _open_view(settings: Settings, dataset: str) -> str:
    with closing(Connection(settings.socket, operator_secret(settings))) as operator:
        body = {"person": "researcher", "isolation": "bubblewrap", "purpose": ""}
        token = operator.post("/v1/kernels", body)["token"]
    with closing(Connection(settings.socket, token)) as kernel:
        return str(kernel.post("/v1/views", {"dataset": dataset, "scan": "S0001"})["view"])


def _ask(browser: Any, path: str, headers: dict[str, str] | None = None) -> tuple[http.client.HTTPResponse, bytes]:
    """Give a reply and its bytes as they travelled."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with closing(http.client.HTTPConnection("127.0.0.1", browser.port, timeout=60)) as line:
        line.request("GET", path, headers={"Cookie": cookies, **(headers or {})})
        reply = line.getresponse()
        return reply, reply.read()
