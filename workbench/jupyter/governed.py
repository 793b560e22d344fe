"""What governed kernels and jobs share: their place in the gateway's list, their sandbox and their environment.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, VERSIONS_VARIABLE, Connection, operator_secret
from workbench.governance.packages.environments import INSIDE, environment_folder, kernel_variables
from workbench.governance.sandbox import Limits, bwrap_command, sandbox_environment
from workbench.jupyter.accounts import ACCOUNT_VARIABLE
from workbench.settings import SOCKET_NAME, Settings

ISOLATION_VARIABLE = "WORKBENCH_ISOLATION"
WORKSPACE = "/workspace"
GATEWAY_FOLDER = "/run/workbench"
GOODBYE_S = 5.0
GIB = 1024**3


def kernel_limits(settings: Settings) -> Limits:
    """Give what a governed kernel, or a job, and everything it starts may use."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Limits(
        memory_bytes=int(settings.kernel_memory_gib * GIB) or machine * 4 // 5,
        processes=int(settings.kernel_processes),
        file_bytes=int(settings.kernel_file_gib * GIB),
        open_files=int(settings.kernel_open_files),
    )


def announce(settings: Settings, account: str, isolation: str, **more: object) -> tuple[str, str]:
    """Put a kernel on the gateway's list and give its name and its token.

    Parameters
    ----------
    account : str
        Who it acts for.
    isolation : str
        ``bubblewrap`` or ``none``.
    **more : object
        What else the gateway takes: ``purpose``, ``lease_s``, ``hours``.
    """
    line = Connection(settings.socket, operator_secret(settings))
    try:
        reply = line.post("/v1/kernels", {"person": account, "isolation": isolation, **more})
    finally:
        line.close()
    return str(reply["kernel"]), str(reply["token"])


def leave(settings: Settings, kernel: str) -> None:
    """Take a kernel off the gateway's list: its token is worth nothing from now on."""
    line = Connection(settings.socket, operator_secret(settings), timeout_s=GOODBYE_S)
    try:
        line.delete(f"/v1/kernels/{kernel}")
    finally:
        line.close()


def governed_command(
    settings: Settings,
    account: str,
    argv: Sequence[str],
    *,
    workspace: Path,
    binds: Mapping[str, Path] | None = None,
    directory: str = WORKSPACE,
) -> list[str]:
    """Wrap a command into the sandbox of an account: its workspace, its packages, the gateway, and nothing else.

    Parameters
    ----------
    argv : sequence of str
        What to run; the first word is an absolute path.
    workspace : Path
        What it sees as its workspace.
    binds : mapping of str to Path, optional
        What else it may write to: path inside -> folder of the host.
    directory : str
        Where it starts.
    """
    return bwrap_command(
        argv,
        binds={WORKSPACE: workspace, **(binds or {})},
        read_only={GATEWAY_FOLDER: settings.gateway_folder, INSIDE: environment_folder(settings, account)},
        hidden=(settings.home,),
        directory=directory,
        limits=kernel_limits(settings),
    )


def governed_environment(account: str, token: str, **more: str) -> dict[str, str]:
    """Give the environment to start a governed command with."""
    environment = plain_environment(account, token, Path(GATEWAY_FOLDER, SOCKET_NAME), "bubblewrap")
    return {**environment, **kernel_variables(environment["PATH"]), **more}


def plain_environment(account: str, token: str, socket: Path, isolation: str) -> dict[str, str]:
    """Give what every kernel knows: for whom it acts, where the gateway is, and its token."""
    repeated = {name: os.environ[name] for name in (VERSIONS_VARIABLE,) if name in os.environ}
    return sandbox_environment(
        {
            **repeated,
            "USER": account, "LOGNAME": account, ACCOUNT_VARIABLE: account,
            SOCKET_VARIABLE: str(socket), TOKEN_VARIABLE: token, ISOLATION_VARIABLE: isolation,
        }
    )  # fmt: skip
