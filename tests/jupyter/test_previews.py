"""A look at an offered file shows all of it, and nothing of it can run."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper
from PIL import Image, PngImagePlugin

from workbench.errors import InvalidInput
from workbench.jupyter.previews import CHARACTERS, ROWS, preview

SCRIPT = "<script>alert(1)</script>"


def kinds(shown: dict) -> list[str]:
    return [part["kind"] for part in shown["parts"]]


def png(mode: str = "RGB", **options: object) -> bytes:
    drawn = io.BytesIO()
    Image.new(mode, (4, 3), 5 if mode == "L" else (9, 9, 9) if mode == "RGB" else (9, 9, 9, 0)).save(
        drawn, "PNG", **options
    )
    return drawn.getvalue()


@pytest.mark.parametrize("name", ["a.html", "a.txt", "a.json", "a.md", "a.unknown"])
def test_what_could_run_is_shown_as_text(name):
    shown = preview(name, SCRIPT.encode())

    assert kinds(shown) == ["text"] and shown["next"] is None


def test_an_svg_is_an_image_and_its_text_and_never_a_document():
    drawn, text = preview("a.svg", f"<svg>{SCRIPT}</svg>".encode())["parts"]

    assert (drawn["kind"], text["kind"]) == ("image", "text") and SCRIPT in text["text"]


def test_a_pdf_is_shown_as_what_it_is_made_of():
    stream = zlib.compress(b"BT (a word) Tj ET")
    content = b"%PDF-1.4\n1 0 obj <<>>\nstream\n" + stream + b"\nendstream\n%%EOF"

    texts = {part["label"]: part["text"] for part in preview("a.pdf", content)["parts"]}

    assert texts["stream 1"] == "BT (a word) Tj ET" and "1 0 obj" in texts["between streams, before number 1"]
    assert texts["after the streams"].endswith("%%EOF")


def test_a_picture_is_drawn_again_without_what_came_with_it():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "a hidden remark")
    content = png(pnginfo=notes) + b"bytes behind the end"

    picture, remark = preview("a.png", content)["parts"]

    drawn = base64.b64decode(picture["png"])
    assert b"hidden remark" not in drawn and b"behind the end" not in drawn
    assert picture["label"] == "4 × 3" and remark["text"] == "a hidden remark"


def test_what_transparency_hides_is_shown_too():
    shown = preview("a.png", png("RGBA"))

    assert [part["label"] for part in shown["parts"]] == ["4 × 3", "without its transparency · 4 × 3"]


def test_every_page_of_a_tiff_is_shown():
    content = io.BytesIO()
    Image.new("L", (4, 3)).save(content, "TIFF", save_all=True, append_images=[Image.new("L", (2, 2), 7)])

    shown = preview("a.tif", content.getvalue())

    assert [part["label"] for part in shown["parts"]] == ["frame 1 of 2 · 4 × 3", "frame 2 of 2 · 2 × 2"]


def test_every_row_of_a_long_table_can_be_reached():
    rows = [f"{number},{number}" for number in range(ROWS + 1)]

    first, last = preview("a.csv", "\n".join(["x,y", *rows]).encode())["parts"]

    assert first["columns"] == ["x", "y"] and len(first["rows"]) == ROWS
    assert last["rows"] == [[str(ROWS), str(ROWS)]] and last["label"] == f"rows {ROWS + 1}–{ROWS + 1} of {ROWS + 1}"


def test_a_long_file_comes_in_pages_that_together_are_all_of_it():
    text = "0123456789" * 500_000
    seen, start = "", 0
    while start is not None:
        shown = preview("a.txt", text.encode(), start)
        seen, start = seen + "".join(part["text"] for part in shown["parts"]), shown["next"]
        assert len(json.dumps(shown)) < 2_000_000 + 2 * CHARACTERS

    assert seen == text


def test_a_parquet_file_is_shown_as_its_rows_and_metadata():
    content = io.BytesIO()
    pq.write_table(pa.table({"n": [1, None]}).replace_schema_metadata({"note": "by hand"}), content)

    rows, note = preview("a.parquet", content.getvalue())["parts"]

    assert (rows["columns"], rows["rows"]) == (["n"], [["1"], ["None"]])
    assert note["label"] == "metadata “note”" and note["text"] == "by hand"


def test_every_output_of_a_notebook_is_shown_by_its_kind():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a row"]},
        {"output_type": "error", "traceback": ["Traceback"], "ename": "E", "evalue": ""},
        {"output_type": "display_data", "data": {"text/html": SCRIPT, "image/png": base64.b64encode(png()).decode()}},
    ]
    cell = {"cell_type": "code", "source": ["1 +", " 1"], "metadata": {"tags": ["x"]}, "outputs": outputs}
    shown = preview("a.ipynb", json.dumps({"cells": [cell], "metadata": {"widgets": {}}}).encode())

    labels = [part["label"] for part in shown["parts"]]
    assert labels == [
        "cell 1 · code", "cell 1 · printed", "cell 1 · traceback", "cell 1 · text/html",
        "cell 1 · image/png · 4 × 3", "cell 1 · code · metadata", "notebook · metadata",
    ]  # fmt: skip
    assert "widgets" in shown["parts"][-1]["text"] and shown["parts"][3]["text"] == SCRIPT


def test_a_model_is_shown_as_its_tensors_and_words():
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 3], [0.0] * 6)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = helper.make_model(helper.make_graph([node], "g", [], [], [weights]), doc_string="a description")
    onnx.helper.set_model_props(model, {"note": "kept"})

    shown = preview("a.onnx", model.SerializeToString())["parts"]

    assert shown[0]["rows"][0][:3] == ["w", "FLOAT", "2 × 3"] and shown[1]["rows"][0][0] == "MatMul"
    assert [part["text"] for part in shown[2:]] == ["kept", "a description"]


def test_safetensors_are_shown_by_their_header():
    header = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"note": "kept"}}
    text = json.dumps(header).encode()

    shown = preview("a.safetensors", struct.pack("<Q", len(text)) + text + bytes(24))["parts"]

    assert shown[0]["rows"] == [["w", "F32", "2 × 3", "24"]] and "kept" in shown[1]["text"]


@pytest.mark.parametrize("name", ["a.png", "a.parquet", "a.ipynb", "a.onnx", "a.safetensors", "a.tif"])
@pytest.mark.parametrize("content", [b"{}", b"\xff" * 40, b"[1]"])
def test_what_is_not_what_its_name_says_is_refused(name, content):
    with pytest.raises(InvalidInput, match="cannot be read"):
        preview(name, content)
