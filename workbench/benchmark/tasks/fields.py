"""The parts of a task file: what each block may hold.

Runs in: anywhere
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def wrong(sentence: str) -> PydanticCustomError:
    """Give the error of a field whose value will not do."""
    return PydanticCustomError("wrong", "{sentence}", {"sentence": sentence})


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise wrong("must be one line of printable text without spaces around it")
    return text


Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Column = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Version = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=3, max_length=400), AfterValidator(_one_line)]
ClassName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_one_line)]
Positive = Annotated[int, Field(ge=1, le=100_000)]


class Closed(BaseModel):
    """A block that holds its own fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Split(Closed):
    """Where a split's scans are; without `version` the newest published one counts."""

    dataset: Slug
    split: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    version: Version | None = None


class Truth(Closed):
    """Where the answers lie, and what one item is.

    Parameters
    ----------
    table : str, optional
        The table that holds the answers, in the datasets of the splits; segmentation has none.
    labels : str, optional
        The label volume beside each scan that holds the answer; segmentation alone.
    item : str
        A scan, or a nodule: row N of a scan in the table, called ``SCAN-N``, counted from 1.
    column : str, optional
        The column of the answer; for survival the time until the event or the end of observation.
    event : str, optional
        For survival: the column that says whether the event was seen.
    classes : tuple of str
        For multiclass and ranking: every class, in the order of the columns of a predictions file.
    levels : tuple of 2 int, optional
        For ordinal: the lowest and the highest level.
    value : int
        For segmentation: which number in the label volume is the structure; without it, every number above 0.
    """

    table: Slug | None = None
    labels: LabelName | None = None
    item: Literal["scan", "nodule"]
    column: Column | None = None
    event: Column | None = None
    classes: Annotated[tuple[ClassName, ...], Field(max_length=200, strict=False)] = ()
    levels: Annotated[tuple[int, int], Field(strict=False)] | None = None
    value: Annotated[int, Field(ge=1, le=255)] | None = None


class Label(Closed):
    """What the label is, and whether something better than an opinion stands behind it."""

    says: Text
    verified: bool
    id: Slug | None = None


class Interval(Closed):
    """How intervals are made: by drawing units again, or for ``auc_delong:v1`` by DeLong's variance."""

    method: Literal["bootstrap", "delong"] = "bootstrap"
    resamples: Annotated[int, Field(ge=100, le=20_000)] = 1000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 16


class Subgroup(Closed):
    """A column that splits the items into groups: by its values, or by bands between `bands`.

    Without `table` the column stands in the table of the truth.
    """

    name: Text
    column: Column
    table: Slug | None = None
    bands: Annotated[tuple[float, ...], Field(max_length=20, strict=False)] = ()

    def group(self, value: object) -> str | None:
        """Give the group of one value; None when there is no value.

        >>> Subgroup(name="diameter", column="diameter_mm", bands=(6.0, 10.0)).group(6.0)
        '6 to below 10'
        """
        if value is None or value != value:  # NaN alone differs from itself
            return None
        if not self.bands:
            return str(value)
        number = float(str(value))
        place = sum(number >= edge for edge in self.bands)
        if place == 0:
            return f"below {self.bands[0]:g}"
        if place == len(self.bands):
            return f"{self.bands[-1]:g} or more"
        return f"{self.bands[place - 1]:g} to below {self.bands[place]:g}"


class Patch(Closed):
    """The cube that a model sees: voxels along an edge, and their spacing."""

    size: Literal[32]
    spacing_mm: Annotated[float, Field(gt=0.2, le=5.0)]


class Limits(Closed):
    """What one evaluation may use: size of what is sent and given back, wall and processor time, memory, processes."""

    model_mib: Positive
    seconds: Positive
    cpu_seconds: Positive
    memory_mib: Positive
    output_mib: Positive
    output_files: Positive = 2000
    processes: Annotated[int, Field(ge=1, le=512)] = 64


class Quota(Closed):
    """How many scored submissions a person has, in a week and in all; failures and validations do not count."""

    scored_per_week: Positive
    scored_in_all: Positive


class Baseline(Closed):
    """An answer without learning that stays on the board: a rule, and for `column` the column that answers."""

    name: Text
    rule: Literal["blob-filter", "column", "constant", "air-threshold"]
    column: Column | None = None


class Prevalence(Closed):
    """The share of positives where the answer would be used, and the sensitivity at which the card reads PPV."""

    share: Annotated[float, Field(gt=0.0, lt=1.0)]
    sensitivity: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9
    says: Text


class Trap(Closed):
    """The tempting way to a better number, beside the honest one; the report prints both."""

    name: Text
    wrong: Text
    honest: Text
