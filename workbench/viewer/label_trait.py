"""How label layers look: the trait that Python and the browser share, checked whoever sets it.

Runs in: kernel
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import InvalidInput
from workbench.viewer.label_layer import LONGEST_NAME, LabelLayer
from workbench.viewer.marks import read_label

SWITCHES = ("visible", "outline", "rest_visible")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class LabelShelf:
    """The label layers of one view by the names the browser has for them, and how each looks now."""

    def __init__(self) -> None:
        self.layers: dict[str, LabelLayer] = {}
        # Kept here as well, since the trait itself already holds what is being checked when the browser sets it.
        self._now: dict[str, dict[str, Any]] = {}

    def take(self, value: object, read: Callable[[Any], list[LabelLayer]]) -> list[dict[str, Any]]:
        """Give the trait of what was set: how known layers look, or new layers in their place.

        Parameters
        ----------
        value : object
            A list of layers as the trait has them, whole or in part (`[{"id": "l0", "opacity": 0.5}]`), or anything
            that `read_layers` reads.
        read : callable
            Reads new layers; they get names that were never used before.

        Raises
        ------
        InvalidInput
            When a layer is unknown, a number out of range, or what was given holds no labels.
        """
        if isinstance(value, list | tuple) and all(isinstance(one, Mapping) and "id" in one for one in value):
            names = [str(one["id"]) for one in value]
            is_late = names and self._now and not set(names) & set(self._now) and set(names) <= set(self.layers)
            # Late: the browser speaks of layers that Python has just replaced.
            traits = list(self._now.values()) if is_late else [self._read_layer(one) for one in value]
        else:
            traits = self._renew(read(value))
        self._now = {trait["id"]: trait for trait in traits}
        return traits

    def _renew(self, fresh: list[LabelLayer]) -> list[dict[str, Any]]:
        first = 1 + max((int(name[1:]) for name in self.layers), default=-1)
        for old in [name for name in self.layers if name not in self._now]:
            # Those on screen stay until the next ones come: the browser may be about to ask for a slice of them.
            del self.layers[old]
        added = {f"l{number}": layer for number, layer in enumerate(fresh, first)}
        self.layers.update(added)
        return [layer.as_trait(name) for name, layer in added.items()]

    def _read_layer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = str(given["id"])
        if name not in self.layers:
            known = ", ".join(self.layers) or "none"
            raise InvalidInput(f"This view has no label layer {name[:32]!r}; it has {known}.")
        layer = dict(self._now.get(name) or self.layers[name].as_trait(name))
        for switch in SWITCHES:
            layer[switch] = _yes_or_no(given.get(switch, layer[switch]), switch)
        layer["opacity"] = _share(given.get("opacity", layer["opacity"]))
        layer["title"] = read_label(given.get("title", layer["title"]), LONGEST_NAME)
        layer["segments"] = _read_segments(given.get("segments", ()), layer["segments"], name)
        return layer


def _read_segments(given: Any, segments: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    if not isinstance(given, list | tuple) or not all(isinstance(one, Mapping) and "value" in one for one in given):
        raise InvalidInput(f"The segments of {name} are a list of {{'value': 1, 'visible': False}} and the like.")
    found = {segment["value"]: dict(segment) for segment in segments}
    for one in given:
        segment = found.get(one["value"])
        if segment is None:
            raise InvalidInput(f"The label layer {name} lists no segment with the value {one['value']!r}.")
        segment["visible"] = _yes_or_no(one.get("visible", segment["visible"]), "visible")
        segment["label"] = read_label(one.get("label", segment["label"]), LONGEST_NAME)
        colour = one.get("colour", segment["colour"])
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise InvalidInput(f"The colour of {segment['label']} is {colour!r}; write it like '#e69f00'.")
        segment["colour"] = colour.lower()
    return list(found.values())


def _yes_or_no(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"`{name}` of a label layer is True or False, not {value!r}.")
    return value


def _share(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = float(value) if isinstance(value, int | float) and is_number else math.nan
    if not 0 <= number <= 1:
        raise InvalidInput(f"The opacity of a label layer is {value!r}; it goes from 0 (unseen) to 1.")
    return number
