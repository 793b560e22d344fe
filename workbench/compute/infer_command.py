"""The verb `infer`: one scan through an exported model, from files or from the home.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from workbench.compute.model_file import ModelFile

GOVERNED = re.compile(r"[a-z0-9][a-z0-9-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")
WORK = "workbench.compute.infer_report:infer_governed"
EPILOG = """
SCAN is a folder with one CT series as DICOM, a .nii, .nii.gz, .mha or .mhd file, or DATASET/SCAN of the home, which
is read in a governed job under your grant (MODEL and FILE then lie in your workspace).

--json prints form, model, engine, device, scan, coordinates, notes, timing, and
  marks   x_mm, y_mm, z_mm, diameter_mm, score, box_low_mm, box_high_mm (patient mm, LPS), surest first
  mask    volume_ml, voxels, file; for a model that marks voxels
exit codes: 0 done, also without a mark; 2 not ONNX, other shapes, a damaged scan, no CT, an empty folder, slices too
far apart, an oblique grid, no lungs (the key code says which); 4 no access; 5 no such file; 11 the model was changed

examples:
  workbench infer nodules.onnx ct/ --json --no-timing
  workbench infer lungs.onnx ct.nii.gz --out lungs.nii.gz --engine torch-bf16
  workbench infer nodules.onnx chest-ct/S0021 --min-score 0.5
"""


def infer_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench infer`."""
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, EPILOG
    parser.add_argument("model", type=Path, metavar="MODEL.onnx", help="a model as `model.export(path)` writes it")
    parser.add_argument("scan", metavar="SCAN", help="a folder, a file, or DATASET/SCAN")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the marks (.json) or the mask (.nii.gz) there")
    parser.add_argument("--engine", default="onnxruntime", choices=("onnxruntime", "torch-bf16"), help="what runs it")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="cuda: torch-bf16 on a GPU")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="1 to 64; all cores when left out")
    parser.add_argument("--candidates", type=Path, metavar="FILE", help="score these places: x_mm, y_mm, z_mm in CSV")
    parser.add_argument("--min-score", type=float, default=0.0, metavar="S", help="leave out marks below it (0)")
    parser.add_argument("--no-timing", action="store_true", help="leave times out: equal runs give equal bytes")
    parser.add_argument(
        "--as", dest="account", metavar="ACCOUNT", help="who reads DATASET/SCAN; the home's own account"
    )


def infer(args: argparse.Namespace) -> None:
    """Answer about one scan."""
    from workbench.compute.infer_report import as_text, check_out  # noqa: PLC0415 - heavy, on first use
    from workbench.compute.model_file import read_model  # noqa: PLC0415 - with it

    model = read_model(args.model)
    check_out(model, args.out)
    path = Path(args.scan)
    if not path.exists() and GOVERNED.fullmatch(args.scan):
        answer = _governed(args)
    else:
        answer = _of_files(args, model, path)
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(f"{text if args.json else as_text(answer)}\n")


def _of_files(args: argparse.Namespace, model: ModelFile, path: Path) -> dict[str, Any]:
    from workbench.compute import infer_report  # noqa: PLC0415 - heavy, on first use
    from workbench.compute.inference import read_places  # noqa: PLC0415 - with it
    from workbench.compute.scan_files import read_scan  # noqa: PLC0415 - with it

    places = None if args.candidates is None else read_places(args.candidates)
    ask = infer_report.Ask(args.engine, args.device, args.threads, places, args.min_score, not args.no_timing)
    return infer_report.infer(model, lambda: read_scan(path), ask, args.out)


def _governed(args: argparse.Namespace) -> dict[str, Any]:
    """Answer about a scan of the home: here in a governed kernel, else in a job of its own beside this terminal."""
    from workbench.compute.inference import read_places  # noqa: PLC0415 - heavy, on first use
    from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE  # noqa: PLC0415 - with it

    dataset, _, scan = args.scan.partition("/")
    arguments: dict[str, Any] = {
        "dataset": dataset, "scan": scan, "engine": args.engine, "device": args.device, "threads": args.threads,
        "min_score": args.min_score, "is_timed": not args.no_timing, "out": str(args.out or ""),
        "centres_mm": None if args.candidates is None else read_places(args.candidates).tolist(),
    }  # fmt: skip
    if os.environ.get(SOCKET_VARIABLE) and os.environ.get(TOKEN_VARIABLE):
        from workbench.compute.infer_report import infer_governed  # noqa: PLC0415 - heavy, on first use

        return infer_governed(model=str(args.model), **arguments)
    return _in_a_job(args, arguments)


def _in_a_job(args: argparse.Namespace, arguments: dict[str, Any]) -> dict[str, Any]:
    from workbench.compute.jobs import run_job  # noqa: PLC0415 - on first use
    from workbench.connection import default_account, terminal  # noqa: PLC0415 - the same
    from workbench.settings import load_settings  # noqa: PLC0415 - the same

    settings = load_settings()
    account = args.account or default_account(settings)
    workspace = settings.workspace(account).resolve()
    inside = args.model.resolve()
    if not inside.is_relative_to(workspace):
        raise InvalidInput(
            f"A scan of the home is read in a sandbox that sees the workspace of “{account}” alone; copy the model "
            "there, then name it by that path.", code="model-outside-the-workspace",
        )  # fmt: skip
    if args.out is not None and (args.out.is_absolute() or ".." in args.out.parts):
        raise InvalidInput("The output about a scan of the home stays in the workspace; give --out a plain name there.")
    arguments = {**arguments, "model": str(inside.relative_to(workspace))}
    with terminal(account, settings) as line:
        job = run_job(f"infer {args.scan}", WORK, arguments, hours=1.0, line=line)
        answer: dict[str, Any] = job.result()
    return answer
