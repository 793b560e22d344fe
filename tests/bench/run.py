"""Run every benchmark, print one table, and write the rows as JSON: `python tests/bench/run.py build/bench.json`."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COLUMNS = ("bench", "subject", "value", "unit", "peer", "peer_value", "ratio")


def main(target: Path, wanted: list[str]) -> int:
    """Run the modules of this folder that have a `run()`, or only those named."""
    rows: list[dict[str, Any]] = []
    failed = []
    # The homes that are made here keep what they export beside them, not in the user's state folder.
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="bench-state-")
    for file in sorted(HERE.glob("*.py")):
        if file.name == "run.py" or (wanted and file.stem not in wanted):
            continue
        module = load(file, f"bench_{file.stem}")
        if not hasattr(module, "run"):
            continue
        sys.stderr.write(f"==> {file.stem}\n")
        try:
            rows += [{column: row.get(column) for column in COLUMNS} for row in module.run()]
        except Exception as problem:
            failed.append(f"{file.stem}: {type(problem).__name__}: {problem}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(rows, indent=1) + "\n")
    _show(rows)
    for sentence in failed:
        sys.stderr.write(f"not measured: {sentence}\n")
    return 1 if failed else 0


def load(file: Path, name: str) -> Any:
    """Load a file of the tests, which are no package, as a module of a name."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(file.name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _show(rows: list[dict[str, Any]]) -> None:
    load = os.getloadavg()[0]
    print(f"{'bench':<22}{'subject':<34}{'value':>10} {'unit':<10}{'peer':<26}{'peer value':>11}{'ratio':>8}")
    for row in rows:
        print(
            f"{row['bench']:<22}{row['subject']:<34}{_number(row['value']):>10} {row['unit'] or '':<10}"
            f"{row['peer'] or '—':<26}{_number(row['peer_value']):>11}{_number(row['ratio']):>8}"
        )
    print(f"load average {load:.2f} on {os.cpu_count()} cores; a ratio below 1 means less than the peer")


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench.json"), sys.argv[2:]))
