"""What a stage of a notebook depends on, as one key: its source, what it reads, parameters, environment.

A stage is a code cell tagged ``stage:<name>``. It depends on every earlier cell that mentions a name it mentions, and
so on backwards; on the parameters among these names; and on files that its tags declare (``input:table.csv``). What a
cell reads besides, from the clock or from files it does not declare, is not seen: such a cell is no stage.

Runs in: anywhere
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.benchmark.reports.parameters import TAG
from workbench.benchmark.reports.progress import INJECTED, stage_of, tags_of, text_of

INPUT, OUTPUT = "input:", "output:"
# Calls that set a state which every later stage may draw from, whatever names it mentions.
SEEDING = {
    "seed",
    "manual_seed",
    "manual_seed_all",
    "set_seed",
    "seed_everything",
    "setstate",
    "set_state",
    "set_rng_state",
}
# Calls that bind names, or reach them, without mentioning them.
HIDING = {"exec", "eval", "globals", "locals", "vars", "get_ipython", "setattr"}
# Whatever of these a cell uses, it shares one state with every other cell that does.
GENERATORS = {"random", "numpy", "torch"}


@dataclass(frozen=True)
class Stage:
    """One stage of a notebook that is about to run.

    Parameters
    ----------
    name : str
        What stands behind ``stage:``.
    index : int
        Its cell's index among the cells that run.
    sources : tuple of str
        The sources that its result follows from, its own last.
    parameters : tuple of str
        The names of the parameters it depends on.
    inputs, outputs : tuple of str
        Files of the workspace that it declares to read and to write.
    makes : tuple of str
        The names that it binds, or may change in place; they are what is kept.
    """

    name: str
    index: int
    sources: tuple[str, ...]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    makes: tuple[str, ...]

    def key(self, account: str, environment: str, values: Mapping[str, Any], files: Mapping[str, str]) -> str:
        """Give the key under which this stage is kept: another one when anything it follows from is another.

        Parameters
        ----------
        account : str
            Whose it is.
        environment : str
            Digest of the environment's lock.
        values : mapping
            The parameters of the run.
        files : mapping of str to str
            Digest of each declared input.
        """
        told = {
            "account": account, "environment": environment, "stage": self.name, "sources": self.sources,
            "parameters": {name: values[name] for name in self.parameters}, "files": dict(files),
            "outputs": self.outputs,
        }  # fmt: skip
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def stages_of(cells: Sequence[Mapping[str, Any]], parameters: Sequence[str] = ()) -> dict[int, Stage]:
    """Give the stages of a notebook by the index of their cell.

    A cell that is no plain Python (magics) is never kept; the same name twice is two stages, told apart by source.

    Parameters
    ----------
    cells : sequence of mapping
        The cells that run.
    parameters : sequence of str
        The names of the notebook's parameters.
    """
    code = {
        index: text_of(cell)
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code" and not {TAG, INJECTED} & set(tags_of(cell))
    }
    trees = {index: _parsed(source) for index, source in code.items()}
    found: dict[int, Stage] = {}
    for index, source in code.items():
        tags, tree = tags_of(cells[index]), trees[index]
        name = stage_of(tags)
        if name is None or tree is None:
            continue
        earlier, needed = _followed_back(index, trees)
        found[index] = Stage(
            name, index, (*(code[one] for one in earlier), source), tuple(sorted(needed & set(parameters))),
            _declared(tags, INPUT), _declared(tags, OUTPUT), tuple(sorted(_made(tree))),
        )  # fmt: skip
    return found


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _declared(tags: Sequence[str], kind: str) -> tuple[str, ...]:
    return tuple(sorted({tag.removeprefix(kind) for tag in tags if tag.startswith(kind) and tag != kind}))


def _followed_back(index: int, trees: Mapping[int, ast.Module | None]) -> tuple[list[int], set[str]]:
    """Give the earlier cells that a stage follows from, in order, and every name that they and it mention."""
    start = trees[index]
    needed = _mentioned(start) if start is not None else set()
    earlier: list[int] = []
    is_growing = True
    while is_growing:
        is_growing = False
        for one, tree in trees.items():
            if one >= index or one in earlier:
                continue
            # What cannot be read, or binds names that cannot be seen, may matter to anything.
            if tree is None or _is_opaque(tree) or needed & _mentioned(tree):
                earlier.append(one)
                needed |= set() if tree is None else _mentioned(tree)
                is_growing = True
    return sorted(earlier), needed


def _is_opaque(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(names=names) if any(alias.name == "*" for alias in names):
                return True
            case ast.Name(id=name) if name in HIDING:
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SEEDING:
                return True
    return False


def _mentioned(tree: ast.Module) -> set[str]:
    """Give every name that stands in a cell, whether it is read or bound."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.Attribute(attr="random"):
                found.add("random")
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in names}
                found |= GENERATORS & {part for module in _modules(node) for part in module.split(".")}
    return found


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def _made(tree: ast.Module) -> set[str]:
    """Give the names that a cell binds at its top level, and those it may change in place.

    What a ``with`` statement opens ends with its block, so its name is not kept.
    """
    made = _Made()
    made.visit(tree)
    return made.names - made.opened


class _Made(ast.NodeVisitor):
    """Collects the names; functions, classes and comprehensions have names of their own, which do not count."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.opened: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.names.add(node.id)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            if isinstance(item.optional_vars, ast.Name):
                self.opened.add(item.optional_vars.id)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.names.add(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.names.add(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        return

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.names |= {alias.asname or alias.name for alias in node.names if alias.name != "*"}

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._changed(node)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._changed(node)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        # A call whose value nobody takes is made for what it does: `model.fit(x)` changes the model.
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
            self._changed(node.value.func)
        self.generic_visit(node)

    def _changed(self, node: ast.expr) -> None:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if isinstance(node, ast.Name):
            self.names.add(node.id)
