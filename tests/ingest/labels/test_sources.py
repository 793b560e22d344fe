"""Each label file goes to the scan it was made on, without a word of its source; the rest is named."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
from label_drawing import GRID, SERIES, SHAPE, Files, Scan, item, segmentation, square, structure_set
from ome_zarr_models.v05 import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import CTImageStorage

from workbench.ingest.labels.encoding import encode_labels
from workbench.ingest.labels.sources import read_labels
from workbench.ingest.series.found import LabelSource

BOX = square((4.5, 5.5), (9.5, 12.5))
MASK = np.random.default_rng(2).random(SHAPE) < 0.3
FRAMES = [(1, z, MASK[z]) for z in range(SHAPE[0])]
OTHER = Scan(uid="2.25.2", source_uid="1.2.3.4", instances=tuple(f"1.2.3.4.{n}" for n in range(6)))
SECRETS = ("okonkwo", "adaeze", "5550199", "joan", SERIES)


def test_label_goes_to_the_series_that_it_names(files: Files, scan: Scan) -> None:
    sources = [files.save(segmentation(FRAMES), "a"), files.save(structure_set({"GTV": [(1, BOX)]}), "b")]
    found, refusals, ignored = read_labels(sources, [OTHER, scan])
    assert [(uid, labels.name, labels.source_kind) for uid, labels in found] == [
        (scan.uid, "rtstruct-1", "RTSTRUCT"), (scan.uid, "seg-1", "SEG"),
    ]  # fmt: skip
    assert (refusals, ignored) == ([], [])


def test_label_without_its_images_is_ignored_by_name(files: Files) -> None:
    found, refusals, ignored = read_labels([files.save(segmentation(FRAMES))], [OTHER])
    assert (found, refusals) == ([], [])
    assert ignored[0]["file"] == "label.dcm"
    assert ignored[0]["reason"].startswith("label-without-image: ")


def test_label_that_names_no_series_goes_to_the_only_scan_of_its_frame(files: Files, scan: Scan) -> None:
    source = files.save(segmentation(FRAMES, change=lambda one: delattr(one, "ReferencedSeriesSequence")))
    elsewhere = Scan(uid="2.25.2", source_uid="1.2.3.4", frame_of_reference="1.2")
    assert [uid for uid, _ in read_labels([source], [elsewhere, scan])[0]] == [scan.uid]
    twin = Scan(uid="2.25.3", source_uid="1.2.3.5")
    assert [each.code for each in read_labels([source], [twin, scan])[1]] == ["label-several-scans"]


def test_of_two_volumes_of_one_series_that_whose_images_are_named_is_meant(files: Files, scan: Scan) -> None:
    def name_sources(one: Dataset) -> None:
        for z, own in enumerate(one.PerFrameFunctionalGroupsSequence):
            image = item(ReferencedSOPInstanceUID=f"{SERIES}.{z + 1}")
            own.DerivationImageSequence = Items([item(SourceImageSequence=Items([image]))])

    phase = Scan(uid="2.25.2", instances=tuple(f"{SERIES}.{n + 101}" for n in range(6)))
    source = files.save(segmentation(FRAMES, change=name_sources))
    assert [uid for uid, _ in read_labels([source], [phase, scan])[0]] == [scan.uid]


def test_names_depend_on_the_labels_not_on_the_files(files: Files, scan: Scan) -> None:
    first, second = segmentation(FRAMES), segmentation(FRAMES[:3])
    one = read_labels([files.save(first, "a"), files.save(second, "b")], [scan])[0]
    other = read_labels([files.save(second, "a"), files.save(first, "b")], [scan])[0]
    assert [labels.name for _, labels in one] == ["seg-1", "seg-2"]
    assert [labels.packed for _, labels in one] == [labels.packed for _, labels in other]


def test_damaged_and_foreign_files_are_named(files: Files, scan: Scan, tmp_path: Path) -> None:
    whole = files.save(segmentation(FRAMES)).path.read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-9])
    (tmp_path / "text").write_text("not DICOM")
    other = files.save(segmentation(FRAMES, change=lambda one: setattr(one, "SOPClassUID", CTImageStorage)), "ct")
    sources = [LabelSource(tmp_path / name, name, "", "", "", ()) for name in ("cut", "text", "gone")]
    found, refusals, ignored = read_labels([*sources, other], [scan])
    assert found == []
    assert [(each.code, each.files) for each in refusals] == [("unreadable", ("cut",)), ("unreadable", ("gone",))]
    assert [each["file"] for each in ignored] == ["text", "ct"]


@pytest.mark.parametrize("is_delimited", [False, True])
@pytest.mark.parametrize("kind", ["SEG", "RTSTRUCT"])
def test_file_cut_short_anywhere_never_gives_other_labels(
    files: Files, scan: Scan, kind: str, is_delimited: bool
) -> None:
    boxes = [(z, BOX) for z in range(SHAPE[0])]
    drawn = segmentation(FRAMES) if kind == "SEG" else structure_set({"GTV": boxes, "CTV": boxes})
    for element in drawn.iterall():
        element.is_undefined_length = is_delimited and element.VR == "SQ"
    source = files.save(drawn)
    whole = source.path.read_bytes()
    told = [labels.packed for _, labels in read_labels([source], [scan])[0]]
    for length in range(140, len(whole), 23):
        source.path.write_bytes(whole[:length])
        found, refusals, ignored = read_labels([source], [scan])
        assert [labels.packed for _, labels in found] in ([], told)
        assert len(found) + len(refusals) + len(ignored) >= 1


@pytest.mark.parametrize("seed", range(6))
def test_mutated_files_are_labels_or_sentences(files: Files, scan: Scan, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    drawn = segmentation(FRAMES) if seed % 2 else structure_set({"GTV": [(z, BOX) for z in range(SHAPE[0])]})
    source = files.save(drawn)
    whole = source.path.read_bytes()
    for _ in range(40):
        changed = bytearray(whole)
        for at in (chance.randrange(200, len(whole)) for _ in range(3)):
            changed[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        source.path.write_bytes(changed)
        found, refusals, ignored = read_labels([source], [scan])
        assert len(found) + len(refusals) + len(ignored) >= 1


def test_no_word_of_the_source_is_sent_on(files: Files, scan: Scan) -> None:
    sources = [
        files.save(structure_set({"Okonkwo GTV": [(1, BOX)], "Adaeze": [(2, [])], "GTV": [(3, BOX)]}), "a"),
        files.save(segmentation(FRAMES, labels=("liver of Adaeze",)), "b"),
    ]
    sent = b""
    for _, labels in read_labels(sources, [scan])[0]:
        for path, content in encode_labels(labels, GRID, "S0001").items():
            sent += path.encode() + content
    assert not [secret for secret in SECRETS if secret.encode() in sent.lower()]


def test_objects_are_an_ome_zarr_label_and_its_facts(files: Files, scan: Scan, tmp_path: Path) -> None:
    import zarr

    ((_, labels),), _, _ = read_labels([files.save(segmentation(FRAMES))], [scan])
    objects = encode_labels(labels, GRID, "S0001")
    for path, content in objects.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    facts = json.loads(objects["scans/S0001/labels/seg-1.json"])
    group = zarr.open_group(tmp_path / "scans/S0001/labels/seg-1.zarr", mode="r")
    assert np.array_equal(group["0"][:], labels.array)
    assert Image.from_zarr(group)
    assert (facts["name"], facts["kind"], facts["dtype"], facts["shape"]) == ("seg-1", "SEG", "uint8", list(SHAPE))
    assert facts["segments"] == list(labels.segments)
    assert facts["sha256"] == hashlib.sha256(MASK.astype(np.uint8).tobytes()).hexdigest()
