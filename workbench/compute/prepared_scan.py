"""What a worker does: read one scan through the gateway, run the chain on it, and write it.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.compute.prepared_files import IMAGE, LUNGS, check_scan, write_scan
from workbench.compute.recipe import Recipe, prepare_volume
from workbench.data.volume import Volume
from workbench.errors import IntegrityError, InvalidInput, NotFound, RunFailed, WorkbenchError, cause_of
from workbench.ingest.series.ome_zarr import write_ome_zarr


def prepare_scan(task: Mapping[str, Any]) -> dict[str, Any]:
    """Prepare one scan; a problem is given back, so that the others go on.

    Parameters
    ----------
    task : mapping
        `folder`, `recipe`, `dataset`, `version` and `facts`, what the gateway tells of the scan.

    Returns
    -------
    dict
        `scan`, and `error`: None, or the problem as JSON.
    """
    scan = str(task["facts"]["scan"])
    try:
        _prepare(Path(task["folder"]), Recipe.from_dict(task["recipe"]), task)
    except WorkbenchError as problem:
        return {"scan": scan, "error": problem.as_dict()}
    except MemoryError:
        text = "It takes more memory than a worker has; run it again with fewer workers or a wider spacing."
        return {"scan": scan, "error": RunFailed(text, code="out-of-memory").as_dict()}
    except OSError as problem:
        text = f"It cannot be written ({cause_of(problem)}); mend that and run the same command again."
        return {"scan": scan, "error": RunFailed(text).as_dict()}
    return {"scan": scan, "error": None}


def _prepare(folder: Path, recipe: Recipe, task: Mapping[str, Any]) -> None:
    volume = Volume(task["dataset"], task["version"], task["facts"])
    try:
        check_scan(folder, volume.scan)
    except NotFound:
        pass
    else:
        # The worker that wrote it died before it could say so.
        return
    if volume.modality != "CT":
        raise InvalidInput(
            f"It is {volume.modality}, not CT, so it has no HU to window; prepare a dataset of CT scans."
        )
    windowed, lungs, grid = prepare_volume(_read(volume), volume.geometry, recipe)
    files = {
        **_below(IMAGE, write_ome_zarr(windowed, grid, kind="windowed", is_pyramid=False)[0]),
        **_below(LUNGS, write_ome_zarr(lungs, grid, kind="label", names={1: "lungs"}, is_pyramid=False)[0]),
    }
    record = {
        "geometry": grid.as_dict(),
        "source": {
            "dataset": volume.dataset, "version": volume.version, "sha256": volume.facts.get("sha256"),
            "geometry": volume.geometry.as_dict(),
        },
        "subject": str(volume.facts.get("subject") or ""), "split": str(volume.facts.get("split") or ""),
        "recipe": recipe.as_dict(), "workbench": __version__,
    }  # fmt: skip
    write_scan(folder, volume.scan, files, record)


def _read(volume: Volume) -> Any:
    try:
        return volume.read()
    except IntegrityError as problem:
        raise IntegrityError(
            f"A chunk of the stored scan is damaged ({problem.message.rstrip('.')}); ask the custodian of "
            f"“{volume.dataset}” to check it, then run the same command again.",
            code=problem.code,
        ) from None


def _below(folder: str, objects: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{key}": content for key, content in objects.items()}
