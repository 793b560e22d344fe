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
    shows_time : bool, default False
        Whether it says, until the last one, how long the rest will take at the pace so far.

    Examples
    --------
    >>> with Progress("scans read", 2) as bar:
    ...     bar.step()
    ...     bar.step()
    """

    def __init__(self, label: str, total: int, *, shows_time: bool = False) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self._shown = 0.0
        self._began = time.monotonic() if shows_time else None
        self._before = 0
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

    def skip(self, count: int) -> None:
        """Say that some were done before, which tells nothing about the pace."""
        self._before += count
        self.step(count)

    def rest(self) -> str:
        """Give how long the rest will take, such as ``about 3 min left``; empty while that is not known."""
        made = self.done - self._before
        if self._began is None or made < 1 or self.done >= self.total:
            return ""
        left_s = (time.monotonic() - self._began) / made * (self.total - self.done)
        return f"about {duration(left_s)} left"

    def _show(self, *, final: bool = False) -> None:
        self._shown = time.monotonic()
        rest = "" if final else self.rest()
        if self._handle is not None:
            text = f"{self.done} of {self.total} {self.label}"
            self._handle.show(_bar(self.label, self.done, self.total, rest), f"{text}, {rest}" if rest else text)
        elif sys.stderr.isatty():
            # What a longer line before it left is wiped (ECMA-48, EL).
            wiped = "\033[K" if self._began is not None else ""
            line = f"\r{self.label}: {self.done} of {self.total}{f', {rest}' if rest else ''}{wiped}"
            sys.stderr.write(line + ("\n" if final else ""))
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


def duration(seconds: float) -> str:
    """Give a time in the unit people would say it in.

    >>> duration(42), duration(150), duration(9000)
    ('42 s', '2 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _bar(label: str, done: int, total: int, rest: str = "") -> str:
    return (
        '<div style="display:flex;gap:.8em;align-items:center;font:13px var(--jp-ui-font-family,sans-serif)">'
        f'<progress value="{done}" max="{max(total, 1)}" aria-label="{label}" style="width:16em"></progress>'
        f"<span>{done} of {total} {label}{f', {rest}' if rest else ''}</span></div>"
    )
