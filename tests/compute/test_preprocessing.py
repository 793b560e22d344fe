"""A whole dataset is prepared once each, whatever fails; what cannot be prepared is named, and the rest goes on."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from workbench import __version__
from workbench.compute import preprocessing
from workbench.compute.prepared import open_prepared
from workbench.compute.prepared_files import PARTIAL, SCANS, only_writer
from workbench.compute.prepared_scan import prepare_scan
from workbench.compute.preprocessing import preprocess
from workbench.compute.recipe import Recipe, check_name, check_workers, read_spacing
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.errors import (
    AccessDenied,
    Conflict,
    DiskFull,
    IntegrityError,
    InvalidInput,
    NotFound,
    RunFailed,
    WorkbenchError,
    error_from_dict,
)  # fmt: skip
from workbench.geometry import Geometry
from workbench.imaging.lung_mask import lung_mask
from workbench.imaging.resampling import resample
from workbench.imaging.windowing import window_hu
from workbench.ingest.series.ome_zarr import write_ome_zarr
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).parent))
from prepared_homes import fill_scans, lines_of, small_phantoms

RECIPE = Recipe((4.0, 4.0, 4.0))
SPACING = (4.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give lines to a gateway with `clinic`, three sound scans, and `odd`, of which only the second is."""
    settings = load_settings(tmp_path_factory.mktemp("prepared") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        scans = small_phantoms(3)
        fill_scans(lines, "clinic", scans)
        fill_scans(lines, "odd", scans, damaged=[1], modality={3: "MR"})
        for dataset in ("clinic", "odd"):
            lines.grant("researcher", dataset)
        yield lines


@pytest.fixture
def here(lines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put this process into a researcher's kernel, with a workspace of this test's own, and itself as the worker."""
    monkeypatch.setenv(SOCKET_VARIABLE, str(lines.settings.socket))
    monkeypatch.setenv(TOKEN_VARIABLE, lines.kernel("researcher").token)
    monkeypatch.setattr(preprocessing, "_on_cluster", one_after_the_other)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one_after_the_other(tasks: Sequence[dict[str, Any]], _workers: int) -> Iterator[tuple[str, WorkbenchError | None]]:
    """Do what the cluster does without one; the tests of the verb have a cluster."""
    for task in tasks:
        said = prepare_scan(task)
        yield said["scan"], error_from_dict(said["error"]) if said["error"] else None


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Give a function that bounds the size of any file this process writes, as a disk that has no room would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_each_scan_is_what_the_three_kernels_give(here: Path) -> None:
    done = preprocess("clinic", RECIPE, "out")

    assert (done.total, done.made, done.kept) == (3, ["S0001", "S0002", "S0003"], 0)
    hu, grid = small_phantoms(1)[0]
    fine = resample(hu, grid.spacing_mm, SPACING)
    scan = open_prepared("out")["S0001"]
    np.testing.assert_array_equal(scan.volume(), window_hu(fine, -600, 1500))
    np.testing.assert_array_equal(scan.mask(), lung_mask(fine, SPACING))
    assert (scan.spacing_mm, scan.geometry.origin_mm) == (SPACING, grid.origin_mm)
    assert scan.mask().any()


def test_other_libraries_read_it(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")
    scan = open_prepared("out")["S0002"]
    group = zarr.open_group(here / "out" / SCANS / "S0002" / "image.zarr", mode="r")

    np.testing.assert_array_equal(np.asarray(group["0"]), scan.volume())
    transformations = group.attrs["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert transformations[0]["scale"] == list(SPACING)
    lungs = zarr.open_array(here / "out" / SCANS / "S0002" / "labels" / "lungs.zarr" / "0", mode="r")
    np.testing.assert_array_equal(np.asarray(lungs), scan.mask())


def test_a_patch_is_the_volume_around_a_place_and_0_beyond(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")
    scan = open_prepared("out")["S0001"]
    whole = scan.volume()

    np.testing.assert_array_equal(scan.patch((20, 40, 40), 16), whole[12:28, 32:48, 32:48])
    corner = scan.patch((0, 0, 0), 8)
    np.testing.assert_array_equal(corner[4:, 4:, 4:], whole[:4, :4, :4])
    assert not corner[:4].any()
    assert not scan.patch((-100, 0, 0), 8).any()


def test_the_record_names_version_recipe_subject_and_split(here: Path, lines: Any) -> None:
    preprocess("clinic", RECIPE, "out")
    prepared = open_prepared("out")

    record = prepared["S0002"].record
    assert record["source"]["version"] == prepared.version
    assert (record["recipe"], record["subject"], record["workbench"]) == (RECIPE.as_dict(), "P0002", __version__)
    assert [scan.scan for scan in prepared.of_split("train")] == ["S0001", "S0003"]
    assert "3 scans of 'clinic'" in repr(prepared)


def test_running_it_again_makes_nothing_and_checks_everything(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")
    manifest = (here / "out" / "manifest.json").read_bytes()

    again = preprocess("clinic", RECIPE, "out")

    assert (again.kept, again.made) == (3, [])
    assert (here / "out" / "manifest.json").read_bytes() == manifest


def test_what_a_kill_left_behind_is_neither_a_hole_nor_a_duplicate(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")
    manifest = (here / "out" / "manifest.json").read_bytes()
    # A kill between two scans, in the middle of a third, and before the manifest.
    (here / "out" / SCANS / "S0002").rename(here / "out" / PARTIAL / "S0002-halfway")
    (here / "out" / PARTIAL / "S0002-halfway" / "scan.json").unlink()
    (here / "out" / "manifest.json").rename(here / "out" / ".manifest.json.123")

    with pytest.raises(Conflict, match="is not finished: 2 scans"):
        open_prepared("out")
    assert open_prepared("out", may_be_unfinished=True).scans == ["S0001", "S0003"]
    again = preprocess("clinic", RECIPE, "out")

    assert (again.kept, again.made) == (2, ["S0002"])
    assert (here / "out" / "manifest.json").read_bytes() == manifest
    assert sorted(p.name for p in (here / "out").iterdir()) == [
        ".lock", PARTIAL, "manifest.json", "preparing.json", SCANS,
    ]  # fmt: skip
    assert list((here / "out" / PARTIAL).iterdir()) == []


def test_what_a_killed_worker_had_begun_does_not_stay(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_a_kill(tasks: Sequence[dict[str, Any]], workers: int) -> Iterator[tuple[str, WorkbenchError | None]]:
        (here / "out" / PARTIAL / "S0001-halfway").mkdir()
        (here / "out" / PARTIAL / "S0001-halfway" / "scan.json").write_bytes(b"{")
        yield from one_after_the_other(tasks, workers)

    monkeypatch.setattr(preprocessing, "_on_cluster", with_a_kill)
    assert len(preprocess("clinic", RECIPE, "out").made) == 3
    assert list((here / "out" / PARTIAL).iterdir()) == []


def test_the_same_scan_from_two_workers_is_there_once(here: Path) -> None:
    done = preprocess("clinic", RECIPE, "out")
    prepared = open_prepared("out")
    volume = preprocessing.find_dataset("clinic").volume("S0001")
    before = (here / "out" / SCANS / "S0001" / "scan.json").stat().st_ino

    said = prepare_scan(preprocessing._task(here / "out", {"recipe": RECIPE.as_dict()}, volume))

    assert (said, done.total) == ({"scan": "S0001", "error": None}, len(prepared))
    assert (here / "out" / SCANS / "S0001" / "scan.json").stat().st_ino == before


def test_a_damaged_prepared_scan_is_named_and_made_anew(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")
    shard = here / "out" / SCANS / "S0003" / "image.zarr" / "0" / "c" / "0" / "0" / "0"
    sound = shard.read_bytes()
    shard.write_bytes(b"\xff" * 4096 + sound[4096:])

    with pytest.raises(IntegrityError, match="scan S0003 of “out” is damaged.*Run `workbench preprocess` again"):
        open_prepared("out")["S0003"].volume()
    with pytest.raises(IntegrityError, match="S0003"):
        open_prepared("out")["S0003"].check()
    assert open_prepared("out")["S0001"].volume().any()
    again = preprocess("clinic", RECIPE, "out")

    assert (again.remade, again.kept) == (["S0003"], 2)
    assert shard.read_bytes() == sound


def test_a_truncated_prepared_scan_is_named(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")
    shard = here / "out" / SCANS / "S0001" / "labels" / "lungs.zarr" / "0" / "c" / "0" / "0" / "0"
    shard.write_bytes(shard.read_bytes()[:-10])

    with pytest.raises(IntegrityError, match="S0001"):
        open_prepared("out")["S0001"].mask()


def test_a_damaged_chunk_and_an_mr_are_named_and_the_others_go_on(here: Path) -> None:
    with pytest.raises(RunFailed, match="1 of 3 scans are prepared in “odd-out”, 2 failed") as failed:
        preprocess("odd", RECIPE, "odd-out")

    assert "S0001: A chunk of the stored scan is damaged" in failed.value.message
    assert "S0003: It is MR, not CT" in failed.value.message
    assert open_prepared("odd-out", may_be_unfinished=True).scans == ["S0002"]


def test_a_full_disk_names_the_scan_and_leaves_nothing_half_written(
    here: Path, small_files: Callable[[int], None]
) -> None:
    small_files(60_000)
    with pytest.raises(DiskFull, match="S0001, S0002, S0003: There was no room.*make room.*run the same command again"):
        preprocess("clinic", RECIPE, "out")
    assert list((here / "out" / SCANS).iterdir()) == list((here / "out" / PARTIAL).iterdir()) == []

    small_files(resource.RLIM_INFINITY)
    assert preprocess("clinic", RECIPE, "out").made == ["S0001", "S0002", "S0003"]


def test_a_disk_without_room_stops_the_run_and_what_is_done_stays(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.compute import prepared_files

    write = prepared_files._write

    def no_room(file: Path, content: bytes) -> None:
        if "S0002" in str(file):
            raise OSError(28, "No space left on device")
        write(file, content)

    monkeypatch.setattr(prepared_files, "_write", no_room)
    with pytest.raises(DiskFull, match="Stopped at scan S0002.*the disk is full.*1 of 3 scans stay in “out”"):
        preprocess("clinic", RECIPE, "out")
    assert open_prepared("out", may_be_unfinished=True).scans == ["S0001"]


def test_a_grant_that_ends_meanwhile_stops_it_with_the_reason(
    here: Path, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_scans(lines, "short", small_phantoms(2))
    grant = lines.grant("researcher", "short")["grant"]

    def revoked(tasks: Sequence[dict[str, Any]], workers: int) -> Iterator[tuple[str, WorkbenchError | None]]:
        yield from one_after_the_other(tasks[:1], workers)
        lines.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "the project has ended"})
        yield from one_after_the_other(tasks[1:], workers)

    monkeypatch.setattr(preprocessing, "_on_cluster", revoked)
    with pytest.raises(AccessDenied, match="Stopped at scan S0002: .*1 of 2 scans stay in “out”"):
        preprocess("short", RECIPE, "out")
    assert open_prepared("out", may_be_unfinished=True).scans == ["S0001"]
    with pytest.raises(AccessDenied, match="may not be read"):
        preprocess("short", RECIPE, "out")


@pytest.mark.parametrize("other", [
    Recipe((2.0, 4.0, 4.0)), Recipe(SPACING, (40.0, 400.0)), Recipe(SPACING, order="cubic"),
])  # fmt: skip
def test_other_parameters_in_the_same_folder_are_refused(here: Path, other: Recipe) -> None:
    preprocess("clinic", RECIPE, "out")

    with pytest.raises(Conflict, match="“out” was made with .* choose another name"):
        preprocess("clinic", other, "out")
    assert open_prepared("out").recipe == RECIPE


def test_another_dataset_in_the_same_folder_is_refused(here: Path) -> None:
    preprocess("clinic", RECIPE, "out")

    with pytest.raises(Conflict, match="dataset clinic"):
        preprocess("odd", RECIPE, "out")
    assert open_prepared("out").dataset == "clinic"


def test_a_folder_of_something_else_is_left_alone(here: Path) -> None:
    (here / "thesis").mkdir()
    (here / "thesis" / "chapter.txt").write_text("mine")
    (here / "note").write_text("a file")

    with pytest.raises(Conflict, match="“thesis” exists and holds something else"):
        preprocess("clinic", RECIPE, "thesis")
    with pytest.raises(InvalidInput, match="“note” cannot be made"):
        preprocess("clinic", RECIPE, "note")
    assert [entry.name for entry in (here / "thesis").iterdir()] == ["chapter.txt"]


def test_two_runs_never_write_into_one_folder(here: Path) -> None:
    (here / "out").mkdir()
    with only_writer(here / "out"), pytest.raises(Conflict, match="Another run writes into “out” now"):
        preprocess("clinic", RECIPE, "out")
    assert preprocess("clinic", RECIPE, "out").total == 3


def test_an_unknown_dataset_and_one_without_a_grant_are_refused(here: Path, lines: Any) -> None:
    fill_scans(lines, "closed", small_phantoms(1))

    with pytest.raises(NotFound):
        preprocess("nothing", RECIPE, "out")
    with pytest.raises(AccessDenied, match="“closed” may not be read"):
        preprocess("closed", RECIPE, "out")
    assert list(here.iterdir()) == []


def test_a_folder_that_was_never_prepared_says_how_to_make_it(here: Path) -> None:
    with pytest.raises(NotFound, match="workbench preprocess DATASET --spacing 1 --out missing"):
        open_prepared("missing")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/x", "~", ".hidden", "-x", "a" * 101, "a\0b", "é"])
def test_a_name_that_is_a_path_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not a path"):
        check_name(name)


@pytest.mark.parametrize("text", ["", "1,2", "a", "1,1,1,1", "nan", "0", "-1", "0.01", "100", "1,nan,1", "inf"])
def test_a_spacing_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="spacing"):
        Recipe(read_spacing(text))


@pytest.mark.parametrize("window", [(float("nan"), 100.0), (0.0, 0.0), (0.0, -5.0), (1e9, 100.0), (0.0, float("inf"))])
def test_a_window_that_cannot_be_meant_is_refused(window: tuple[float, float]) -> None:
    with pytest.raises(InvalidInput, match="window"):
        Recipe(SPACING, window)


@pytest.mark.parametrize("workers", [0, -1, 65, True])
def test_a_number_of_workers_that_cannot_be_meant_is_refused(workers: int) -> None:
    with pytest.raises(InvalidInput, match="from 1 to 64"):
        check_workers(workers)


def test_a_recipe_is_the_same_after_a_file() -> None:
    assert Recipe.from_dict(RECIPE.as_dict()) == RECIPE
    assert read_spacing("1") == (1.0, 1.0, 1.0)
    assert read_spacing("1.5,1,0.5") == (1.5, 1.0, 0.5)


def test_an_unknown_order_and_a_grid_without_end_are_refused() -> None:
    from workbench.compute.recipe import prepare_volume

    with pytest.raises(InvalidInput, match="linear, cubic"):
        Recipe(SPACING, order="nearest")
    grid = Geometry((2, 2, 2), (5000.0, 5000.0, 5000.0), (0.0, 0.0, 0.0))
    with pytest.raises(InvalidInput, match="choose a wider spacing"):
        prepare_volume(np.zeros((2, 2, 2), np.int16), grid, Recipe((1.0, 1.0, 1.0)))


def test_windowed_voxels_have_no_coarser_levels() -> None:
    voxels = np.zeros((2, 2, 2), np.float32)
    grid = Geometry(voxels.shape, SPACING, (0.0, 0.0, 0.0))

    assert write_ome_zarr(voxels, grid, kind="windowed", is_pyramid=False)[1] == 1
    with pytest.raises(InvalidInput, match="is_pyramid=False"):
        write_ome_zarr(voxels, grid, kind="windowed")
