"""The first process inside a sandbox: starts the command, passes signals on, buries orphans, ends with the command.

A kernel must not be process 1 itself: as process 1 it would be asked to bury every orphan, and interrupting it
through its own process group would mean `kill(-1)`, which reaches everybody but process 1. It is run by file
name with `python -I -S`, so it imports nothing but the smallest of the standard library.

Runs in: anywhere
"""

from __future__ import annotations

import os
import signal
import sys


def main(command: list[str]) -> int:
    """Run the command as a child and give its exit status, 128 + the signal's number when a signal ended it."""
    child = os.fork()
    if child == 0:
        try:
            os.execv(command[0], command)  # noqa: S606 - the command is the caller's own, there is no shell
        except OSError as problem:
            os.write(2, f"{command[0]} does not start: {problem.strerror}\n".encode())
        os._exit(127)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda sent, _frame: os.kill(child, sent))
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
