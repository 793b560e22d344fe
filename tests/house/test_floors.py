"""The house stands: imports go down the floors, trust sides are said and kept, files and functions stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "workbench"
FLOORS = (
    ("cli", "demo"),
    ("gateway", "jupyter"),
    ("teaching",),
    ("benchmark", "airlock"),
    ("viewer", "compute"),
    ("data", "ingest"),
    ("imaging", "vault"),
    ("governance",),
    ("connection",),
    ("settings",),
    ("geometry",),
    ("errors",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(reversed(FLOORS)) for room in rooms}
PLACES = {"kernel", "Jupyter server", "gateway", "evaluator", "ingest host", "terminal", "anywhere"}
# Who may import whom is a question of where code runs: the kernel belongs to a researcher who can edit it.
TRUSTED = {"gateway", "evaluator", "ingest host"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {_name(path) for path in MODULES}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def _imports(path: Path) -> frozenset[str]:
    """Give every module of the package that a file imports, wherever in the file, TYPE_CHECKING blocks left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("workbench"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("workbench")}
    return frozenset(found & NAMES)


@cache
def _places(path: Path) -> frozenset[str]:
    match = re.search(r"^Runs in: (.+)$", ast.get_docstring(ast.parse(path.read_text())) or "", re.MULTILINE)
    return frozenset(place.strip().rstrip(".") for place in re.split(r"[|,]", match[1])) if match else frozenset()


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_module_says_where_it_runs(path: Path) -> None:
    places = _places(path)
    assert places, "the module docstring has no line “Runs in: …”"
    assert places <= PLACES


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_go_down_the_floors(path: Path) -> None:
    room = _room(_name(path))
    for imported in _imports(path):
        other = _room(imported)
        if not room or not other or other == room:
            continue
        assert FLOOR_OF[other] < FLOOR_OF[room], f"{_name(path)} imports {imported}, which is not on a lower floor"


def test_code_in_the_kernel_never_reaches_code_that_holds_keys() -> None:
    by_name = {_name(path): path for path in MODULES}
    for start in (path for path in MODULES if "kernel" in _places(path)):
        seen, todo = set(), [_name(start)]
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            todo.extend(_imports(by_name[name]))
            places = _places(by_name[name])
            reachable = places & {"kernel", "anywhere"}
            assert reachable, f"{_name(start)} runs in the kernel and reaches {name}, which runs in {places}"


def test_the_gateway_starts_the_evaluator_and_does_not_import_it() -> None:
    evaluators = {_name(path) for path in MODULES if _places(path) == {"evaluator"}}
    for path in (PACKAGE / "gateway").glob("*.py"):
        assert not _imports(path) & evaluators


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 61, f"{node.name} is too long"


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, workbench, workbench.cli; dir(workbench);"
        "wanted = {'torch', 'dask', 'distributed', 'zarr', 'itk', 'numpy', 'pandas', 'matplotlib', 'anywidget'};"
        "heavy = wanted & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, f"importing workbench pulls in {done.stderr}"


def test_one_folder_level_inside_a_room() -> None:
    deep = [path for path in MODULES if len(path.relative_to(PACKAGE).parts) > 3]
    assert deep == []
