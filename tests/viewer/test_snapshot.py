"""Snapshots: deterministic, true to the patient, complete in what they say, honest about what they cannot show."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.inks import Pen
from workbench.viewer.picture import Scene, caption_lines, draw_planes
from workbench.viewer.shown_volume import as_shown
from workbench.viewer.snapshot import snapshot

GRID = Geometry((20, 30, 40), (2.0, 1.0, 1.0), (-20.0, -15.0, 100.0))
# One voxel is 10 px: a plane of 40 × 30 mm on 400 px.
SIZE = 400


def body() -> Any:
    """Give air with a block of water: x 10 to 19, y 5 to 24, z 5 to 14."""
    array = np.full(GRID.shape, -1000, dtype=np.int16)
    array[5:15, 5:25, 10:20] = 0
    return array


def shot(array: Any = None, **given: Any) -> Any:
    wanted: dict[str, Any] = {"geometry": GRID, "modality": "CT", "plane": "axial", "size": SIZE, "crosshair": False}
    return snapshot(body() if array is None else array, **{**wanted, **given})


def pixels(picture: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(bytes(picture))).convert("RGB"))


def test_grey_is_where_the_patient_is() -> None:
    seen = pixels(shot(window=(0, 2000)))
    # Voxel centres (x 15, y 15) and (x 30, y 15) lie at 155 and 305 px.
    assert seen[155, 155].tolist() == [128, 128, 128]
    assert seen[155, 305].tolist() == [0, 0, 0]


def test_window_in_the_scans_unit_and_inverted_for_pet() -> None:
    # 7 stored as a float: SUV 0–7 is black at 7 when inverted, white at 0.
    array = np.zeros(GRID.shape, dtype=np.float32)
    array[5:15, 5:25, 10:20] = 7.0
    seen = pixels(shot(array, modality="PT", unit="g/ml"))
    assert (seen[155, 155].max(), seen[155, 305].min()) == (0, 255)


def test_missing_values_are_black_even_when_inverted() -> None:
    array = np.full(GRID.shape, np.nan, dtype=np.float32)
    array[5:15, 5:25, 10:20] = 0.0
    seen = pixels(shot(array, modality="PT", unit="g/ml"))
    assert (seen[155, 155].min(), seen[155, 305].max()) == (255, 0)


def test_slab_projects_the_slices_within_half_its_thickness() -> None:
    array = body()
    array[12] = 500
    # At z index 9 a slab of 12 mm reaches 3 slices of 2 mm, to index 12; one of 10 mm does not.
    place = tuple(GRID.to_patient_mm(np.array([9, 15, 15])).tolist())
    grey = [
        pixels(shot(array, window=(500, 1000), position_mm=place, slab_mm=mm, slab_mode="mip"))[155, 155, 0]
        for mm in (12, 10)
    ]
    assert grey == [128, 0]


class LabelsElsewhere:
    """Labels twice as fine along x, all of value 3: patient x from −4.5 to 5.5 mm, which are voxels 16 to 25."""

    geometry = Geometry((20, 30, 20), (2.0, 1.0, 0.5), (-4.25, -15.0, 100.0))
    segments = ({"value": 3, "label": "liver"},)

    def __getitem__(self, key: Any) -> Any:
        """Give label values."""
        return np.full(self.geometry.shape, 3, np.uint8)[key]


def test_labels_of_another_grid_lie_where_they_are_in_the_patient() -> None:
    scene = Scene((0.0, 0.0, 120.0), 0, 2000, labels=(LabelsElsewhere(),), crosshair=False)
    shown = as_shown(np.full(GRID.shape, -1000, np.int16), geometry=GRID, modality="CT")
    seen = np.asarray(draw_planes(shown, scene, {"axial": (0, 0, 400, 300)}, 400).image)
    coloured = np.flatnonzero(np.ptp(seen[150], axis=-1) > 20)
    assert (coloured.min(), coloured.max()) == (160, 259)


def test_same_call_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib, numpy as np\nfrom workbench.viewer.snapshot import snapshot\n"
        "a = (np.arange(4000).reshape(10, 20, 20) % 777).astype(np.int16)\n"
        "p = snapshot(a, spacing_mm=(3, 1, 1), modality='MR', labels={'Läsion': a > 700}, size=500)\n"
        "print(hashlib.sha256(bytes(p)).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) == 65


@pytest.mark.parametrize("grid", ["oblique", "one slice", "gigantic spacing", "constant", "half missing"])
def test_odd_volumes_give_a_picture(grid: str) -> None:
    array = np.arange(24, dtype=np.float64).reshape(1 if grid == "one slice" else 2, -1, 4)
    direction = (0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0)
    geometry = Geometry(
        array.shape, (5000.0 if grid == "gigantic spacing" else 3.0, 0.5, 0.5), (0.0, 0.0, 0.0),
        direction if grid == "oblique" else (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )  # fmt: skip
    if grid in ("constant", "half missing"):
        array[:, : array.shape[1] // 2 if grid == "half missing" else None] = 7.0 if grid == "constant" else np.nan
    picture = snapshot(array, geometry=geometry, size=300)
    assert picture.size[0] == 300
    assert len(np.unique(pixels(picture))) > 4


def test_round_things_are_round_on_anisotropic_voxels() -> None:
    z, y, x = np.ogrid[:40, :100, :50]
    ball = (z - 19.5) ** 2 * 25 + (y - 49.5) ** 2 + ((x - 24.5) * 2) ** 2 < 40**2
    geometry = Geometry((40, 100, 50), (5.0, 1.0, 2.0), (0.0, 0.0, 0.0))
    shown = as_shown(ball, geometry=geometry)
    for plane in ("axial", "coronal", "sagittal"):
        scene = Scene((50.0, 50.0, 100.0), 0.5, 1, crosshair=False)
        seen = np.asarray(draw_planes(shown, scene, {plane: (0, 0, 400, 400)}, 400).image)[..., 0] > 128
        # A ball of 80 mm across; the letters at the edges are left out. A voxel of 5 mm is up to 20 px.
        across, down = np.count_nonzero(seen[200, 25:375]), np.count_nonzero(seen[35:365, 200])
        assert abs(int(across) - int(down)) <= 22
        assert across > 140


def test_numbers_of_numpy_are_numbers() -> None:
    assert shot(size=np.int64(300), slab_mm=np.float32(4)) == shot(size=300, slab_mm=4.0)


@pytest.mark.parametrize(
    ("window", "grey"), [((0, 1e-300), 255), ((0, 1e300), 128), ((1e300, 1e300), 0), ((-1e300, 1e300), 255)]
)
def test_windows_beyond_all_values_show_what_they_say(window: tuple[float, float], grey: int) -> None:
    volume = np.full((3, 40, 40), 7, np.int16)
    picture = snapshot(volume, spacing_mm=1, plane="axial", window=window, size=300, crosshair=False)
    assert abs(int(pixels(picture)[100, 100, 0]) - grey) <= 1


def test_words_name_position_window_and_unit(tmp_path: Path) -> None:
    picture = shot(window="lung", title="S0001", position_mm=(0.0, 0.0, 110.0), path=tmp_path / "figure.png")
    assert "axial of S0001 at x 0.0, y 0.0, z 110.0 mm, window level -600 width 1500 HU" in repr(picture)
    assert (tmp_path / "figure.png").read_bytes() == bytes(picture)
    assert [one.name for one in tmp_path.iterdir()] == ["figure.png"]


def test_long_titles_leave_room_for_window_and_spacing() -> None:
    pen, scene = Pen(Image.new("RGB", (1, 1))), Scene((1.0, -2.0, 3.0), -600, 1500, title="long " * 60, slab_mm=5.0)
    for width in (610, 300, 180):
        lines = caption_lines(pen, scene, GRID, width)
        assert all(pen.width_of(line) <= width for line in lines)
        said = " ".join(lines)
        for part in ("level −600 width 1500 HU", "1 × 1 × 2 mm", "x 1.0 y −2.0 z 3.0 mm", "slab 5 mm mean"):
            assert part in " ".join(said.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"plane": "frontal"}, "no plane 'frontal'"), ({"planes": [], "plane": None}, "No plane"),
        ({"size": 50}, "200 to 4000"), ({"size": 300.5}, "whole number"), ({"window": "lungs"}, "presets are lung"),
        ({"position_mm": (0, 0, 900)}, "outside this volume"), ({"slab_mode": "max"}, "mean, mip, minip"),
        ({"slab_mm": -1}, "0 mm"), ({"slab_mm": "10"}, "number of millimetres"), ({"path": "picture.jpg"}, ".png"),
        ({"path": "no/such/folder/a.png"}, "no folder"), ({"labels": np.zeros((3, 3, 3), np.uint8)}, "shape"),
        ({"labels": np.zeros(GRID.shape)}, "whole number"), ({"boxes": [{"centre_mm": (0, 0, 0)}]}, "size_mm"),
        ({"plane": None, "planes": 5}, "no plane 5"), ({"plane": None, "planes": [["axial"]]}, "no plane"),
        ({"title": 5}, "title is 5"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        shot(**given)
