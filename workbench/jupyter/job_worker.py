"""The process that watches over one job: its sandbox, its token, its progress, its end.

`python -m workbench.jupyter.job_worker FOLDER`, started by the gateway in a session of its own; it outlives the
gateway, the lab and whoever asked. The job dies with it, and its token soon after, so nothing reads on unwatched.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.compute import job_inside
from workbench.compute.jobs import CANCELLED, DONE, FAILED, KILLED, OUT_OF_MEMORY, REFUSED, RUNNING
from workbench.compute.local_jobs import CANCEL, CANCELLED_WORD, LOG, OLDER_LOG, REQUEST, STATE, write_json
from workbench.connection import VERSIONS_VARIABLE, Connection, operator_secret, running_gateway
from workbench.errors import AccessDenied, GatewayUnavailable, WorkbenchError
from workbench.governance.sandbox import require_bubblewrap
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.governed import WORKSPACE, announce, governed_command, governed_environment, leave
from workbench.jupyter.kernel_ends import host_kills, unusual_end
from workbench.jupyter.workspace_files import read_workspace
from workbench.jupyter.workspace_writing import lay_files
from workbench.settings import Settings, load_settings

PLACE = "jobs"
# Not `-m`: run so, the module would exist twice, and the `JobCancelled` it raises not be the one that others catch.
INSIDE = f"import sys; from {job_inside.__name__} import main; sys.exit(main(sys.argv[1:]))"
LOOK_S, BEAT_S, LEASE_S = 0.2, 5.0, 60.0
# What a job may take to put its things in order once it was asked to end.
PATIENCE_S = 10.0
# The last two parts of the log are kept, so it takes at most twice this.
LOG_PART_BYTES = 2_000_000
MOST_PROGRESS_BYTES = 10_000
# Above what a state with the largest result takes.
RESERVE, RESERVE_BYTES = "reserve", 2_000_000
STOPPED = "The process that watches over this job was asked to end (SIGTERM), so the job ended too; start it again."


class Watch:
    """One job while it runs.

    Parameters
    ----------
    folder : Path
        Of the job, below the home.
    settings : Settings
        Of the home.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.request: dict[str, Any] = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
        self.state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
        self.account, self.place = str(self.request["account"]), f"{PLACE}/{self.request['id']}"
        self.is_stopped = False
        (folder / RESERVE).write_bytes(bytes(RESERVE_BYTES))
        self._held = ExitStack()
        self._kernel = ""
        self._beaten = 0.0

    def run(self) -> None:
        """Have a gateway and a sandbox, do the job in it, and write down how that ended."""
        with self._held:
            self._held.enter_context(running_gateway(self.settings))
            require_bubblewrap()
            self._kernel, token = announce(
                self.settings, self.account, "bubblewrap",
                purpose=self.request["purpose"], hours=self.request["hours"], lease_s=LEASE_S,
            )  # fmt: skip
            try:
                # Before anything can hold the token: whoever finds this job without its watch ends the kernel too.
                self._say(kernel=self._kernel, worker=os.getpid())
                self._lay({"job.json": self.request, job_inside.ARGUMENTS: self.request["arguments"]})
                kills = host_kills()
                process = self._begin(token)
                self._say(state=RUNNING, started=_now())
                reason = self._wait(process)
                self._end(process.returncode, kills, reason)
            finally:
                (self.folder / RESERVE).unlink(missing_ok=True)
                with suppress(WorkbenchError):
                    leave(self.settings, self._kernel)

    def fail(self, message: str) -> None:
        """Say that the job could not be done."""
        self._say(state=FAILED, message=message, ended=_now())

    def _begin(self, token: str) -> subprocess.Popen[bytes]:
        work = self.request["work"]
        inside = [sys.executable, "-c", INSIDE, work] if isinstance(work, str) else work
        command = governed_command(
            self.settings, self.account, inside, workspace=workspace_of(self.settings, self.account)
        )
        environment = governed_environment(
            self.account, token,
            **{job_inside.FOLDER_VARIABLE: f"{WORKSPACE}/{self.place}", "PYTHONUNBUFFERED": "1"},
            **({VERSIONS_VARIABLE: self.request["versions"]} if self.request.get("versions") else {}),
        )  # fmt: skip
        # A pipe and no file: through /proc/self/fd a sandbox could reopen a file and read what others wrote there.
        process = subprocess.Popen(  # noqa: S603 - wrapped into the sandbox, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
            env=environment,
        )  # fmt: skip
        self._log = threading.Thread(target=_keep_log, args=(process, self.folder), daemon=True)
        self._log.start()
        return process

    def _wait(self, process: subprocess.Popen[bytes]) -> str:
        """Wait until the sandbox is gone; give why it was ended from here, or nothing."""
        ends, reason, gives_up = time.monotonic() + self.request["hours"] * 3600, "", 0.0
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_S)
                self._log.join(PATIENCE_S)
                return reason
            now = time.monotonic()
            self._beat(now)
            self._mirror()
            if not reason:
                reason = self._reason(now > ends)
                if reason:
                    _ask_to_end(process)
                    gives_up = now + PATIENCE_S
            elif now > gives_up:
                process.kill()

    def _reason(self, is_late: bool) -> str:
        if (self.folder / CANCEL).exists():
            return CANCELLED
        if self.is_stopped:
            return KILLED
        return "late" if is_late else ""

    def _beat(self, now: float) -> None:
        """Say that the job is watched over; a gateway that has gone is started again."""
        if now - self._beaten < BEAT_S:
            return
        self._beaten = now
        try:
            line = Connection(self.settings.socket, operator_secret(self.settings), timeout_s=BEAT_S)
            try:
                line.post(f"/v1/kernels/{self._kernel}/heartbeat")
            finally:
                line.close()
        except GatewayUnavailable:
            with suppress(WorkbenchError):
                self._held.enter_context(running_gateway(self.settings))
        except WorkbenchError as problem:
            sys.stderr.write(f"{problem.message}\n")

    def _mirror(self) -> None:
        """Take over what the job says of its progress."""
        said = self._read(job_inside.PROGRESS, MOST_PROGRESS_BYTES)
        if said is None or said == self.state.get("progress"):
            return
        is_known = isinstance(said.get("done"), int) and isinstance(said.get("total"), int)
        plain = {name: value for name, value in said.items() if isinstance(value, int | float | str) and value == value}
        if is_known and isinstance(said.get("text", ""), str):
            self.state["progress"] = plain
            # News of a full disk come from the job itself; the reserve is for its end.
            with suppress(OSError):
                write_json(self.folder / STATE, self.state)

    def _end(self, status: int, kills: int, reason: str) -> None:
        """Write down how it ended, here and in the workspace."""
        self._mirror()
        self._say(**_end_of(self, status, kills, reason), status=status, ended=_now())
        public = {name: value for name, value in {**self.request, **self.state}.items() if name != "machine"}
        try:
            self._lay({"state.json": public}, {"log.txt": _read_log(self.folder)})
        except (OSError, WorkbenchError) as problem:
            # The job has ended as it has; only its copy for the workspace is missing.
            cause = problem.message if isinstance(problem, WorkbenchError) else problem.strerror
            self._say(message=f"{self.state['message']} Its state is not in the workspace: {cause}.".strip())

    def read_end(self) -> dict[str, Any]:
        """Give what the job itself said of its end; empty when nothing."""
        return self._read(job_inside.END, 2 * job_inside.MOST_RESULT_BYTES) or {}

    def _read(self, name: str, most_bytes: int) -> dict[str, Any] | None:
        """Read a JSON object that the job wrote; it may write what it likes."""
        try:
            value = json.loads(read_workspace(self.settings, self.account, f"{self.place}/{name}", most_bytes)[1])
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (WorkbenchError, ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def _say(self, **news: Any) -> None:
        self.state |= news
        try:
            write_json(self.folder / STATE, self.state)
        except OSError:
            # A full disk: what was put by makes room for the last word.
            (self.folder / RESERVE).unlink(missing_ok=True)
            write_json(self.folder / STATE, self.state)

    def _lay(self, values: dict[str, object], texts: dict[str, bytes] | None = None) -> None:
        files = {name: json.dumps(value, indent=1).encode() for name, value in values.items()}
        lay_files(self.settings, self.account, self.place, {**files, **(texts or {})})


def main(folder: Path) -> None:
    """Watch over the job of a folder."""
    watch = Watch(folder, load_settings())

    def stop(_number: int, _frame: object) -> None:
        watch.is_stopped = True

    signal.signal(signal.SIGTERM, stop)
    try:
        watch.run()
    except WorkbenchError as problem:
        watch.fail(problem.message)
    except OSError as problem:
        cause = (problem.strerror or type(problem).__name__).lower()
        watch.fail(f"The job could not go on: {cause}. Make room or mend that, then start it again.")


def _end_of(watch: Watch, status: int, kills: int, reason: str) -> dict[str, Any]:
    """Give the state in which a job ended, and the sentence that says so."""
    said = watch.read_end()
    if status == 0:
        return {"state": DONE, "message": "", "result": said.get("result")}
    if reason == CANCELLED:
        return {"state": CANCELLED, "message": CANCELLED_WORD}
    if reason == KILLED:
        return {"state": KILLED, "message": STOPPED}
    if reason:
        hours = watch.request["hours"]
        return {"state": FAILED, "message": f"It was ended after its {hours:g} hours; start it again with more."}
    told, message = str(said.get("error", "")), str(said.get("message", ""))[:2000]
    if told:
        return {"state": REFUSED if told == AccessDenied.name else FAILED, "message": message, "error": told}
    end = unusual_end(watch.folder / LOG, status, kills)
    if end.get("out_of_memory"):
        return {"state": OUT_OF_MEMORY, "message": "It needed more memory than it may use; give it less work at once."}
    if end.get("signal"):
        return {"state": KILLED, "message": f"The job was ended by {end['signal']} from outside; start it again."}
    last = _read_log(watch.folder).decode(errors="replace").strip().rpartition("\n")[2][:300]
    return {"state": FAILED, "message": f"It ended with status {status}; its last words: {last or 'none'}."}


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """Ask the command inside to end; the first process of the sandbox passes the signal on."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except OSError:
        children = []
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGTERM)


def _keep_log(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Keep the last of what the job prints, in two parts that take turns."""
    if process.stdout is None:
        return
    written, log = 0, (folder / LOG).open("wb", buffering=0)
    try:
        while piece := os.read(process.stdout.fileno(), 65536):
            if written > LOG_PART_BYTES:
                log.close()
                (folder / LOG).replace(folder / OLDER_LOG)
                written, log = 0, (folder / LOG).open("wb", buffering=0)
            with suppress(OSError):
                # A full disk must not stop the reading: the job would stand still at a full pipe.
                log.write(piece)
            written += len(piece)
    finally:
        log.close()
        process.stdout.close()


def _read_log(folder: Path) -> bytes:
    return b"".join((folder / name).read_bytes() for name in (OLDER_LOG, LOG) if (folder / name).is_file())


def _now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
