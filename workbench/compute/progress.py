"""A progress bar for long work: a widget-free one in notebooks, a plain one on a terminal.

Its last state is the same for every run, so that a report that is run again shows the same output.

Runs in: kernel
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

_EVERY_S = 0.2


class Progress:
    """Count finished items of a known total.

    Parameters
    ----------
    label : str
        What is counted, such as ``scans prepared``.
    total : int
        How many there are.

    Examples
    --------
    >>> with Progress("scans read", 2) as bar:
    ...     bar.step()
    ...     bar.step()
    """

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self._shown = 0.0
        self._handle = display_handle()

    def __enter__(self) -> Progress:
        """Show the empty bar."""
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show where it ended."""
        self._show(final=True)

    def step(self, count: int = 1) -> None:
        """Say that some more are done."""
        self.done += count
        if time.monotonic() - self._shown > _EVERY_S:
            self._show()

    def _show(self, *, final: bool = False) -> None:
        self._shown = time.monotonic()
        if self._handle is not None:
            self._handle.show(_bar(self.label, self.done, self.total), f"{self.done} of {self.total} {self.label}")
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{self.label}: {self.done} of {self.total}" + ("\n" if final else ""))
            sys.stderr.flush()


class DisplayHandle:
    """One output of a cell that can be shown again in place."""

    def __init__(self) -> None:
        from IPython.display import DisplayHandle as Handle  # noqa: PLC0415 - only inside a notebook

        self._handle = Handle()
        self._is_shown = False

    def show(self, html: str, text: str) -> None:
        """Show, or replace what was shown."""
        bundle = {"text/html": html, "text/plain": text}
        if self._is_shown:
            self._handle.update(bundle, raw=True)
        else:
            self._handle.display(bundle, raw=True)
            self._is_shown = True


def display_handle() -> DisplayHandle | None:
    """Give a place in the running cell's output, or None outside a notebook."""
    shell = sys.modules.get("IPython")
    kernel = shell.get_ipython() if shell is not None else None
    return DisplayHandle() if kernel is not None and hasattr(kernel, "kernel") else None


def _bar(label: str, done: int, total: int) -> str:
    return (
        '<div style="display:flex;gap:.8em;align-items:center;font:13px var(--jp-ui-font-family,sans-serif)">'
        f'<progress value="{done}" max="{max(total, 1)}" aria-label="{label}" style="width:16em"></progress>'
        f"<span>{done} of {total} {label}</span></div>"
    )
