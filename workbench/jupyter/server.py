"""The Jupyter server extension: the workbench's addresses, and what is switched off because it goes around them.

Runs in: Jupyter server
"""

from __future__ import annotations

from typing import Any

from workbench.jupyter.downloads import REFUSED
from workbench.jupyter.handlers import api_handlers
from workbench.jupyter.itk_files import ItkFilesHandler
from workbench.jupyter.lines import GatewayLines
from workbench.jupyter.sign_in import SignInHandler
from workbench.jupyter.viewer_files import ViewerFilesHandler
from workbench.settings import load_settings

# They call the network, or open a way round the sandbox; the server refuses the latter besides.
DISABLED_IN_LAB = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyter-notebook/terminal-extension",
    "@jupyterlab/terminal-extension",
)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "workbench.jupyter.server"}]


def _load_jupyter_server_extension(app: Any) -> None:
    lines = GatewayLines(load_settings())
    base = app.web_app.settings["base_url"]
    app.web_app.add_handlers(".*$", workbench_handlers(base, lines))
    # Before those of other extensions: Notebook 7, for example, has a page for terminals, which are refused here.
    rules = app.web_app.default_router.rules
    rules.insert(0, rules.pop(-2))
    app.web_app.settings["page_config_hook"] = _without_ways_round


def workbench_handlers(base_url: str, lines: GatewayLines) -> list[tuple[Any, ...]]:
    """Give every handler of this extension, which all need a signed-in person."""
    root = base_url.rstrip("/")
    return [
        *api_handlers(base_url, lines),
        (f"{root}/workbench/sign-in", SignInHandler, {"lines": lines}),
        (f"{root}/workbench/nbextensions/itkwidgets/(.*)", ItkFilesHandler),
        (f"{root}/workbench/viewer/(.*)", ViewerFilesHandler),
        *((root + pattern, handler) for pattern, handler in REFUSED),
    ]


def _without_ways_round(_handler: Any, page_config: dict[str, Any]) -> dict[str, Any]:
    """Tell JupyterLab's browser side what is off."""
    disabled = page_config.get("disabledExtensions", [])
    page_config["disabledExtensions"] = sorted({*disabled, *DISABLED_IN_LAB})
    page_config["terminalsAvailable"] = False
    return page_config
