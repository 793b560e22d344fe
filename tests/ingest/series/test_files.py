"""NIfTI and MetaImage come in as SimpleITK reads them, without their free text; what is not a volume is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.progress import quiet
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.files import Listed, holds_labels, read_image_file, read_list, read_values
from workbench.ingest.series.folder import read_folder
from workbench.ingest.series.found import Kept
from workbench.ingest.series.volumes import Place, make_scan, pass_gate

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed; `.[ingest]` brings it")
KEY = b"k" * 32
# Two turns, so that no axis lies along another.
TURN = [0.8, -0.36, -0.48, 0.6, 0.48, 0.64, 0.0, -0.8, 0.6]


def drawn(dtype: str = "int16") -> NDArray[Any]:
    return np.random.default_rng(2).integers(-1000, 3000, (5, 6, 7)).astype(dtype)


def write(path: Path, values: NDArray[Any], direction: list[float] | None = None) -> Kept:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.75, 0.625, 2.5))
    image.SetOrigin((-160.5, 12.25, 300.0))
    image.SetDirection(direction or [1.0, 0, 0, 0, 1, 0, 0, 0, 1])
    sitk.WriteImage(image, str(path), useCompression=path.suffix in (".mha", ".gz"))
    return Kept(path, path.name)


def patched(path: Path, at: int, form: str, *values: Any) -> Kept:
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, at, *values)
    path.write_bytes(content)
    return Kept(path, path.name)


def code_of(kept: Kept, listed: dict[str, Listed] | None = None) -> str:
    result = read_image_file(kept, KEY, listed)
    result = result if isinstance(result, Refusal) else result.read()
    return result.code if isinstance(result, Refusal) else "read"


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "mha", "mhd"])
@pytest.mark.parametrize("direction", [None, TURN])
def test_a_file_is_read_as_simpleitk_reads_it(tmp_path: Path, ending: str, direction: list[float] | None) -> None:
    kept = write(tmp_path / f"scan.{ending}", drawn(), direction)
    file = read_image_file(kept, KEY)
    assert not isinstance(file, Refusal), file
    oracle = sitk.ReadImage(str(kept.path))
    np.testing.assert_array_equal(file.read().values, sitk.GetArrayFromImage(oracle))
    np.testing.assert_allclose(file.grid.spacing_mm, oracle.GetSpacing()[::-1], atol=1e-6)
    np.testing.assert_allclose(file.grid.origin_mm, oracle.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(file.grid.direction, oracle.GetDirection(), atol=1e-6)
    matrix = np.array(file.grid.direction).reshape(3, 3)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("ct-totalseg", "example_ct.nii.gz"),
        ("ct-totalseg", "example_mr_sm.nii.gz"),
        ("ct-elastix-lung", "Baselines/3DCT_lung.mha"),
        ("ct-elastix-lung", "Data/3DCT_lung_baseline_small.mha"),
        ("ibsi1-digital-phantom", "ibsi_1_digital_phantom/nifti/image/phantom.nii.gz"),
    ],
)
def test_real_files_are_read_as_simpleitk_reads_them(shared_data: Any, folder: str, name: str) -> None:
    path = shared_data(folder) / name
    file = read_image_file(Kept(path, name), KEY)
    assert not isinstance(file, Refusal), file
    oracle = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(file.read().values, sitk.GetArrayFromImage(oracle))
    np.testing.assert_allclose(file.grid.origin_mm, oracle.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(file.grid.direction, oracle.GetDirection(), atol=1e-6)


@pytest.mark.parametrize("kind", ["CT", "MR_T1", "PET"])
def test_a_nifti_lies_where_its_dicom_lies(shared_data: Any, kind: str) -> None:
    root = shared_data("petctmr-sts")
    found = read_folder(root / "dicom" / "STS_002" / kind / "image", KEY, load_profile(), quiet)
    (series,) = found.series.values()
    dicom = pass_gate(series)
    path = root / "nifti" / "STS_002" / f"{kind}_image.nii.gz"
    file = read_image_file(Kept(path, path.name), KEY, {path.name: Listed("STS_002", dicom.modality)})
    assert (file.grid.shape, file.grid.direction) == (dicom.grid.shape, dicom.grid.direction)
    # NIfTI keeps lengths in 32 bits.
    np.testing.assert_allclose(file.grid.spacing_mm, dicom.grid.spacing_mm, rtol=1e-6)
    np.testing.assert_allclose(file.grid.origin_mm, dicom.grid.origin_mm, atol=1e-4)
    ours, theirs = dicom.read(), read_values(file.kept, file.header)
    off = np.abs(ours.values * ours.scale - theirs)
    assert off.max() <= ours.scale_error + 1e-5 and (kind == "PET" or off.max() == 0)


def test_free_text_is_nowhere_in_what_is_made(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii", drawn()).path
    patched(path, 14, "<18s", b"Okonkwo")  # db_name
    kept = patched(path, 148, "<80s24s", b"Okonkwo Adaeze", b"MRN-5550199")  # descrip, aux_file
    assert b"Okonkwo" in path.read_bytes()
    objects, facts = make_scan(read_image_file(kept, KEY), Place("S0001", "P0001", None), load_profile())
    text = repr(facts).encode() + b"".join(objects.values())
    assert b"Okonkwo" not in text and b"5550199" not in text and b"scan.nii" not in text
    assert "no identity to check" in facts["warnings"][0]


def test_the_subject_comes_from_the_list_or_from_the_name(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.nii", drawn()), write(tmp_path / "b.mha", drawn())
    alone = [read_image_file(kept, KEY).subject_pseudonym for kept in (one, other)]
    listed = {"a.nii": Listed("MRN-1", "CT"), "b.mha": Listed("MRN-1", "MR")}
    together = [read_image_file(kept, KEY, listed) for kept in (one, other)]
    assert alone[0] != alone[1] and together[0].subject_pseudonym == together[1].subject_pseudonym
    assert [file.modality for file in together] == ["CT", "MR"]
    assert together[0].uid != together[1].uid and "MRN" not in together[0].subject_pseudonym


def test_a_list_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file,subject,modality\na.nii,MRN-1,CT\nb.nii,MRN-2,\n")
    assert read_list(path) == {"a.nii": Listed("MRN-1", "CT"), "b.nii": Listed("MRN-2", "")}
    for line in ("a.nii,MRN-2,CT", "c.nii,,CT", "c.nii,MRN-1,XR"):
        path.write_text(f"file,subject,modality\na.nii,MRN-1,CT\n{line}\n")
        with pytest.raises(InvalidInput, match="Line 3"):
            read_list(path)


def test_values_that_do_not_fit_are_scaled_or_refused(tmp_path: Path) -> None:
    fractions = write(tmp_path / "f.nii", drawn("float32") + np.float32(0.25))
    ct = read_image_file(fractions, KEY).read()
    assert (ct.unit, ct.scale, ct.scale_error) == ("HU", 1.0, 0.5)
    mr = read_image_file(fractions, KEY, {"f.nii": Listed("x", "MR")}).read()
    np.testing.assert_allclose(mr.values * mr.scale, drawn() + 0.25, atol=mr.scale_error * 1.0001)
    large = write(tmp_path / "l.nii", drawn("int32") * 100)
    assert code_of(large) == "hu-range" and code_of(large, {"l.nii": Listed("x", "MR")}) == "read"
    assert code_of(write(tmp_path / "n.nii", np.where(drawn() > 0, np.nan, 1).astype("f4"))) == "impossible-value"


def test_what_is_no_volume_has_a_name(tmp_path: Path) -> None:
    def fresh(name: str) -> Path:
        return write(tmp_path / name, drawn()).path

    four = sitk.JoinSeries([sitk.GetImageFromArray(drawn())] * 2)
    sitk.WriteImage(four, str(tmp_path / "four.nii"))
    sitk.WriteImage(four, str(tmp_path / "four.mha"))
    cases = {
        "several-volumes": [Kept(tmp_path / "four.nii", "four.nii"), Kept(tmp_path / "four.mha", "four.mha")],
        "single-slice": [write(tmp_path / "one.nii", drawn()[:1]), write(tmp_path / "one.mha", drawn()[:1])],
        "bad-orientation": [
            patched(fresh("unset.nii"), 252, "<2h", 0, 0),
            patched(fresh("both.nii"), 280, "<4f", 0.75, 0, 0, 99),
        ],
        "sheared": [patched(patched(fresh("shear.nii"), 252, "<2h", 0, 1).path, 284, "<f", 0.5)],
        "unsupported-units": [patched(fresh("metres.nii"), 123, "<b", 1)],
        "unsupported-pixels": [patched(fresh("rgb.nii"), 70, "<h", 128)],
        "impossible-value": [
            patched(fresh("size.nii"), 42, "<h", -3),
            patched(patched(fresh("nan.nii"), 252, "<2h", 0, 1).path, 280, "<f", float("nan")),
        ],
        "unreadable": [patched(fresh("magic.nii"), 344, "<4s", b"xxxx"), Kept(tmp_path / "none.nii", "none.nii")],
    }
    for code, files in cases.items():
        assert [code_of(kept) for kept in files] == [code] * len(files), code


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "mha"])
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"scan.{ending}", drawn()).path
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 37):
        path.write_bytes(content[:length])
        assert code_of(Kept(path, path.name)) in ("unreadable", "undecodable", "missing-file"), length


def test_the_voxels_of_a_header_lie_beside_it_or_nowhere(tmp_path: Path) -> None:
    kept = write(tmp_path / "scan.mhd", drawn())
    text = kept.path.read_text()
    for place in ("../secret.raw", "/etc/passwd", "LIST", "%03d.raw 1 5 1", "other.raw"):
        kept.path.write_text(text.replace("scan.raw", place))
        assert code_of(kept) in ("unsupported-pixels", "missing-file")


def test_big_endian_and_scaled_values_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii", drawn()).path
    patched(path, 112, "<2f", 2.0, -10.0)
    np.testing.assert_array_equal(read_image_file(Kept(path, "scan.nii"), KEY).read().values, drawn() * 2 - 10)
    text = write(tmp_path / "big.mhd", drawn()).path
    text.write_text(text.read_text().replace("BinaryDataByteOrderMSB = False", "BinaryDataByteOrderMSB = True"))
    (tmp_path / "big.raw").write_bytes(drawn(">i2").tobytes())
    np.testing.assert_array_equal(read_image_file(Kept(text, "big.mhd"), KEY).read().values, drawn())


def test_a_packed_file_that_grows_without_end_is_read_no_further_than_its_size(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii", drawn()).path
    with gzip.open(tmp_path / "bomb.nii.gz", "wb") as stream:
        stream.write(path.read_bytes())
        stream.write(bytes(10**7))
    assert code_of(Kept(tmp_path / "bomb.nii.gz", "bomb.nii.gz")) == "read"


def test_labels_are_told_from_images(tmp_path: Path) -> None:
    assert holds_labels(np.array([0, 7], np.uint8)) and holds_labels(np.array([0, 1], np.int16))
    assert not holds_labels(drawn()) and not holds_labels(np.array([0.0, 1.0]))


def test_a_folder_tells_images_and_tables_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.mhd", drawn())
    write(tmp_path / "b.nii.gz", drawn())
    (tmp_path / "c.csv").write_text("x")
    found = read_folder(tmp_path, KEY, load_profile(), quiet)
    assert [one.name for one in found.images] == ["a.mhd", "b.nii.gz"]
    assert [one.name for one in found.tables] == ["c.csv"] and [one.name for one in found.partners] == ["a.raw"]
