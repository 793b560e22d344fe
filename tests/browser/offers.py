"""Files that somebody would offer for release, laid into a workspace."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from workbench.jupyter.accounts import workspace_of
from workbench.settings import Settings

COUNTS = "group,count\nA,40\nB,55\nC,61\n"
SMALL = "group,count\nA,3\nB,55\nC,61\n"
SCRIPT = "# Notes\n<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>\n"


def lay_files(settings: Settings, account: str = "researcher") -> Path:
    """Lay a plot, two tables and a text that would like to run into an account's workspace."""
    folder = workspace_of(settings, account) / "figures"
    folder.mkdir(exist_ok=True)
    plot = Image.new("RGB", (480, 320), "white")
    ImageDraw.Draw(plot).line([(40, 280), (440, 40)], fill="blue", width=3)
    plot.save(folder / "froc.png")
    for name, text in (("counts.csv", COUNTS), ("small.csv", SMALL), ("notes.txt", SCRIPT)):
        (folder / name).write_text(text)
    return folder
