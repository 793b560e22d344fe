"""Whatever a dataset is like, no source value is left in what is made of it, and both routes make the same.

`WORKBENCH_PROPERTY_EXAMPLES=2000` searches longer, with new examples in every run.
"""

from __future__ import annotations

import io
import os

from hypothesis import HealthCheck, Phase, given, settings
from planted import Search
from planted.arbitrary import Arbitrary, instances
from pydicom import dcmread

from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.fast_route import FastRoute
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.silence import silent_pydicom

KEY = b"p" * 32
EXAMPLES = os.environ.get("WORKBENCH_PROPERTY_EXAMPLES")
THOROUGH = settings(
    max_examples=int(EXAMPLES or 40), derandomize=EXAMPLES is None, database=None, deadline=None,
    phases=(Phase.explicit, Phase.generate) if EXAMPLES is None else tuple(Phase),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip


def cleaner(profile: str = "standard") -> Deidentifier:
    return Deidentifier(load_profile(profile), Pseudonyms(KEY, "somebody"))


def slow(content: bytes, profile: str = "standard") -> bytes:
    """Clean through pydicom."""
    with silent_pydicom():
        written = io.BytesIO()
        cleaner(profile).clean_instance(dcmread(io.BytesIO(content))).save_as(written, enforce_file_format=True)
    return written.getvalue()


def left(one: Arbitrary, content: bytes) -> list[str]:
    return [f"{needle.place}: {needle.text!r}" for needle in Search(one.needles).found(content)]


@THOROUGH
@given(instances())
def test_no_source_value_stays_behind(one: Arbitrary) -> None:
    assert left(one, slow(one.content)) == []


@THOROUGH
@given(instances())
def test_the_basic_profile_leaves_no_source_value(one: Arbitrary) -> None:
    assert left(one, slow(one.content, "basic")) == []


@THOROUGH
@given(instances(("explicit",)))
def test_both_routes_give_the_same_dataset(one: Arbitrary) -> None:
    with silent_pydicom():
        fast = FastRoute(cleaner()).clean(one.content)
        assert fast is None or left(one, fast) == []
        assert fast is None or dcmread(io.BytesIO(fast)) == dcmread(io.BytesIO(slow(one.content)))


@THOROUGH
@given(instances())
def test_cleaning_twice_leaks_nothing_and_changes_only_pseudonyms(one: Arbitrary) -> None:
    once = slow(one.content)
    twice = slow(once)
    assert left(one, twice) == []
    with silent_pydicom():
        first, second = dcmread(io.BytesIO(once)), dcmread(io.BytesIO(twice))
    assert set(second.keys()) == set(first.keys())
    assert second.PixelData == first.PixelData
