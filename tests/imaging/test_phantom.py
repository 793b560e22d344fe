"""Phantoms: deterministic, like a chest CT in their numbers, with a truth that is true and a known ceiling."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import lung_mask
from workbench.imaging.phantom import LEFT_LUNG, RIGHT_LUNG, Phantom, make_phantom
from workbench.imaging.phantom_nodules import PLACES, TEXTURES, draw_count, draw_diameter, malignancy_chance
from workbench.imaging.phantom_oracle import oracle

NODULE = {"age": 62, "sex": "M", "count": 4, "is_spiculated": False, "is_upper_lobe": False, "enrichment": 0.0}


def test_a_seed_gives_the_same_bytes_again(phantom: Phantom):
    again = make_phantom(phantom.seed, size=phantom.hu.shape[1])
    assert hashlib.sha256(again.hu.tobytes()).digest() == hashlib.sha256(phantom.hu.tobytes()).digest()
    assert (again.nodules, again.identity, again.geometry) == (phantom.nodules, phantom.identity, phantom.geometry)


def test_another_seed_gives_another_person(phantom: Phantom):
    other = make_phantom(phantom.seed + 1, size=phantom.hu.shape[1])
    assert other.identity.patient_id != phantom.identity.patient_id
    assert other.geometry.spacing_mm != phantom.geometry.spacing_mm


def test_a_phantom_is_an_anisotropic_int16_volume(full_phantom: Phantom):
    assert full_phantom.hu.dtype == np.int16
    assert full_phantom.hu.shape == full_phantom.geometry.shape
    assert full_phantom.hu.shape[1:] == (224, 224)
    assert 80 <= full_phantom.hu.shape[0] <= 190
    assert full_phantom.geometry.spacing_mm[0] > full_phantom.geometry.spacing_mm[1]
    assert -1024 <= full_phantom.hu.min() and full_phantom.hu.max() <= 3071


def test_tissues_have_their_hu(full_phantom: Phantom):
    hu, mask = full_phantom.hu, lung_mask(full_phantom.hu, full_phantom.geometry.spacing_mm)
    assert -900 < np.median(hu[mask]) < -820
    soft = hu[(hu > 0) & (hu < 110)]
    assert 40 < np.median(soft) < 75
    assert (hu > 250).mean() > 0.004, "there is bone"
    assert hu[:, 0].max() < -700, "there is air in front of the chest"


def test_noise_is_correlated_between_neighbouring_pixels(full_phantom: Phantom):
    flat = full_phantom.hu[:, 108:118, 40:60].astype(float)  # air or lung or chest: difference images cancel anatomy
    noise = np.diff(flat, axis=0)
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    step = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / (noise**2).mean()
    assert step > 0.05


def test_nodules_are_what_the_truth_says(full_phantom: Phantom):
    assert full_phantom.nodules
    for nodule in full_phantom.nodules:
        z, y, x = np.rint(full_phantom.geometry.to_index(np.array(nodule.centre_mm))).astype(int)
        near = full_phantom.hu[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2]
        assert near.max() > (-400 if nodule.texture == "solid" else -750)
        assert 4 <= nodule.diameter_mm <= 30
        assert nodule.texture in TEXTURES and nodule.place in PLACES
        assert 0 < nodule.chance < 1


def test_the_lungs_are_two_sides_of_plausible_size_without_holes(full_phantom: Phantom):
    lungs, voxel_ml = full_phantom.lungs, np.prod(full_phantom.geometry.spacing_mm) / 1000
    assert lungs.shape == full_phantom.hu.shape and set(np.unique(lungs)) == {0, 1, 2}
    right, left = ((lungs == side).sum() * voxel_ml for side in (RIGHT_LUNG, LEFT_LUNG))
    assert 1000 < left < right < 3500
    # LPS: x grows to the patient's left.
    assert np.nonzero(lungs == RIGHT_LUNG)[2].mean() < np.nonzero(lungs == LEFT_LUNG)[2].mean()
    found = lung_mask(full_phantom.hu, full_phantom.geometry.spacing_mm)
    assert 2 * (found & (lungs > 0)).sum() / (found.sum() + (lungs > 0).sum()) > 0.95


def test_diameters_follow_the_published_lognormal():
    rng = np.random.default_rng(0)
    drawn = np.log([draw_diameter(rng) for _ in range(20_000)])
    # A normal law with mean 1.992 and sd 0.473, cut at ln 4 and ln 30, has mean 2.082 and sd 0.395.
    assert drawn.mean() == pytest.approx(2.082, abs=0.01)
    assert drawn.std() == pytest.approx(0.395, abs=0.01)


def test_an_eighth_of_scans_hold_no_nodule_and_the_rest_two_draws():
    rng = np.random.default_rng(0)
    counts = np.array([draw_count(rng) for _ in range(20_000)])
    assert (counts == 0).mean() == pytest.approx(1 / 8, abs=0.01)
    assert counts[counts > 0].mean() == pytest.approx(2 * 1.927, abs=0.05)
    assert counts[counts > 0].min() == 2


def test_the_chance_of_malignancy_is_the_published_model():
    # Model 2b of McWilliams 2013 by hand: -6.7892 - 5.3854 × (1 - 1.58113883) = -3.6595, and e^-3.6595 / (1 + …).
    assert malignancy_chance(10, "solid", **NODULE) == pytest.approx(0.02511, abs=2e-5)
    spiculated = malignancy_chance(10, "solid", **{**NODULE, "is_spiculated": True})
    odds = spiculated / (1 - spiculated) / (0.02511 / 0.97489)
    assert odds == pytest.approx(np.exp(0.7729), rel=2e-3)


def test_enrichment_leaves_odds_ratios_alone():
    def odds(diameter_mm: float, enrichment: float) -> float:
        chance = malignancy_chance(diameter_mm, "solid", **{**NODULE, "enrichment": enrichment})
        return chance / (1 - chance)

    assert odds(20, 3.0) / odds(6, 3.0) == pytest.approx(odds(20, 0.0) / odds(6, 0.0))


def test_the_ceiling_leaves_something_to_learn_and_is_no_certainty():
    ceiling = oracle(4000)
    assert 0.3 < ceiling.malignant_share < 0.5
    assert ceiling.size_auc + 0.01 < ceiling.auc < 0.9


def test_the_identity_does_not_show_in_a_repr(phantom: Phantom):
    assert phantom.identity.name.split("^")[0] not in repr(phantom)


@pytest.mark.parametrize("size", [0, 95, 513, 224.0, True])
def test_a_size_out_of_range_is_refused(size: int):
    with pytest.raises(InvalidInput, match="96 to 512"):
        make_phantom(1, size=size)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_an_unusable_seed_is_refused(seed: int):
    with pytest.raises(InvalidInput, match="seed"):
        make_phantom(seed)
