"""What runs inside a job's sandbox: calls the function, says how far it is, and writes down how it ended.

The name of the function, ``module:function``, is the one word it takes; the arguments are JSON in a file of the job's
folder. Any function may say how far it is, in a job or not::

    from workbench.compute.job_inside import report_progress
    report_progress(3, 100, "scans prepared")

Runs in: kernel
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench.errors import DiskFull, InvalidInput, WorkbenchError

FOLDER_VARIABLE = "WORKBENCH_JOB"
ARGUMENTS, PROGRESS, END, RESERVE = "arguments.json", "progress.json", "end.json", ".reserve"
MOST_RESULT_BYTES, RESERVE_BYTES = 1_000_000, 64 * 1024
# What a shell makes of SIGTERM, and the exit status of a job that was asked to end and did.
ENDED_STATUS = 128 + signal.SIGTERM


class JobCancelled(KeyboardInterrupt):
    """The job was asked to end; raised where it is, so that it can put its things in order within ten seconds."""


def job_folder() -> Path | None:
    """Give the folder of the job that this code runs in, or None outside a job."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def report_progress(done: int, total: int, text: str = "", **numbers: float) -> None:
    """Say how far the job is; outside a job this does nothing.

    Parameters
    ----------
    done, total : int
        How many items are finished, of how many.
    text : str
        What they are, such as ``scans prepared``.
    **numbers : float
        Figures worth following, such as ``loss``.
    """
    folder = job_folder()
    if folder is not None:
        # On a full disk the job's own writing says so; its news must not be what ends it.
        with suppress(OSError):
            _write(folder / PROGRESS, {"done": int(done), "total": int(total), "text": text[:200], **numbers})


def call(work: str, arguments: dict[str, Any]) -> Any:
    """Call a function by its name.

    Parameters
    ----------
    work : str
        ``module:function``.
    arguments : dict
        By the function's own names.

    Raises
    ------
    InvalidInput
        When there is no such function.
    """
    module, _, name = work.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise InvalidInput(f"There is no function “{work}” to run ({problem}); name it as module:function.") from None
    return function(**arguments)


def main(words: list[str]) -> int:
    """Do the work of the job in `$WORKBENCH_JOB` and give the exit status."""
    folder = job_folder()
    if folder is None:
        raise InvalidInput("This is the inside of a job; start one with workbench.compute.jobs.run_job.")
    signal.signal(signal.SIGTERM, _cancel)
    # A module of the researcher's own lies in the workspace.
    sys.path.insert(0, str(Path.cwd()))
    (folder / RESERVE).write_bytes(bytes(RESERVE_BYTES))
    try:
        result = call(words[0], json.loads((folder / ARGUMENTS).read_text(encoding="utf-8")))
        text = json.dumps(result)
    except JobCancelled:
        return ENDED_STATUS
    except WorkbenchError as problem:
        _tell(folder, problem.as_dict())
        sys.stderr.write(f"{problem.message}\n")
        return problem.exit_code
    except Exception as problem:
        # Whatever a researcher's function raises ends here, and is told.
        traceback.print_exc()
        _tell(folder, _as_end(problem))
        return 1
    if len(text) > MOST_RESULT_BYTES:
        return _too_large(folder, len(text))
    _tell(folder, {"result": result})
    return 0


def _as_end(problem: Exception) -> dict[str, str]:
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("The disk is full, so the job could not go on; make room, then start it again.").as_dict()
    name = type(problem).__name__
    return {"error": name, "message": f"{name}: {problem}"[:2000]}


def _too_large(folder: Path, size: int) -> int:
    message = (
        f"The function returned {size} characters of JSON; a job keeps at most {MOST_RESULT_BYTES}. "
        "Write the rest to a file of the workspace and return its name."
    )
    _tell(folder, InvalidInput(message).as_dict())
    return InvalidInput.exit_code


def _tell(folder: Path, end: object) -> None:
    """Say how it ended, on a full disk too: the reserve makes room."""
    try:
        _write(folder / END, end)
    except OSError:
        (folder / RESERVE).unlink(missing_ok=True)
        _write(folder / END, end)
    (folder / RESERVE).unlink(missing_ok=True)


def _write(file: Path, value: object) -> None:
    draft = file.with_name(f".{file.name}")
    draft.write_text(json.dumps(value), encoding="utf-8")
    draft.replace(file)


def _cancel(_number: int, _frame: object) -> None:
    # A second one must not interrupt the putting in order.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise JobCancelled
