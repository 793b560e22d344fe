"""The trunk of the chest phantom, slice by slice: skin, fat, muscle, mediastinum, heart, abdomen, lungs, fissures.

The proportions were set by eye against chest CT and by the usual adult measures; they are plausible, not a norm.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.imaging.phantom_canvas import Canvas, Floats, blend, cover, ellipse
from workbench.imaging.phantom_patient import Patient

APEX_MM, BASE_MM = 112.0, -168.0
SQUARE = 0.45
AIR, LUNG, FAT, MUSCLE = -1000.0, -868.0, -104.0, 56.0


@dataclass(frozen=True)
class Chest:
    """The chest's inner wall at one height: one ellipse-like outline per side, mirrored."""

    centre_x: float
    centre_y: float
    half_x: float
    half_y: float

    def point(self, sine: float, cosine: float, offset_mm: float) -> tuple[float, float]:
        """Give (|x|, y) on the wall, moved outwards, at an angle from the side (cosine 1) to the back (sine 1)."""
        product = SQUARE * (sine * cosine) ** 2
        radius = ((1 - (1 - 4 * product) ** 0.5) / (2 * product)) ** 0.5 if product > 1e-9 else 1.0
        return (
            self.centre_x + (self.half_x + offset_mm) * radius * cosine,
            self.centre_y + (self.half_y + offset_mm) * radius * sine,
        )


def chest_at(z: float, patient: Patient) -> Chest:
    """Give the inner wall of the chest at a height."""
    t = min(max((z + 30) / (APEX_MM + 30), 0.0), 0.9999)
    narrow = (1 - t**3) ** 0.5 * (1 - 0.16 * t)
    flare = 1 + 0.05 * min(max(-z / 100, -0.3), 1.0)
    return Chest(
        centre_x=(55 - 11 * t * t) * patient.wide,
        centre_y=4 + 16 * t**3,
        half_x=74 * narrow * flare * patient.wide,
        half_y=(88 - 8 * t) * narrow * patient.deep,
    )


def spine_y(z: float, patient: Patient) -> float:
    """Give the y of the middle of the vertebral bodies: the thoracic kyphosis."""
    return 60 * patient.deep - 20 * (z / 130) ** 2


def dome_height(canvas: Canvas, patient: Patient) -> Floats:
    """Give the height of the diaphragm over (y, x): a right dome, a lower left one, and the recess around."""
    x, y = canvas.x[0], canvas.y[0]
    heights = []
    for centre_x, top in ((-66.0, -62.0), (62.0, -78.0)):
        u2 = ((x - np.float32(centre_x * patient.wide)) / np.float32(80 * patient.wide)) ** 2
        v2 = ((y + np.float32(6)) / np.float32(98 * patient.deep)) ** 2
        level = u2 + v2
        heights.append(np.float32(top) - np.float32(46) * level - np.float32(26) * level * level)
    ripple = np.float32(1e-3) * (x + 0.6 * y) * (y - 0.4 * x) + np.float32(0.04) * y
    result: Floats = np.maximum(heights[0], heights[1]) + np.clip(ripple, -5, 5)
    return result


def paint_trunk(canvas: Canvas, patient: Patient) -> Floats:
    """Paint everything but bones, vessels and airways; give the fraction of lung in each voxel, float32, (Z, Y, X)."""
    lung = np.zeros_like(canvas.hu)
    dome = dome_height(canvas, patient)
    for k, z in enumerate(canvas.z[:, 0, 0]):
        trunk_slice = _Slice(canvas, patient, float(z), k)
        trunk_slice.paint_wall()
        trunk_slice.paint_inside(dome)
        lung[k] = trunk_slice.paint_lung(dome)
    return lung


