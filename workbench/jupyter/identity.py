"""Who is signed in to the lab: in a demo home whoever was chosen on the sign-in page, else the owner of the home.

Getting in at all still takes Jupyter's own token; choosing an account comes after that and is no password.

Runs in: Jupyter server
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import RequestHandler
from traitlets import Unicode

from workbench.connection import default_account
from workbench.settings import load_settings

COOKIE = "workbench-account"
COLOURS = {"researcher": "#2563eb", "custodian": "#0f766e", "teacher": "#9333ea", "reviewer": "#b45309"}


@dataclass
class AccountUser(User):
    """A Jupyter user that the gateway knows by name."""

    workbench_account: str = ""


class AccountIdentity(IdentityProvider):
    """Jupyter's token sign-in, with an account of the workbench behind it."""

    first_account = Unicode("", config=True, help="Who is signed in until somebody else is chosen; empty: the default.")

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Give the account that acts in a request, or None for a stranger."""
        user = await self._get_user(handler)
        if user is None or isinstance(user, AccountUser):
            return user
        account = self.account_of(handler)
        return AccountUser(
            account, account, account.replace("-", " ").capitalize(), account[:2].upper(), None,
            COLOURS.get(account, "#475569"), workbench_account=account,
        )  # fmt: skip

    def account_of(self, handler: RequestHandler) -> str:
        """Read the choice from its cookie, which only this server can sign; a home without demo accounts has none."""
        settings = load_settings()
        first = self.first_account or default_account(settings)
        if not settings.demo_accounts:
            return first
        chosen = handler.get_secure_cookie(cookie_name(handler))
        return chosen.decode() if chosen else first

    def identity_model(self, user: User) -> dict[str, Any]:
        """Give what the browser may know of the user."""
        model: dict[str, Any] = super().identity_model(user)
        model.pop("workbench_account", None)
        return model


def cookie_name(handler: RequestHandler) -> str:
    """Name the cookie of the choice, one per address, so that two labs on one machine do not disturb each other."""
    return COOKIE + "-" + re.sub(r"[^A-Za-z0-9]", "-", handler.request.host)
