"""Nodules of the chest phantom: how many, how large, of what kind, where, and whether malignant.

Drawn from measured distributions, with what was changed:

- Diameter: lognormal with log-mean 1.992 and log-sd 0.473, fitted to LUNA16's 1,186 nodules, cut to 4–30 mm.
- Count: LUNA16's 601 positive of 888 scans hold 1–6 nodules with shares .516 .265 .105 .040 .038 .018. Here 7 of 8
  scans are positive, and a positive scan holds the sum of two such draws (3.8 on average), so that a network can learn
  from two dozen scans in minutes. Prevalence is therefore not that of a clinic.
- Texture: 15 % ground glass; 12 % part-solid; the rest solid. Both subsolid kinds come only from 6 mm on, below which
  they are hardly seen and need no follow-up (Fleischner Society 2017). Place: 45 % isolated, 25 % at a vessel, 30 % at
  the pleura; these shares are ours.
- Malignancy: Bernoulli with the odds of the Brock (PanCan) model with spiculation, whose intercept is raised
  by `ENRICHMENT` as in a case-control sample, which leaves every odds ratio as published. Family history and
  emphysema are set to "no". Spiculated outlines become likelier with size (10 % at 4 mm, 45 % at 30 mm).

Ceiling: the label is a coin with a known bias, so no classifier can be better than `Nodule.chance` itself. Over 20,000
drawn nodules 39 % are malignant; the AUC of the true chance is .798 and that of size alone .767 (`phantom_oracle`).

Runs in: anywhere
Source: Setio et al., LUNA16, Med Image Anal 42 (2017) 1; McWilliams et al., N Engl J Med 369 (2013) 910, model 2b;
Prentice and Pyke, Biometrika 66 (1979) 403.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.imaging.phantom_canvas import Canvas, Floats, Point, cover, paint_tube
from workbench.imaging.phantom_patient import Patient
from workbench.imaging.phantom_vessels import Tree

LOG_MEAN, LOG_SD, SMALLEST_MM, LARGEST_MM = 1.992, 0.473, 4.0, 30.0
COUNT_SHARES = (0.516, 0.265, 0.105, 0.040, 0.038, 0.036)
NEGATIVE_SHARE = 1 / 8
TEXTURES = ("solid", "part-solid", "ground-glass")
SUBSOLID_FROM_MM = 6.0
# 15 % and 12 % of all, divided by the 73.7 % of diameters from 6 mm on.
TEXTURE_SHARES = (0.633, 0.163, 0.204)
PLACES = ("isolated", "juxta-vascular", "juxta-pleural")
PLACE_SHARES = (0.45, 0.25, 0.30)
ENRICHMENT = 3.1


@dataclass(frozen=True)
class Nodule:
    """One nodule and the truth about it.

    Parameters
    ----------
    centre_mm : tuple of 3 float
        Patient position (x, y, z), LPS.
    diameter_mm : float
        Of the sphere of equal volume, 4 to 30 mm, spicules not counted.
    texture : str
        One of `TEXTURES`.
    place : str
        One of `PLACES`.
    malignant : bool
    is_spiculated, is_upper_lobe : bool
    chance : float
        The probability with which `malignant` was drawn: the oracle's score.
    """

    centre_mm: Point
    diameter_mm: float
    texture: str
    place: str
    malignant: bool
    is_spiculated: bool
    is_upper_lobe: bool
    chance: float


def draw_count(rng: np.random.Generator) -> int:
    """Draw how many nodules a scan holds."""
    if rng.random() < NEGATIVE_SHARE:
        return 0
    return int(rng.choice(6, size=2, p=COUNT_SHARES).sum()) + 2


def draw_diameter(rng: np.random.Generator) -> float:
    """Draw a diameter, mm, from LUNA16's lognormal cut to 4–30 mm."""
    while True:
        diameter = float(np.exp(rng.normal(LOG_MEAN, LOG_SD)))
        if SMALLEST_MM <= diameter <= LARGEST_MM:
            return round(diameter, 2)


def draw_texture(diameter_mm: float, rng: np.random.Generator) -> str:
    """Draw one of `TEXTURES`; always solid below `SUBSOLID_FROM_MM`."""
    texture = str(rng.choice(TEXTURES, p=TEXTURE_SHARES))
    return texture if diameter_mm >= SUBSOLID_FROM_MM else "solid"


def draw_spiculation(diameter_mm: float, texture: str, rng: np.random.Generator) -> bool:
    """Draw whether the outline is spiculated: 10 % at 4 mm to 45 % at 30 mm, never in pure ground glass."""
    chance = 0.10 + 0.35 * (diameter_mm - SMALLEST_MM) / (LARGEST_MM - SMALLEST_MM)
    return bool(rng.random() < chance) and texture != "ground-glass"


