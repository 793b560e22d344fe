"""Which account acts: the one chosen at sign-in, else `$WORKBENCH_ACCOUNT`, else the default of the home.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workbench.connection import default_account
from workbench.errors import InvalidInput
from workbench.settings import Settings

ACCOUNT_VARIABLE = "WORKBENCH_ACCOUNT"
# The signed-in person of a request carries this attribute only when this door's identity provider put it there;
# the names that Jupyter's own provider invents mean nothing to the gateway.
MARK = "workbench_account"


def account_of_user(user: object) -> str | None:
    """Give the account of a signed-in Jupyter user, or None for a user of another identity provider."""
    account = getattr(user, MARK, None)
    return account if isinstance(account, str) else None


def request_account() -> str | None:
    """Give the account of the request that is being answered, or None outside a request of a Jupyter server."""
    # Only a Jupyter server has requests, and then its module is loaded; a terminal need not pay for loading it.
    module = sys.modules.get("jupyter_server.base.call_context")
    if module is None:
        return None
    handler = module.CallContext.get(module.CallContext.JUPYTER_HANDLER)
    return account_of_user(getattr(handler, "_jupyter_current_user", None))


def current_account(settings: Settings) -> str:
    """Name the account on whose behalf this code runs now."""
    return request_account() or os.environ.get(ACCOUNT_VARIABLE) or default_account(settings)


def workspace_of(settings: Settings, account: str) -> Path:
    """Give an account's workspace folder, made when it is not there yet.

    Raises
    ------
    InvalidInput
        When the name could lead out of the folder of workspaces.
    """
    if account in ("", ".", "..") or "/" in account or "\0" in account:
        raise InvalidInput(f"“{account}” is not the name of an account; use the name shown by `workbench datasets`.")
    folder = settings.workspace(account)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def inside(root: Path, path: str | Path) -> bool:
    """Whether a path, with every link in it followed, lies in a folder."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
