"""Kernels and sessions of the lab, each account with its own: nobody sees or uses a kernel that acts for another.

Runs in: Jupyter server
"""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager
from tornado.web import HTTPError
from traitlets import Dict

from workbench.jupyter.accounts import current_account, request_account, workspace_of
from workbench.settings import load_settings


class AccountKernels(AsyncMappingKernelManager):
    """Jupyter's kernels, with an owner each."""

    _owners: dict[str, str] = Dict()

    def cwd_for_path(self, path: str, **_kwargs: Any) -> str:
        """Turn a path of the file browser into the folder that the kernel starts in."""
        settings = load_settings()
        account = current_account(settings)
        folder = workspace_of(settings, account) / path.strip("/")
        while not folder.is_dir():
            folder = folder.parent
        return str(folder)

    def pre_start_kernel(self, kernel_name: str | None, kwargs: Any) -> Any:
        """Note the owner before the kernel exists, so that there is no moment at which it belongs to anybody."""
        kwargs.setdefault("kernel_id", self.new_kernel_id(**kwargs))
        if kwargs["kernel_id"] in self._kernels:
            raise HTTPError(409, "A kernel of this id runs already; leave the id out.")
        self._refuse_ungoverned(kernel_name or self.default_kernel_name)
        self._owners[kwargs["kernel_id"]] = current_account(load_settings())
        return super().pre_start_kernel(kernel_name, kwargs)

    def _refuse_ungoverned(self, kernel_name: str) -> None:
        # The list of allowed kernelspecs only hides the others; a request that names one would still start it.
        try:
            metadata = self.kernel_spec_manager.get_kernel_spec(kernel_name).metadata
        except NoSuchKernel:
            metadata = {}
        if metadata.get("kernel_provisioner", {}).get("provisioner_name") != "workbench-provisioner":
            raise HTTPError(403, f"The kernel “{kernel_name}” would run outside the sandbox; choose “Governed Python”.")

    def __contains__(self, kernel_id: object) -> bool:
        """Whether the kernel exists and the person of this request may use it."""
        return kernel_id in self._kernels and self._may_use(str(kernel_id))

    def get_kernel(self, kernel_id: str) -> Any:
        """Give a kernel to the person it acts for."""
        if not self._may_use(kernel_id):
            raise HTTPError(404, f"Kernel does not exist: {kernel_id}")
        return super().get_kernel(kernel_id)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel and its owner."""
        self._owners.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)

    def _may_use(self, kernel_id: str) -> bool:
        # Outside a request (restarts, culling, the server's end) the server itself acts.
        account = request_account()
        return account is None or self._owners.get(kernel_id) == account


class AccountSessions(SessionManager):
    """Jupyter's sessions, one list per account: two accounts may each have an open `Untitled.ipynb`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lists: dict[str, SessionManager] = {}

    async def session_exists(self, path: str) -> bool:
        """Whether this account has a session of the path."""
        return bool(await self._own().session_exists(path))

    async def create_session(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Open a session of this account."""
        model: dict[str, Any] = await self._own().create_session(*args, **kwargs)
        return model

    async def get_session(self, **kwargs: Any) -> dict[str, Any]:
        """Give a session of this account."""
        model: dict[str, Any] = await self._own().get_session(**kwargs)
        return model

    async def update_session(self, session_id: str, **kwargs: Any) -> None:
        """Change a session of this account."""
        await self._own().update_session(session_id, **kwargs)

    async def list_sessions(self) -> list[dict[str, Any]]:
        """List the sessions of this account."""
        models: list[dict[str, Any]] = await self._own().list_sessions()
        return models

    async def delete_session(self, session_id: str) -> None:
        """End a session of this account and its kernel."""
        await self._own().delete_session(session_id)

    def close(self) -> None:
        """Close every list."""
        for sessions in getattr(self, "_lists", {}).values():
            sessions.close()
        super().close()

    def _own(self) -> SessionManager:
        account = request_account() or ""
        if account not in self._lists:
            self._lists[account] = SessionManager(
                parent=self.parent, kernel_manager=self.kernel_manager, contents_manager=self.contents_manager
            )
        return self._lists[account]
