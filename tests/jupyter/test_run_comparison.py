"""Two runs side by side: what differs is marked, what does not is left alone, pictures are compared pixel by pixel."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from workbench.benchmark.reports.recording import RESULT_MIME
from workbench.jupyter.pictures import compare_pictures, redrawn
from workbench.jupyter.run_comparison import cell_of, compare_runs, marked


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {"tags": list(tags)}}


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(**data: str) -> dict[str, Any]:
    named = {name.replace("_", "/", 1) if "/" not in name else name: text for name, text in data.items()}
    return {"output_type": "display_data", "data": named}


def png(size: tuple[int, int] = (4, 2), *, red: tuple[int, int] | None = None) -> bytes:
    picture = Image.new("RGB", size, "white")
    if red is not None:
        picture.putpixel(red, (255, 0, 0))
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def test_equal_cells_are_the_same_and_hold_nothing():
    cells = [code("print(1)", printed("1\n"))]

    assert compare_runs(cells, cells) == [
        {"number": 1, "kind": "code", "source": "print(1)", "is_same": True, "parts": []}
    ]


def test_only_the_number_that_differs_is_marked():
    found = compare_runs([code("x", printed("CPM 0.71 of 20\n"))], [code("x", printed("CPM 0.73 of 20\n"))])[0]

    part = found["parts"][0]
    assert not found["is_same"] and part["label"] == "printed"
    assert part["first"] == [[False, "CPM "], [True, "0.71"], [False, " of 20\n"]]
    assert part["second"][1] == [True, "0.73"]


def test_injected_parameters_do_not_count_as_a_cell():
    first = [code("seed = 1"), code("x", printed("a"))]
    second = [code("seed = 1"), code("seed = 1", tags=("injected-parameters",)), code("x", printed("b"))]

    assert [cell["is_same"] for cell in compare_runs(first, second)] == [True, False]


def test_an_output_that_one_run_lacks_is_missing_there():
    part = compare_runs([code("x", printed("a"))], [code("x")])[0]["parts"][0]

    assert part["second"] is None and part["first"] == [[True, "a"]]


def test_a_run_that_stopped_shows_its_error_without_colours():
    error = {"output_type": "error", "ename": "ValueError", "evalue": "\x1b[31mno\x1b[0m", "traceback": []}

    part = compare_runs([code("x", printed("a"))], [code("x", error)])[0]["parts"][0]

    assert part["label"] == "error" and "".join(text for _, text in part["second"]) == "ValueError: no"


def test_markup_of_an_output_comes_as_text():
    part = cell_of([code("x", shown(text_html="<b>bold</b><script>alert(1)</script>"))], [code("y")], 1)

    assert part[1]["first"] == [[True, "bold"]]


def test_a_declared_result_is_shown_as_its_line():
    one, other = (shown(text_plain=f"mean = {value}", **{RESULT_MIME: "{}"}) for value in (1, 2))

    part = compare_runs([code("x", one)], [code("x", other)])[0]["parts"][0]

    assert part["second"] == [[False, "mean = "], [True, "2"]]


def test_a_cell_that_is_the_same_is_given_when_asked_for():
    cells = [code("x", printed("a"))]

    assert cell_of(cells, cells, 1)[0]["is_same"] and cell_of(cells, cells, 2) == []


def test_long_texts_are_cut_and_said_to_be():
    part = compare_runs([code("x", printed("a" * 30_000))], [code("x", printed("b"))])[0]["parts"][0]

    assert part["is_cut"] and len(part["first"][0][1]) == 20_000


def test_a_change_of_many_words_is_marked_whole():
    before, after = ("".join(f"{word} {number}\n" for number in range(1000)) for word in ("old", "new"))

    assert marked(before, after) == ([[True, before]], [[True, after]])


def test_one_pixel_of_eight_differs():
    found = compare_pictures(png(), png(red=(1, 0)))

    # White is 255 in green and blue where red has 0: the largest difference there can be.
    assert (found["changed"], found["largest"], found["is_same"]) == (1 / 8, 1.0, False)
    drawn = Image.open(io.BytesIO(base64.b64decode(found["difference"])))
    assert drawn.getpixel((0, 0)) == (255, 255, 255) and drawn.getpixel((1, 0)) == (200, 0, 60)


def test_the_faintest_difference_is_seen():
    one = Image.new("RGB", (2, 1), (100, 100, 100))
    other = one.copy()
    other.putpixel((1, 0), (101, 100, 100))
    contents = []
    for picture in (one, other):
        content = io.BytesIO()
        picture.save(content, "PNG")
        contents.append(content.getvalue())

    drawn = Image.open(io.BytesIO(base64.b64decode(compare_pictures(*contents)["difference"])))

    same, different = (drawn.getpixel((column, 0)) for column in (0, 1))
    assert same == (216, 216, 216) and abs(same[1] - different[1]) > 60


def test_pictures_of_different_sizes_have_no_difference_to_draw():
    found = compare_pictures(png((4, 2)), png((2, 4)))

    assert found["difference"] is None and found["changed"] is None and not found["is_same"]


def test_what_is_no_picture_is_not_shown():
    assert redrawn(b"<svg onload=alert(1)>") is None
    assert compare_pictures(b"x", png())["first"] is None
