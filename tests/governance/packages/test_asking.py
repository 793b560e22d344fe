"""Only names and versions can be asked for, and a name that nobody let pass stays in the house."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.governance.packages.asking import MOST_NAMES, listed, wanted, wanted_all


@pytest.mark.parametrize(
    "text",
    ["https://example.invalid/x.whl", "x @ file:///tmp/x.whl", "git+https://example.invalid/x", "./x.whl", "..",
     "--index-url=http://127.0.0.1", "-r list.txt", "-e .", "", " ", "x; os_name == 'posix'", "a b", "x==", "é",
     "a" * 200, "x\n--pre", "x\\y", "x\0"],
)  # fmt: skip
def test_what_is_not_a_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="such as `lifelines`"):
        wanted(text)


@pytest.mark.parametrize(
    ("text", "name", "asked"),
    [("Lifelines", "lifelines", "lifelines"), ("scikit_image == 0.24", "scikit-image", "scikit-image==0.24"),
     ("monai[nibabel,Skimage]>=1.3", "monai", "monai[Skimage,nibabel]>=1.3")],
)  # fmt: skip
def test_a_name_is_taken_with_its_versions_and_extras(text: str, name: str, asked: str) -> None:
    found = wanted(text)
    assert (found.name, found.text) == (name, asked)


def test_a_name_counts_once_and_the_last_one_holds() -> None:
    assert [want.text for want in wanted_all(["tqdm", "tqdm==4.0"])] == ["tqdm==4.0"]


@pytest.mark.parametrize("names", [[], ["tqdm"] * (MOST_NAMES + 1), [3], [["tqdm"]], [None]])
def test_a_list_of_something_else_is_refused(names: list[object]) -> None:
    with pytest.raises(InvalidInput):
        wanted_all(names)


def test_the_list_has_the_tools_of_the_field_by_their_normal_names() -> None:
    assert {"lifelines", "scikit-survival", "monai", "simpleitk", "nilearn"} <= listed()
    assert all(name == wanted(name).name for name in listed())
