"""A segmentation task in a notebook: sections to learn from, scores scan by scan, outlines to look at.

Runs in: kernel
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.benchmark.examples import scan_names
from workbench.benchmark.segmentation import (
    Bools,
    Sections,
    SectionWork,
    mask_of,
    measure_masks,
    prepare_sections,
    score_scans,
    truth_mask,
)
from workbench.benchmark.segmentation_score import SegmentationScore, Shown, outlines_picture
from workbench.benchmark.task import Model, Task, map_scans
from workbench.data.catalogue import dataset
from workbench.errors import InvalidInput
from workbench.imaging import air_inside, cut_sections

if TYPE_CHECKING:
    from workbench.benchmark.pictures import Picture
    from workbench.compute.cluster import Cluster
    from workbench.data.volume import Volume


class SegmentationTask(Task):
    """One segmentation task; `wb.task(name)` gives it for a task of that kind."""

    def _prepare(self, split: str, cluster: Cluster | None) -> Sections:
        place, truth = self.definition.place(split), self.definition.truth
        names = self._names(split)
        work = [SectionWork(place.dataset, scan, str(truth.labels), truth.value) for scan in names]
        parts = map_scans(prepare_sections, work, cluster)
        scans = tuple(scan for scan, sections, _ in parts for _ in range(len(sections)))
        inputs, labels = (np.concatenate([part[n] for part in parts]) for n in (1, 2))
        return Sections(self.id, split, inputs, labels, scans)

    # A segmentation's score has several metrics, and scans instead of marks, hence a class of its own.
    def score(  # type: ignore[override]
        self, model: Model, split: str = "validation", bootstrap: int = 1000, seed: int = 0
    ) -> SegmentationScore:
        """Score a model on a split that you may read, on every scan's own voxels.

        Parameters
        ----------
        model : Model
            Anything whose `predict(sections)` gives a probability for each pixel.
        split : str
            ``validation``; what a model was trained on says nothing about it.
        bootstrap : int
            Resamples of scans for the intervals, 0 for none.
        seed : int
            Seed of the resamples.

        Raises
        ------
        InvalidInput
            When the model's answer does not fit, or the split is the training split.
        """
        return self._score(split, partial(_by_model, model), bootstrap, seed)

    def baseline(  # type: ignore[override]
        self, split: str = "validation", bootstrap: int = 1000, seed: int = 0
    ) -> SegmentationScore:
        """Score what needs no training: the air that the body encloses."""
        return self._score(split, _by_threshold, bootstrap, seed)

    def marks(self, score: SegmentationScore, columns: int = 3) -> Picture:  # type: ignore[override]
        """Show the best, the median and the worst scan of a score, with the outlines of truth and answer.

        Parameters
        ----------
        score : SegmentationScore
            As `task.score` gave it.
        columns : int
            How many scans, 1 to 6, from the best to the worst.
        """
        if not 1 <= columns <= 6:
            raise InvalidInput(f"The picture shows 1 to 6 scans, not {columns}.")
        name = score.measured.definition.short
        order = score.scans.sort_values(
            [name, "scan"], ascending=[not score.measured.definition.higher_is_better, True]
        )
        picks = order.iloc[np.unique(np.linspace(0, len(order) - 1, columns).round().astype(int))]
        shown = []
        for row in picks.to_dict("records"):
            volume, truth = self._scan(score.split, str(row["scan"]))
            title = f"{row['scan']}: {score.measured.definition.name} {row[name]:.3f}"
            shown.append(
                Shown(volume.scan, volume.read(), truth, score.masks[volume.scan], volume.spacing_mm, title)
            )  # fmt: skip
        return outlines_picture(shown)

    def _names(self, split: str) -> list[str]:
        place = self.definition.place(split)
        names = scan_names(dataset(place.dataset), place.split)
        if not names:
            raise InvalidInput(f"“{place.dataset}” has no scans in its split “{place.split}”; fill it first.")
        return names

    def _scan(self, split: str, scan: str) -> tuple[Volume, Bools]:
        place, truth = self.definition.place(split), self.definition.truth
        mask = truth_mask(place.dataset, scan, str(truth.labels), truth.value)
        return dataset(place.dataset).volume(scan), mask

    def _score(self, split: str, answer: Any, bootstrap: int, seed: int) -> SegmentationScore:
        if split == "train":
            raise InvalidInput("A score on the training split says nothing; score on split “validation”.")
        truth: dict[str, Bools] = {}
        said: dict[str, Bools] = {}
        spacing_mm = {}
        for scan in self._names(split):
            volume, truth[scan] = self._scan(split, scan)
            said[scan], spacing_mm[scan] = answer(volume), volume.spacing_mm
        values = measure_masks(self.definition, truth, said, spacing_mm)
        measures = tuple(
            score_scans(metric, values[metric], resamples=bootstrap, seed=seed).measured
            for metric in self.definition.metrics
        )
        columns = {one.definition.short: [values[one.metric][scan] for scan in truth] for one in measures}
        return SegmentationScore(self.id, split, measures, pd.DataFrame({"scan": list(truth), **columns}), said)


def _by_model(model: Model, volume: Volume) -> Bools:
    sections = cut_sections(volume.read(), volume.spacing_mm)
    return mask_of(np.asarray(model.predict(sections)), volume.spacing_mm, volume.shape)


def _by_threshold(volume: Volume) -> Bools:
    return air_inside(volume.read(), volume.spacing_mm)
