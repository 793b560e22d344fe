"""One phantom for all tests of the room, small and made once."""

from __future__ import annotations

import pytest

from workbench.imaging.phantom import Phantom, make_phantom

SEED = 3


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """Give a coarse phantom with nodules."""
    return make_phantom(SEED, size=112)


@pytest.fixture(scope="session")
def full_phantom() -> Phantom:
    """Give a phantom of the demo's size."""
    return make_phantom(200)
