"""Scans and arrays in itkwidgets: the right place, window and labels, and sentences where it cannot show something."""

from __future__ import annotations

import base64
from importlib.util import find_spec

import numpy as np
import pytest

from tests.conftest import missing
from workbench.errors import InvalidInput, MissingDependency
from workbench.geometry import Geometry
from workbench.viewer import itk_engine
from workbench.viewer.itk_engine import view_with_itkwidgets
from workbench.viewer.view import view

OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)


@pytest.fixture
def ramp() -> np.ndarray:
    """Give values 0 to 29 along x."""
    return np.broadcast_to(np.arange(30, dtype=np.int16), (10, 20, 30)).copy()


@pytest.fixture
def itk() -> None:
    if find_spec("itkwidgets") is None:
        missing("itkwidgets is not installed; pip install 'ai4h-workbench[itk]'")


def test_every_voxel_keeps_its_patient_position(itk, ramp):
    grid = Geometry((10, 20, 30), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5), OBLIQUE)

    image = view_with_itkwidgets(ramp, geometry=grid).viewer.rendered_image

    place = tuple(image.TransformIndexToPhysicalPoint((3, 5, 7)))
    # x = -30 + 0.8*(3*0.7) - 0.6*(5*0.8); y = -20 + 0.6*2.1 + 0.8*4; z = 100.5 + 7*2.5
    assert place == pytest.approx((-30.72, -15.54, 118.0))
    assert image.GetPixel((3, 5, 7)) == 3


def test_the_overview_keeps_the_extent_of_a_larger_volume(itk):
    values = np.broadcast_to(np.arange(384, dtype=np.int16), (4, 8, 384)).copy()

    shown = view_with_itkwidgets(values, spacing_mm=1.0)

    image = shown.viewer.rendered_image
    assert tuple(image.GetLargestPossibleRegion().GetSize())[0] == 192
    # The first of 192 voxels of 2 mm lies amid the two it stands for.
    assert (image.GetOrigin()[0], image.GetSpacing()[0]) == pytest.approx((0.5, 2.0))
    assert "at most 192 voxels along an axis" in shown.note and "of 4 × 8 × 384 voxels" in shown.note


def test_the_notebook_keeps_a_picture_of_it(itk, ramp):
    shown = view_with_itkwidgets(ramp, spacing_mm=1.0, window=(10, 40), position_mm=(3.0, 4.0, 5.0))

    bundle = shown._repr_mimebundle_()

    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"].startswith("ItkView")


def test_the_window_becomes_the_limits_within_the_values(itk, ramp):
    viewer = view_with_itkwidgets(ramp, spacing_mm=1.0, window=(10, 40)).viewer

    assert (viewer.vmin, viewer.vmax) == ([0.0], [29.0])


def test_a_constant_volume_and_voxels_without_a_value_are_shown(itk):
    values = np.full((4, 5, 6), 7.0)
    values[0] = np.nan

    image = view_with_itkwidgets(values, spacing_mm=1.0).viewer.rendered_image

    assert np.unique(np.asarray(image)).tolist() == [7.0]


def test_labels_above_255_keep_their_value_and_each_has_a_weight(itk, ramp):
    labels = np.zeros(ramp.shape, dtype=np.int64)
    labels[:, :, 10:20], labels[:, :, 20:] = 300, 65535

    viewer = view_with_itkwidgets(ramp, spacing_mm=1.0, labels=labels).viewer

    assert np.unique(np.asarray(viewer.rendered_label_image)).tolist() == [0, 300, 65535]
    assert viewer.label_image_weights.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"arrangement": "montage"}, "no arrangement 'montage'"),
        ({"boxes": [{"centre_mm": (1, 1, 1), "size_mm": 2}]}, "cannot show boxes"),
        ({"slab_mm": 5.0}, "cannot show slab_mm"),
        ({"window": "lungs"}, "no window “lungs”"),
        ({"level": 3}, "levels 0 to 0"),
        ({"labels": np.zeros((2, 2, 2), int)}, "one for each voxel"),
        ({"labels": np.full((10, 20, 30), 70_000)}, "from 0 to 65535"),
    ],
    ids=["arrangement", "boxes", "slab", "window", "level", "labels-shape", "labels-values"],
)
def test_what_it_cannot_show_is_refused_in_a_sentence(itk, ramp, options, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        view_with_itkwidgets(ramp, spacing_mm=1.0, **options)


def test_a_place_in_an_oblique_scan_is_refused(itk, ramp):
    grid = Geometry((10, 20, 30), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), OBLIQUE)

    with pytest.raises(InvalidInput, match="oblique"):
        view_with_itkwidgets(ramp, geometry=grid, position_mm=(0.0, 0.0, 0.0))


def test_another_version_is_refused_with_the_one_that_works(monkeypatch, ramp):
    monkeypatch.setattr(itk_engine, "version", lambda _name: "0.32.6")

    with pytest.raises(MissingDependency, match="only 0.32.4 works"):
        view(ramp, spacing_mm=1.0, engine="itkwidgets")


def test_an_absent_extra_is_named(monkeypatch, ramp):
    def absent(name: str) -> str:
        raise itk_engine.PackageNotFoundError(name)

    monkeypatch.setattr(itk_engine, "version", absent)

    with pytest.raises(MissingDependency, match=r"ai4h-workbench\[itk\]"):
        view(ramp, spacing_mm=1.0, engine="itkwidgets")
