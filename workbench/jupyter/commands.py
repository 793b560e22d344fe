"""`workbench lab`: JupyterLab on this home, on this machine only.

Runs in: terminal
"""

from __future__ import annotations

import argparse
from typing import Any

from workbench.connection import default_account, running_gateway
from workbench.errors import InvalidInput
from workbench.jupyter.accounts import workspace_of
from workbench.settings import Settings, load_settings

KERNEL = "workbench-python"
# Nothing a notebook shows may fetch from, or post to, another host: an image's address could carry data out.
PAGE_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)

# Both start processes of their own on the host: shells, and language servers over files of the workspace.
OFF = {"jupyter_server_terminals": False, "jupyter_lsp": False}


def lab_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `workbench lab`."""
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who is signed in first (demo homes)")
    parser.add_argument("--port", type=int, default=8888, help="port on 127.0.0.1 (default 8888, or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")


def lab(args: argparse.Namespace) -> int:
    """Run JupyterLab until it is stopped."""
    # JupyterLab takes a second to import, which `workbench --help` need not.
    from jupyterlab.labapp import LabApp  # noqa: PLC0415 - heavy, loaded on first use
    from traitlets.config import Config  # noqa: PLC0415 - the same

    settings = load_settings()
    if args.account and not settings.demo_accounts:
        raise InvalidInput("`--as` chooses between demo accounts, and this home has none; leave it out.")
    with running_gateway(settings):
        config = lab_config(settings, account=args.account, port=args.port, browser=not args.no_browser)
        server = LabApp.initialize_server(argv=[], config=Config(config))
        server.start()
    return 0


def lab_config(settings: Settings, *, account: str | None, port: int, browser: bool) -> dict[str, Any]:
    """Give the configuration of the lab server as `{class: {trait: value}}`."""
    settings.workspaces.mkdir(mode=0o700, parents=True, exist_ok=True)
    workspace_of(settings, account or default_account(settings))
    return {
        "ServerApp": {
            "ip": "127.0.0.1", "port": port, "open_browser": browser, "allow_root": True,
            "root_dir": str(settings.workspaces), "terminals_enabled": False, "allow_unauthenticated_access": False,
            "contents_manager_class": "workbench.jupyter.workspaces.WorkspaceContents",
            "kernel_manager_class": "workbench.jupyter.kernels.AccountKernels",
            "session_manager_class": "workbench.jupyter.kernels.AccountSessions",
            "identity_provider_class": "workbench.jupyter.identity.AccountIdentity",
            "jpserver_extensions": {"workbench.jupyter.server": True, **OFF},
            "tornado_settings": {"headers": {"Content-Security-Policy": PAGE_POLICY}},
        },
        "LabApp": {
            "default_url": "/lab" if account or not settings.demo_accounts else "/workbench/sign-in",
            "news_url": None, "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
            "extension_manager": "readonly",
        },
        "AccountIdentity": {"first_account": account or ""},
        "AccountKernels": {"default_kernel_name": KERNEL},
        # A kernel of any other kind would run outside the sandbox with the rights of this server.
        "KernelSpecManager": {"allowed_kernelspecs": {KERNEL, f"{KERNEL}-cuda"}, "ensure_native_kernel": False},
    }  # fmt: skip