def malignancy_chance(
    diameter_mm: float, texture: str, *, age: int, sex: str, count: int, is_spiculated: bool, is_upper_lobe: bool,
    enrichment: float = ENRICHMENT,
) -> float:  # fmt: skip
    """Give the probability of malignancy by the Brock model, its log-odds raised by `enrichment`.

    >>> round(malignancy_chance(10, "solid", age=62, sex="M", count=4, is_spiculated=False, is_upper_lobe=False,
    ...                         enrichment=0), 4)
    0.0252
    """
    odds = -6.7892 + enrichment + 0.0287 * (age - 62) + 0.6011 * (sex == "F") - 0.0824 * (count - 4)
    odds += -5.3854 * ((diameter_mm / 10) ** -0.5 - 1.58113883) + 0.7729 * is_spiculated + 0.6581 * is_upper_lobe
    odds += {"solid": 0.0, "part-solid": 0.3770, "ground-glass": -0.1276}[texture]
    return float(1 / (1 + np.exp(-odds)))


def add_nodules(
    canvas: Canvas, patient: Patient, lung: Floats, trees: list[Tree], rng: np.random.Generator
) -> list[Nodule]:
    """Draw nodules, find each a place, paint them; give them in model mm."""
    count = draw_count(rng)
    if not count:
        return []
    site = _Sites(canvas, lung, trees)
    nodules: list[Nodule] = []
    for diameter in sorted((draw_diameter(rng) for _ in range(count)), reverse=True):
        texture, place = draw_texture(diameter, rng), str(rng.choice(PLACES, p=PLACE_SHARES))
        radius = diameter / 2 / patient.size
        taken = [(nodule.centre_mm, nodule.diameter_mm / 2 / patient.size) for nodule in nodules]
        centre = site.find(place, radius, taken, rng)
        spiked = draw_spiculation(diameter, texture, rng)
        upper = centre[1] < -8 + 0.95 * (centre[2] + 8) and (centre[0] > 0 or centre[2] > 2)
        chance = malignancy_chance(
            diameter, texture, age=patient.age, sex=patient.sex, count=count, is_spiculated=spiked, is_upper_lobe=upper
        )
        nodule = Nodule(centre, diameter, texture, place, bool(rng.random() < chance), spiked, upper, chance)
        paint_nodule(canvas, nodule, radius, lung, rng)
        nodules.append(nodule)
    return nodules


class _Sites:
    """Where nodules can lie: depth below the pleura on a coarse grid, and points on vessels."""

    def __init__(self, canvas: Canvas, lung: Floats, trees: list[Tree]) -> None:
        self.canvas, self.lung = canvas, lung
        steps = [max(1, round(4.0 / step)) for step in canvas.step_mm]
        coarse = lung[:: steps[0], :: steps[1], :: steps[2]] > 0.5
        spacing = [step * factor for step, factor in zip(canvas.step_mm, steps, strict=True)]
        depth = ndimage.distance_transform_edt(coarse, sampling=spacing)
        k, j, i = np.nonzero(coarse)
        columns = (canvas.x.flat[i * steps[2]], canvas.y.flat[j * steps[1]], canvas.z.flat[k * steps[0]])
        self.points = np.stack(columns, axis=1).astype(np.float64)
        self.depth = depth[k, j, i] - spacing[1] / 2
        self.vessels = np.concatenate([tree.starts for tree in trees])
        self.radii = np.concatenate([tree.radii_mm for tree in trees])
        self.visible = np.flatnonzero(self.radii > 0.8)

    def find(self, place: str, radius: float, taken: list[tuple[Point, float]], rng: np.random.Generator) -> Point:
        """Give a centre (x, y, z), model mm; the conditions are eased step by step where nothing fits them."""
        if place == "juxta-vascular":
            # A reader tells a nodule from its vessel only where it is clearly the wider of the two.
            fit = self.visible[self.radii[self.visible] < max(0.55 * radius, 1.0)]
            spots, reach = self.vessels[fit], self.radii[fit] + 0.85 * radius
        else:
            low, high = (radius + 4, 1e3) if place == "isolated" else (0.4 * radius, 1.1 * radius + 2)
            fit = np.flatnonzero((self.depth > low) & (self.depth < high))
            fit = fit if len(fit) else np.argsort(-self.depth)[:200]
            spots, reach = self.points[fit], np.full(len(fit), 1.5)
        tries = 300
        for attempt in range(tries):
            one = int(rng.integers(len(spots)))
            direction = rng.normal(size=3)
            centre = spots[one] + direction / np.sqrt((direction**2).sum()) * reach[one]
            ease = attempt / tries
            apart = all(((centre - other) ** 2).sum() > (radius + size + 8) ** 2 for other, size in taken)
            if apart and self._fits(place, centre, radius, ease):
                break
        return _corner(centre)

    def _fits(self, place: str, centre: NDArray[np.float64], radius: float, ease: float) -> bool:
        share = self._lung_share(centre, radius)
        if place == "juxta-pleural":
            room = self._lung_share(centre, 2 * radius + 4)
            return 0.86 - 0.2 * ease < share < 0.985 and room > 0.45 - 0.2 * ease
        if share < 0.97 - 0.2 * ease:
            return False
        gap = np.sqrt(((self.vessels[self.visible] - centre) ** 2).sum(axis=1)) - self.radii[self.visible] - radius
        return bool(place == "juxta-vascular" or gap.min() > 1.5 - 3 * ease)

    def _lung_share(self, centre: NDArray[np.float64], radius: float) -> float:
        """Give the fraction of a ball that is lung."""
        where = self.canvas.box(_corner(centre - radius), _corner(centre + radius))
        dx, dy, dz = (
            self.canvas.x[:, :, where[2]] - centre[0],
            self.canvas.y[:, where[1], :] - centre[1],
            self.canvas.z[where[0]] - centre[2],
        )
        ball = dx * dx + dy * dy + dz * dz < radius * radius
        return float((self.lung[where] * ball).sum(dtype=np.float64) / max(int(ball.sum()), 1))