class _Slice:
    """One axial slice while it is painted."""

    def __init__(self, canvas: Canvas, patient: Patient, z: float, k: int) -> None:
        self.x, self.y, self.z = canvas.x[0], canvas.y[0], z
        self.hu, self.patient, self.chest = canvas.hu[k], patient, chest_at(z, patient)
        self.soft = (canvas.step_mm[1] + canvas.step_mm[2]) / 2
        chest = self.chest
        size = (max(chest.half_x, 1.0), max(chest.half_y, 1.0))
        self.cavity = ellipse(np.abs(self.x), self.y, (chest.centre_x, chest.centre_y), size, square=SQUARE)

    def lay(self, value: float, distance: Floats) -> None:
        blend(self.hu, value, cover(distance, self.soft))

    def round(self, centre: tuple[float, float], radii: tuple[float, float], **shape: float) -> Floats:
        return ellipse(self.x, self.y, centre, radii, **shape)

    def bulge(self, middle: tuple[float, float, float], radii: tuple[float, float, float], **shape: float) -> Floats:
        """Give the distance to the section of an ellipsoid; far away where this slice misses it."""
        left = 1 - ((self.z - middle[2]) / radii[2]) ** 2
        if left <= 0.01:
            return np.full(self.hu.shape, 1e3, np.float32)
        return self.round(middle[:2], (radii[0] * left**0.5, radii[1] * left**0.5), **shape)

    def paint_wall(self) -> None:
        """Paint skin, subcutaneous fat, the muscles of the chest wall and the fat between them."""
        p, z = self.patient, self.z
        up = min(max((z - 20) / 95, 0.0), 1.0)
        up = up * up * (3 - 2 * up)
        wide, deep = (146 + 44 * up) * p.wide, (107 - 20 * up) * p.deep
        middle = (0.0, 6 + 12 * up)
        fat = p.fat_mm * (1 - 0.45 * up)
        skin = self.round(middle, (wide + fat, deep + 0.75 * fat), square=0.42)
        if p.sex == "F":
            for side in (-1, 1):
                breast = self.bulge(
                    (side * 84 * p.wide, -78.0 * p.deep - 0.3 * fat, -28), (60, 30 + 0.7 * fat, 74), turn=side * 0.4
                )
                skin = np.minimum(skin, breast)
        self.lay(18, skin)
        self.lay(FAT, skin + np.float32(2.2))
        if p.sex == "F":
            for side in (-1, 1):
                gland = self.bulge(
                    (side * 88 * p.wide, -88.0 * p.deep - 0.5 * fat, -32), (26, 8 + 0.3 * fat, 34), turn=side * 0.4
                )
                self.lay(-25, gland)
        outer = self.round(middle, (wide, deep), square=0.5)
        self.lay(MUSCLE, outer)
        self._part_muscles(up)

    def _part_muscles(self, up: float) -> None:
        """Lay the fat planes between the layers of muscle, as pectoral, serratus and dorsal ones have."""
        p, wall, soft = self.patient, self.cavity, np.float32(1.0)
        plane = np.abs(wall - np.float32(13 + 3 * up)) - soft
        self.lay(-85, plane)
        if up > 0.05:
            second = np.abs(wall - np.float32(26 + 6 * up)) - soft * np.float32(min(1.2, 3 * up))
            self.lay(-75, second)
            for side in (-1, 1):
                hollow = self.bulge((side * 118 * p.wide, -20.0, 62), (15, 34, 52), turn=-side * 0.5)
                self.lay(FAT, hollow)
                vessel = self.bulge((side * 120 * p.wide, -22.0, 70), (7, 8, 62))
                self.lay(p.blood_hu, vessel)
        back = spine_y(self.z, p)
        for side in (-1, 1):
            dorsal = self.round((side * 27, back + 42), (22, 15), turn=side * 0.3)
            self.lay(-70, np.abs(dorsal) - np.float32(0.9))

    def paint_inside(self, dome: Floats) -> None:
        """Paint mediastinal fat, and below the diaphragm liver, spleen and stomach."""
        p, z = self.patient, self.z
        self.lay(FAT + 12, self.cavity + np.float32(1.5))
        self.posterior = self.round((0.0, spine_y(z, p) + 24), (31, 46), square=0.2)
        self.lay(MUSCLE - 4, np.maximum(self.posterior, self.cavity - np.float32(2)))
        if z > -50:
            return
        below = np.maximum(self.cavity + np.float32(4), (np.float32(z) - dome + np.float32(3)) * np.float32(0.7))
        tint = 0.42 * max(p.blood_hu - 45, 0)
        liver = np.maximum(below, self.x - np.float32(38) + np.float32(0.35) * (self.y + 40))
        spleen = np.maximum(below, self.round((92 * p.wide, 46.0), (34, 46), turn=0.2))
        stomach = np.maximum(below, self.bulge((62 * p.wide, -14.0, -135), (44, 46, 60)))
        self.lay(MUSCLE, np.abs(below + np.float32(1.5)) - np.float32(1.5))
        self.lay(60 + tint, liver)
        self.lay(52 + tint, spleen)
        self.lay(30, stomach)
        gas = np.maximum(stomach + np.float32(5), self.y + np.float32(22))
        self.lay(-960, gas)

    def paint_lung(self, dome: Floats) -> Floats:
        """Paint parenchyma with its gradient from front to back, and the fissures; give the fraction of lung."""
        middle = self._mediastinum()
        outside = np.maximum(self.cavity, (dome - np.float32(self.z)) * np.float32(0.7))
        distance = np.maximum(outside, -middle)
        fraction = cover(distance, self.soft)
        height = np.float32(0.16) * (self.y + np.float32(10))
        self.hu += fraction * (np.float32(LUNG) + height - self.hu)
        inside = cover(distance + np.float32(2), self.soft)
        for fissure in self._fissures():
            self.hu += inside * cover(fissure - np.float32(0.45), 1.2 * self.soft) * np.float32(210)
        return fraction

    def _mediastinum(self) -> Floats:
        """Paint the heart and its fat; give the distance to all that stands between the lungs."""
        p, z = self.patient, self.z
        t = min(max((z + 10) / 110, 0.0), 1.0)
        vessels = self.round((2.0, -2.0 + 10 * t), (33 - 5 * t, 46 - 8 * t), square=0.2)
        front = np.maximum(np.abs(self.x - np.float32(4)) - np.float32(5 + 6 * t), self.y + np.float32(20))
        heart = self.bulge((25.0, -28.0 * p.deep, -54), (66 * p.wide, 47 * p.deep, 62), turn=0.5, square=0.2)
        right = self.bulge((-22.0, -14.0, -40), (32, 36, 56))
        roots = np.minimum(self.bulge((-34.0, 8.0, 6), (17, 17, 26)), self.bulge((36.0, 8.0, 12), (16, 17, 24)))
        pad = np.minimum(self.bulge((52.0, -52.0, -92), (34, 26, 36)), self.bulge((-32.0, -54.0, -88), (26, 24, 30)))
        aorta = self.round((24.0, spine_y(z, p) - 20), (14, 14)) if z < 62 else vessels
        self.lay(p.blood_hu * 0.85 + 6, right + np.float32(3))
        self.lay(FAT + 8, np.abs(heart + np.float32(1.5)) - np.float32(1.8))
        self.lay(48 + 0.35 * (p.blood_hu - 45), heart + np.float32(3))
        for middle, radii in (((38.0, -18.0, -50), (32, 23, 38)), ((-4.0, -48.0, -48), (30, 20, 40)),
                              ((6.0, 10.0, -22), (34, 20, 26))):  # fmt: skip
            self.lay(p.blood_hu, np.maximum(self.bulge(middle, radii, turn=0.5), heart + np.float32(4)))
        everything = (front, heart, right, roots, pad, aorta, self.posterior)
        result = vessels
        for part in everything:
            result = np.minimum(result, part)
        return result

    def _fissures(self) -> list[Floats]:
        """Give the distances to the oblique fissures of both lungs and the horizontal fissure of the right one."""
        x, y, z = self.x, self.y, np.float32(self.z)
        bow = np.float32(0.0016) * (np.abs(x) - np.float32(60)) ** 2
        right = x < 0
        oblique = np.float32(0.72) * (y - (np.float32(-8) + np.float32(0.95) * (z + np.float32(8)) + bow * 4))
        start = np.float32(0.95) * (z + np.float32(8)) - 8
        flat = np.abs(z - np.float32(2) + np.float32(0.02) * (y + 30) + bow * 2) + np.where(
            right & (y < start), np.float32(0), np.float32(99)
        )
        return [np.abs(oblique), flat]
