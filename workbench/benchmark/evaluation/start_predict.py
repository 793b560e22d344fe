"""Starts a submitted predict.py inside the sandbox, so that its exit status tells why it did not start or end.

`python -I start_predict.py` runs /submission/predict.py as the main program. It imports nothing of the workbench.

Runs in: evaluator
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback

SUBMISSION = "/submission"
STARTUP_FAILED, OUT_OF_MEMORY = 10, 12
# How libraries say it that raise no MemoryError: torch, C++, the system.
MEMORY_WORDS = ("can't allocate memory", "cannot allocate memory", "bad_alloc", "out of memory")


def main() -> int:
    """Run the program and give its exit status."""
    sys.path.insert(0, SUBMISSION)
    sys.argv = [f"{SUBMISSION}/predict.py"]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except MemoryError:
        return OUT_OF_MEMORY
    except (SyntaxError, ImportError):
        traceback.print_exc()
        return STARTUP_FAILED
    except Exception as problem:
        traceback.print_exc()
        return OUT_OF_MEMORY if any(word in str(problem).lower() for word in MEMORY_WORDS) else 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the program left behind are ended too.
    os._exit(code)
