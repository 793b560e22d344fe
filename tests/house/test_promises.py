"""Promises the whole house keeps: errors catalogued, names documented, nothing of a machine in a file."""

from __future__ import annotations

import ast
import re
import subprocess
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

import workbench
from workbench import errors
from workbench.cli import VERBS, main
from workbench.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "workbench").rglob("*.py"))
NAMES = {
    "datasets", "dataset", "view", "snapshot", "contact_sheet", "cine", "cluster", "train", "tasks", "task", "offer",
    "whoami", "WorkbenchError",
}  # fmt: skip
# Protocol answers that Python and Jupyter expect as their own classes, and mistakes of a caller inside the house.
ALLOWED_RAISES = {"AttributeError", "HTTPError", "KeyError", "RuntimeError", "SystemExit", "TypeError", "ValueError"}


def _manual() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "workbench" / "docs").glob("*.md")))


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def test_the_public_names_are_the_known_ones() -> None:
    assert set(workbench.__all__) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_loads_and_is_documented(name: str) -> None:
    assert getattr(workbench, name).__doc__
    assert f"wb.{name}" in _manual()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_explains_itself_and_is_in_the_manual(verb: object, capsys: pytest.CaptureFixture[str]) -> None:
    name = verb.name  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out
    assert f"workbench {name}" in _manual()


def test_every_setting_is_in_the_manual() -> None:
    missing = [field.name for field in fields(Settings) if field.name not in _manual()]
    assert missing == []


def test_every_error_has_a_status_and_an_exit_code_of_its_own() -> None:
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.WorkbenchError)]
    assert {cls.name for cls in classes} == set(errors.ERRORS)
    assert len({cls.exit_code for cls in classes}) == len(classes)
    assert all(cls.__doc__ and 400 <= cls.status < 600 for cls in classes)


@cache
def _mended_within(room: str) -> frozenset[str]:
    """Give the kinds of ValueError that a room makes for itself and catches again, so that they never leave it."""
    made, caught = set(), set()
    for path in (ROOT / "workbench" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["ValueError"]:
                made.add(node.name)
            elif isinstance(node, ast.ExceptHandler) and node.type is not None:
                caught |= set(re.findall(r"\w+", ast.unparse(node.type)))
    return frozenset(made & caught)


def test_every_raised_error_is_catalogued() -> None:
    catalogued = {cls.__name__ for cls in errors.ERRORS.values()} | ALLOWED_RAISES
    strangers = []
    for path in MODULES:
        inner = _mended_within(path.relative_to(ROOT).parts[1])
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                name = node.exc.func.id
                if name[0].isupper() and name not in catalogued | inner and not name.startswith("_"):
                    strangers.append(f"{path.relative_to(ROOT)}:{node.lineno} raises {name}")
    assert strangers == []


def test_nothing_is_caught_that_cannot_be_mended() -> None:
    bare = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert bare == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    pattern = re.compile(
        r"registry\.npmjs\.org|pypi\.org|files\.pythonhosted\.org|deb\.debian\.org|registry\.yarnpkg\.com|/wo"
        r"rk/|/ro"
        r"ot/"
    )
    here = "tests/house/test_promises.py"
    found = []
    for name in _tracked():
        path = ROOT / name
        if name == here or not path.is_file() or path.suffix in (".png", ".svg", ".webp"):
            continue
        found += [name for line in path.read_text(errors="replace").splitlines() if pattern.search(line)]
    assert found == []


def test_notebooks_are_kept_without_outputs() -> None:
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        text = path.read_text()
        assert '"output_type"' not in text, f"{path.name} holds outputs"
        assert '"workbench-python"' in text, f"{path.name} does not name the governed kernel"