def paint_nodule(canvas: Canvas, nodule: Nodule, radius: float, lung: Floats, rng: np.random.Generator) -> None:
    """Paint one nodule with a lobed outline; vessels stay visible through ground glass."""
    reach = 1.6 * radius + 4
    centre = np.array(nodule.centre_mm)
    where = canvas.box(_corner(centre - reach), _corner(centre + reach))
    dx, dy, dz = (
        canvas.x[:, :, where[2]] - np.float32(centre[0]),
        canvas.y[:, where[1], :] - np.float32(centre[1]),
        canvas.z[where[0]] - np.float32(centre[2]),
    )
    distance = np.sqrt(dx * dx + dy * dy + dz * dz)
    lobes = _lobes((dx, dy, dz), distance, 0.34 if nodule.is_spiculated else 0.2, rng)
    outline = distance - np.float32(radius) * lobes
    hu, inside, soft = canvas.hu[where], lung[where], canvas.softness_mm
    glass = float(rng.uniform(-660, -480))
    if nodule.texture == "solid":
        _lay(hu, float(rng.uniform(15, 65)), cover(outline, soft) * inside)
    else:
        _lay(hu, glass, cover(outline, soft + 1.2) * inside)
    if nodule.texture == "part-solid":
        core = float(rng.uniform(0.4, 0.65))
        _lay(hu, float(rng.uniform(-40, 40)), cover(distance - np.float32(core * radius) * lobes, soft) * inside)
    if nodule.is_spiculated:
        _paint_spikes(canvas, centre, radius, lung, rng)


def _lay(hu: Floats, value: float, fraction: Floats) -> None:
    np.maximum(hu, hu + fraction * (np.float32(value) - hu), out=hu)


def _corner(point: NDArray[np.float64]) -> Point:
    return float(point[0]), float(point[1]), float(point[2])


def _lobes(offset: tuple[Floats, Floats, Floats], distance: Floats, size: float, rng: np.random.Generator) -> Floats:
    """Give the factor on the radius in each direction; its mean cube is 1, so that the volume is the sphere's."""
    axes = rng.normal(size=(7, 3))
    axes /= np.sqrt((axes**2).sum(axis=1, keepdims=True))
    sizes = rng.uniform(-size, 1.6 * size, len(axes))
    sample = rng.normal(size=(400, 3))
    sample /= np.sqrt((sample**2).sum(axis=1, keepdims=True))
    factor, at_sample = np.ones_like(distance), np.ones(len(sample))
    safe = np.maximum(distance, np.float32(1e-3))
    for axis, amount in zip(axes, sizes, strict=True):
        cosine = sum(np.float32(a) * part for a, part in zip(axis, offset, strict=True)) / safe
        factor += np.float32(amount) * np.maximum(cosine, 0) ** 2 * np.maximum(cosine, 0)
        at_sample += amount * np.maximum((sample * axis).sum(axis=1), 0) ** 3
    result: Floats = factor / np.float32(np.mean(at_sample**3) ** (1 / 3))
    return result


def _paint_spikes(
    canvas: Canvas, centre: NDArray[np.float64], radius: float, lung: Floats, rng: np.random.Generator
) -> None:
    for _ in range(int(rng.integers(10, 19))):
        direction = rng.normal(size=3)
        direction /= np.sqrt((direction**2).sum())
        length = radius + float(rng.uniform(0.35, 0.9)) * min(radius, 8) + 2
        ends = (_corner(centre + 0.7 * radius * direction), _corner(centre + length * direction))
        paint_tube(canvas, ends, (1.1, 0.3), ((0.0, -60.0),), only=lung)
