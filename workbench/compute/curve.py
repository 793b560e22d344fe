"""The training curve as a small SVG that follows JupyterLab's theme and stays in the report.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 420, 150, 34


def curve_html(head: str, losses: Sequence[float], epochs: int) -> str:
    """Draw the loss of each epoch so far.

    Parameters
    ----------
    head : str
        HTML above the curve.
    losses : sequence of float
        Mean loss per epoch, at least 0.
    epochs : int
        How many epochs the axis spans.
    """
    top = max([*losses, 1e-9])
    points = [(_x(i, epochs), _y(loss / top)) for i, loss in enumerate(losses)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in points)
    last = f"epoch {len(losses)} of {epochs}, loss {losses[-1]:.4f}" if losses else f"0 of {epochs} epochs"
    grid = "".join(
        f'<line x1="{MARGIN}" x2="{WIDTH - 8}" y1="{_y(part):.1f}" y2="{_y(part):.1f}"/>' for part in (0.0, 0.5, 1.0)
    )
    marks = "".join(
        f'<text x="{MARGIN - 5}" y="{_y(part) + 4:.1f}" text-anchor="end">{top * part:.2f}</text>'
        for part in (0.0, 0.5, 1.0)
    )
    return (
        '<div style="font:13px var(--jp-ui-font-family,sans-serif);color:var(--jp-ui-font-color1,#222)">'
        f'{head}<svg role="img" aria-label="Training loss: {last}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" style="display:block;max-width:100%">'
        f'<g stroke="currentColor" stroke-opacity=".18">{grid}</g>'
        f'<g font-size="10" fill="currentColor" fill-opacity=".7">{marks}'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 6}" text-anchor="end">epoch {max(epochs, 1)}</text>'
        f'<text x="{MARGIN}" y="{HEIGHT - 6}">training loss</text></g>'
        f'<g fill="#1976d2" stroke="none">{dots}</g>'
        f'<polyline points="{line}" fill="none" stroke="#1976d2" stroke-width="2"/>'
        f"</svg><div>{last}</div></div>"
    )


def _x(index: int, epochs: int) -> float:
    return MARGIN + (WIDTH - MARGIN - 12) * index / max(epochs - 1, 1)


def _y(part: float) -> float:
    return HEIGHT - 24 - (HEIGHT - 34) * part
