"""The page “Who are you today?” of a demo home; other homes have one account and pass it by.

Runs in: Jupyter server
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import quote, urlsplit

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import authenticated

from workbench.errors import InvalidInput, WorkbenchError
from workbench.jupyter.accounts import current_account
from workbench.jupyter.identity import COLOURS, cookie_name
from workbench.jupyter.lines import GatewayLines
from workbench.jupyter.replies import send_error

# What each demo account comes to do, in one line.
ROLES = {
    "researcher": "finds data, asks for access, trains and scores a model",
    "custodian": "brings scans in and decides who may read them",
    "checker-1": "looks at what is offered for release before it leaves",
    "checker-2": "the second pair of eyes: no release on one vote",
    "teacher": "gives a class its data and exercises for a term",
    "reviewer": "opens a report, runs it again and reads the verdict",
}


class SignInHandler(JupyterHandler):
    """Shows the accounts and remembers the one that was pressed, in a signed cookie of this server."""

    def initialize(self, lines: GatewayLines) -> None:
        """Take the lines to the gateway."""
        self.lines = lines

    @authenticated
    @authorized("read", "workbench")
    async def get(self) -> None:
        """Show the page, or go on to the lab where there is nothing to choose."""
        try:
            accounts = await self.lines.accounts()
        except WorkbenchError as error:
            send_error(self, error)
            return
        if not accounts:
            self.redirect(self._next())
            return
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", PAGE_POLICY)
        self.finish(self._page(accounts))

    @authenticated
    @authorized("write", "workbench")
    async def post(self) -> None:
        """Become the account that was pressed; kernels started from now on act for it."""
        try:
            account = self.get_body_argument("account", "")
            if account not in await self.lines.accounts():
                raise InvalidInput("Choose one of the accounts on the sign-in page; a site with real people has none.")
        except WorkbenchError as error:
            send_error(self, error)
            return
        self.set_secure_cookie(
            cookie_name(self), account, httponly=True, samesite="Strict", path=self.base_url,
            secure=self.request.protocol == "https",
        )  # fmt: skip
        # A layout of its own for each account: it names the files and kernels that were open.
        self.redirect(self._next(f"lab/workspaces/{quote(account)}"))

    def _next(self, usual: str = "lab") -> str:
        """Give where to go on: a path of this server only, whatever the address says."""
        wanted = self.get_argument("next", "")
        parts = urlsplit(wanted.replace("\\", "/"))
        safe = wanted.startswith(self.base_url) and not parts.scheme and not parts.netloc and "//" not in parts.path
        return wanted if safe else f"{self.base_url}{usual}"

    def _page(self, accounts: list[str]) -> str:
        now = current_account(self.lines.settings)
        buttons = "".join(_BUTTON.substitute(
            account=escape(account), name=escape(account.replace("-", " ").capitalize()),
            role=escape(ROLES.get(account, "an account of this demo")), colour=COLOURS.get(account, "#475569"),
            initial=escape(account[0].upper()), now=' aria-current="true"' if account == now else "",
            mark='<span class="now">signed in</span>' if account == now else "",
        ) for account in accounts)  # fmt: skip
        page = Template(files("workbench.jupyter").joinpath("sign_in.html").read_text())
        return page.substitute(
            action=escape(f"{self.base_url}workbench/sign-in"), next=escape(self.get_argument("next", "")),
            xsrf=escape(self.xsrf_token.decode()), buttons=buttons,
        )  # fmt: skip


PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)

_BUTTON = Template("""
      <li><button type="submit" name="account" value="$account"$now style="--colour: $colour">
        <span class="initial" aria-hidden="true">$initial</span>
        <span class="words"><span class="name">$name $mark</span><span class="role">$role</span></span>
        <span class="arrow" aria-hidden="true">→</span>
      </button></li>""")
