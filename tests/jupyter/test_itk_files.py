"""The files of itkwidgets: for people who are signed in, and nothing beside them."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.conftest import missing

FILES = "/workbench/nbextensions/itkwidgets"


@pytest.fixture
def itk() -> None:
    if find_spec("itkwidgets") is None:
        missing("itkwidgets is not installed; pip install 'ai4h-workbench[itk]'")


def test_a_stranger_gets_no_file(stranger):
    status, headers, _ = stranger.ask("GET", f"{FILES}/index.js")

    assert status == 403 or (status == 302 and headers["location"].startswith("/login"))


def test_the_script_and_the_worker_are_given(itk, signed_in):
    browser = signed_in("researcher")

    status, headers, text = browser.ask("GET", f"{FILES}/index.js")
    worker, policy, _ = browser.ask("GET", f"{FILES}/itk/WebWorkers/Pipeline.worker.js")

    assert status == worker == 200
    assert "javascript" in headers["content-type"] and text.startswith('define(["@jupyter-widgets/base"]')
    assert "default-src 'self'" in policy["content-security-policy"]


@pytest.mark.parametrize("path", ["/../__init__.py", "/%2e%2e/__init__.py", "/%2Fetc%2Fpasswd", "/nothing.js"])
def test_nothing_beside_them_is_given(itk, signed_in, path):
    status, _, text = signed_in("researcher").ask("GET", FILES + path)

    assert status in (403, 404) and "root:" not in text and "_version" not in text
