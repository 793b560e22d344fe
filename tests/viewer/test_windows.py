"""Windows per modality: named with their source, in the scan's unit, read by name or as a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.volume import WINDOWS
from workbench.viewer.windows import is_inverted, presets_for, read_window


@dataclass
class Held:
    """Stored numbers with what they mean."""

    array: NDArray[np.int16]
    modality: str = "CT"
    unit: str = "HU"
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def geometry(self) -> Geometry:
        """The grid."""
        z, y, x = self.array.shape
        return Geometry((z, y, x), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))

    def __getitem__(self, key: Any) -> NDArray[np.int16]:
        """Give voxels by index (z, y, x)."""
        voxels: NDArray[np.int16] = self.array[key]
        return voxels


def ramp(modality: str, unit: str, slope: float = 1.0, intercept: float = 0.0) -> Held:
    """Give 0 to 1000 in equal shares, as stored."""
    return Held(np.arange(1001, dtype=np.int16).reshape(7, 11, 13), modality, unit, slope, intercept)


def limits(preset: Any) -> tuple[float, float]:
    return preset["level"] - preset["width"] / 2, preset["level"] + preset["width"] / 2


def test_ct_has_the_known_presets_in_the_order_of_the_keys() -> None:
    presets = presets_for(ramp("CT", "HU"))
    assert [one["name"] for one in presets] == list(WINDOWS)
    assert (presets[0]["level"], presets[0]["width"]) == (-600, 1500)
    assert not any(is_inverted(one["name"], presets) for one in presets)


@pytest.mark.parametrize("kind", [("CT", "HU"), ("MR", "arbitrary"), ("PT", "g/ml"), ("PT", "Bq/ml"), ("OT", "1")])
def test_every_preset_names_its_source_and_has_a_width(kind: tuple[str, str]) -> None:
    presets = presets_for(ramp(*kind))
    assert len({one["name"] for one in presets}) == len(presets) >= 4
    assert all(len(one["source"]) > 10 and one["width"] > 0 for one in presets)


def test_mr_windows_are_percentiles_in_the_scans_unit() -> None:
    # Stored 0 to 1000 in equal shares, times 0.5, plus 20: percentile p is 5·p + 20.
    presets = {one["name"]: one for one in presets_for(ramp("MR", "arbitrary", 0.5, 20.0))}
    assert limits(presets["standard"]) == pytest.approx((25, 515), abs=1)
    assert limits(presets["wide"]) == pytest.approx((20, 519), abs=1)
    assert limits(presets["full"]) == pytest.approx((20, 520), abs=1)


def test_pet_in_suv_starts_at_nought_and_is_inverted() -> None:
    presets = presets_for(ramp("PT", "g/ml", 0.01))
    assert (presets[0]["name"], limits(presets[0])) == ("SUV 0–7", (0.0, 7.0))
    assert all(is_inverted(one["name"], presets) for one in presets)
    assert is_inverted((3.0, 6.0), presets)


def test_pet_in_another_unit_is_scaled_to_the_scan() -> None:
    presets = presets_for(ramp("PT", "Bq/ml", 20.0))
    assert limits(presets[0]) == pytest.approx((0, 19_900), rel=0.01)
    assert "not in SUV" in presets[0]["source"]


@pytest.mark.parametrize("stored", [0, 7, -32768])
def test_constant_and_empty_volumes_have_a_window_too(stored: int) -> None:
    presets = presets_for(Held(np.full((2, 3, 4), stored, np.int16), "MR", "arbitrary"))
    low, high = limits(presets[0])
    assert low < (0 if stored == -32768 else stored) < high


def test_missing_values_do_not_pull_the_window_down() -> None:
    held = ramp("MR", "arbitrary")
    held.array[::2] = -32768
    assert limits(presets_for(held)[2])[0] >= 0


@pytest.mark.parametrize("kind", [("OT", "score"), ("MR", "arbitrary"), ("PT", "Bq/ml")])
def test_a_map_that_is_nought_nearly_everywhere_shows_what_it_holds(kind: tuple[str, str]) -> None:
    scores = np.zeros((20, 40, 40), np.int16)
    scores[10, 20, 20:22] = 800
    presets = presets_for(Held(scores, *kind, slope=0.001))
    assert {limits(one) for one in presets} == {(0.0, 0.8)}


def test_window_is_read_by_name_and_as_a_pair() -> None:
    presets = presets_for(ramp("PT", "g/ml"))
    assert read_window("SUV 0–10", presets) == (5.0, 10.0)
    assert read_window([0.25, 0.5], presets) == (0.25, 0.5)


@pytest.mark.parametrize("window", ["lung", (1, 0), (1, -5), (float("nan"), 3), 7, {"level": 1}, (1, 2, 3), None])
def test_what_is_no_window_is_refused_with_the_presets(window: object) -> None:
    with pytest.raises(InvalidInput, match="SUV 0–7"):
        read_window(window, presets_for(ramp("PT", "g/ml")))
