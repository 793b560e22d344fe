"""Starts “Governed Python”: a kernel in bubblewrap, known to the gateway, with the gateway as its only way out.

Works wherever `jupyter_client` starts kernels: JupyterLab, papermill, nbclient, nbval.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

from workbench.connection import FOLDER_VARIABLE, running_gateway
from workbench.errors import WorkbenchError
from workbench.governance.sandbox import isolation_level
from workbench.jupyter.accounts import current_account, workspace_of
from workbench.jupyter.governed import (
    WORKSPACE,
    announce,
    governed_command,
    governed_environment,
    leave,
    plain_environment,
)
from workbench.jupyter.kernel_ends import host_kills, unusual_end
from workbench.settings import Settings, load_settings

MAGIC = "workbench.jupyter.pip_magic"
CONNECTION_FOLDER = "/tmp/.kernel"  # noqa: S108 - the sandbox's own /tmp


class GovernedProvisioner(LocalProvisioner):
    """One governed kernel: its place in the gateway's list, its sandbox, its folder of sockets.

    Attributes
    ----------
    account : str
        Who the kernel acts for, from its start to its end, restarts included.
    isolation : str
        `bubblewrap` or `none`; the gateway gives a kernel without isolation open data only.
    end : dict
        How the kernel ended, as `kernel_ends.unusual_end` gives it; empty while it runs and after a usual end.
    """

    account: str = ""
    isolation: str = "none"
    end: dict[str, Any]
    _status: int | None = None
    _kills: int = 0
    _settings: Settings
    _kernel: str | None = None
    _workspace: Path
    _held: ExitStack | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Announce the kernel to the gateway and wrap its command."""
        if self._held is None:
            self._settings = load_settings()
            self.account = current_account(self._settings)
        try:
            token = await asyncio.to_thread(self._announce)
            kwargs = await super().pre_launch(**self._with_own_sockets(kwargs))
            return self._wrapped(kwargs, token)
        except BaseException:
            await asyncio.to_thread(self._leave, True)
            raise

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Start the wrapped command; its output goes to a file of its own, which a sandbox may as well reopen."""
        # Never to the server's output: through /proc/self/fd a kernel could reopen that file and read the log.
        self.end, self._status, self._kills = {}, None, host_kills()
        with (self._own_folder() / "log").open("ab") as log:
            info: dict[str, Any] = await super().launch_kernel(cmd, **{**kwargs, "stdout": log, "stderr": log})
        self.cwd = self._workspace
        return info

    async def poll(self) -> int | None:
        """Give the exit status, or None while it runs; the first one is kept."""
        status: int | None = await super().poll()
        if self.process is not None and self._status is None:
            self._status = status
        return status

    async def cleanup(self, restart: bool = False) -> None:
        """Take the kernel off the gateway's list; on a restart its folder, account and gateway stay."""
        await super().cleanup(restart=restart)
        self.end = unusual_end(self._own_folder() / "log", self._status, self._kills)
        await asyncio.to_thread(self._leave, not restart)

    async def get_provisioner_info(self) -> dict[str, Any]:
        """Add who the kernel acts for and how it is isolated."""
        info: dict[str, Any] = await super().get_provisioner_info()
        return {**info, "account": self.account, "isolation": self.isolation}

    def _announce(self) -> str:
        """Have a gateway, register this kernel, make its folders; give its token."""
        if self._held is None:
            self._held = ExitStack()
            self._held.enter_context(running_gateway(self._settings))
        self.isolation = isolation_level()
        named = os.environ.get(FOLDER_VARIABLE)
        self._kernel, token = announce(self._settings, self.account, self.isolation, is_apart=bool(named))
        self._workspace = Path(named) if named else workspace_of(self._settings, self.account)
        (self._own_folder() / "sockets").mkdir(mode=0o700, parents=True, exist_ok=True)
        return token

    def _own_folder(self) -> Path:
        # Short, because a unix socket's path is; named after the kernel, because a restart keeps its sockets.
        return self._settings.run / "kernels" / str(self.kernel_id)[:8]

    def _with_own_sockets(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Point the kernel manager at unix sockets in this kernel's own folder, before it writes its file."""
        manager = self.parent
        manager.transport, manager.cache_ports = "ipc", False
        manager.ip = str(self._own_folder() / "sockets" / "ipc")
        return kwargs

    def _wrapped(self, kwargs: dict[str, Any], token: str) -> dict[str, Any]:
        manager_file = os.path.realpath(self.parent.connection_file)
        directory = kwargs.pop("cwd", None)
        # `independent` keeps the server's process number out of the environment; the sandbox dies with us anyway.
        kwargs.update(cwd="/", independent=True)
        if self.isolation == "none":
            cmd = [*kwargs["cmd"], "--ext=workbench.jupyter.banner"]
            kwargs.update(
                cmd=cmd,
                cwd=str(self._workspace),
                env=plain_environment(self.account, token, self._settings.socket, self.isolation),
            )
            kwargs["env"].update(HOME=os.path.expanduser("~"), MPLCONFIGDIR=str(self._own_folder() / "matplotlib"))
            return kwargs
        info = json.loads(Path(manager_file).read_text())
        file = self._own_folder() / "sockets" / "connection.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({**info, "ip": f"{CONNECTION_FOLDER}/ipc"}))
        inside = f"{CONNECTION_FOLDER}/{file.name}"
        kwargs["cmd"] = governed_command(
            self._settings,
            self.account,
            [*(inside if word == manager_file else word for word in kwargs["cmd"]), f"--ext={MAGIC}"],
            workspace=self._workspace,
            binds={CONNECTION_FOLDER: file.parent},
            directory=self._directory(directory),
        )
        kwargs["env"] = governed_environment(self.account, token)
        return kwargs

    def _directory(self, named: object) -> str:
        """Turn the folder that the caller asked for into the same place inside, when it is in the workspace."""
        if isinstance(named, str | os.PathLike):
            folder = Path(os.path.realpath(named))
            root = self._workspace.resolve()
            if folder.is_relative_to(root):
                return str(Path(WORKSPACE) / folder.relative_to(root))
        return WORKSPACE

    def _leave(self, for_good: bool) -> None:
        if self._kernel is not None:
            try:
                leave(self._settings, self._kernel)
            except WorkbenchError as problem:
                # The kernel is dead already; its token ends by itself. Ending must not fail because of this.
                self.log.warning("The gateway did not hear that a kernel ended: %s", problem.message)
            self._kernel = None
        if for_good and self._held is not None:
            shutil.rmtree(self._own_folder(), ignore_errors=True)
            self._held.close()
            self._held = None
