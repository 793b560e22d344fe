"""The airlock of an empty home with the demo's people."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from workbench.airlock.ledger import SCHEMA
from workbench.airlock.releases import Releases
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings


def png(shade: int = 255) -> bytes:
    """Give a small picture of one shade."""
    buffer = io.BytesIO()
    Image.new("L", (4, 4), shade).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def store(home: Settings) -> Iterator[Store]:
    """Give the store of a home with the demo's people."""
    opened = Store(home.store, (SCHEMA,))
    seed(opened, replace(home, demo_accounts=True))
    yield opened
    opened.close()


@pytest.fixture
def releases(store: Store, tmp_path: Path) -> Releases:
    """Give its airlock."""
    return Releases(store, tmp_path / "releases")


class Desk:
    """An airlock and the researcher who offers, with the words that every offer needs."""

    def __init__(self, releases: Releases) -> None:
        self.releases = releases

    def offer(self, person: str = "researcher", *, is_draft: bool = False, **files: bytes | str) -> str:
        """Offer files named with `__` for the dot, such as `sex__csv`, and give the id."""
        named = {
            name.replace("__", "."): text.encode() if isinstance(text, str) else text for name, text in files.items()
        }
        body = self.releases.offer(
            person, named or {"froc.png": png()}, reason="figure 2", controls="an aggregate", is_draft=is_draft
        )
        return str(body["id"])

    def approve(self, offer: str) -> None:
        """Have both checkers approve."""
        for checker in ("checker-1", "checker-2"):
            self.releases.vote(checker, offer, "approve", "")

    def release(self, person: str = "researcher", **files: bytes | str) -> str:
        """Have files offered, approved and released."""
        offer = self.offer(person, **files)
        self.approve(offer)
        self.releases.release(person, offer)
        return offer


@pytest.fixture
def desk(releases: Releases) -> Desk:
    """Give the airlock with short words for what is done in it."""
    return Desk(releases)
