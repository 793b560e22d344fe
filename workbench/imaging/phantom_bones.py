"""The skeleton of the chest phantom: spine, ribs with their cartilages, sternum, clavicles, scapulae.

Runs in: anywhere
"""

from __future__ import annotations

import numpy as np

from workbench.imaging.phantom_body import APEX_MM, chest_at, spine_y
from workbench.imaging.phantom_canvas import Canvas, Floats, Point, blend, cover, ellipse, paint_tube
from workbench.imaging.phantom_patient import Patient

VERTEBRA_MM = 22.5
DISC_SHARE = 0.2


def paint_skeleton(canvas: Canvas, patient: Patient) -> None:
    """Paint all bones of the chest."""
    _paint_spine(canvas, patient)
    _paint_sternum(canvas, patient)
    for side in (-1, 1):
        _paint_ribs(canvas, patient, side)
        _paint_shoulder(canvas, patient, side)


def _bone(patient: Patient, cortex_mm: float = 1.7) -> tuple[tuple[float, float], ...]:
    return ((0.0, 760 * patient.density), (cortex_mm, 230 * patient.density))


def _paint_spine(canvas: Canvas, patient: Patient) -> None:
    zs, ys, xs = canvas.box((-48, 20, -1e3), (48, 150, 1e3))
    x, y = canvas.x[0, :, xs], canvas.y[0, ys]
    for k in range(zs.start, zs.stop):
        z = float(canvas.z[k, 0, 0])
        _paint_vertebra_slice(canvas.hu[k, ys, xs], (x, y), z, patient)


def _paint_vertebra_slice(hu: Floats, place: tuple[Floats, Floats], z: float, patient: Patient) -> None:
    (x, y), back, density = place, spine_y(z, patient), patient.density
    soft = float(x[0, 1] - x[0, 0])
    phase = ((z - APEX_MM) / VERTEBRA_MM) % 1.0
    spongy, hard = 170 * density, 520 * density

    def lay(value: float, distance: Floats) -> None:
        blend(hu, value, cover(distance, soft))

    waist = 1 - 0.10 * (1 - abs(2 * phase - 1.2))
    body = ellipse(x, y, (0, back), (18 * waist, 15 * waist), square=0.2)
    if phase < DISC_SHARE:
        edge = min(phase, DISC_SHARE - phase) / DISC_SHARE
        lay(hard if edge < 0.12 else 85, body - np.float32(0.8))
    else:
        lay(hard, body)
        lay(hard * 0.8 if min(phase - DISC_SHARE, 1 - phase) < 0.06 else spongy, body + np.float32(1.6))
    arch = ellipse(x, y, (0, back + 23), (15, 13))
    if phase > 0.25:
        lay(hard * 0.9, arch)
        lay(spongy * 1.2, np.maximum(arch + np.float32(2), -(arch + np.float32(5))))
    if 0.35 < phase < 0.75:
        for side in (-1, 1):
            wing = ellipse(x, y, (side * 25, back + 27), (14, 5), turn=side * 0.35)
            lay(hard * 0.8, wing)
            lay(spongy, wing + np.float32(1.6))
    slant = (0.72 - phase) / 0.8
    thorn = ellipse(x, y, (0, back + 37 + 20 * slant), (3.8, 10 - 2 * slant))
    if slant > 0:
        lay(hard * 0.8, thorn)
        lay(spongy * 1.1, thorn + np.float32(1.7))
    canal = ellipse(x, y, (0, back + 23), (9.5, 8.2))
    lay(-20, canal)
    lay(32, canal + np.float32(1.8))


def _paint_sternum(canvas: Canvas, patient: Patient) -> None:
    for start, end, half in (((0, 66), (0, 34), (26, 17)), ((0, 32), (0, -62), (15, 19))):
        heights = np.arange(start[1], end[1] - 1, -2.0)
        for i, z in enumerate(heights):
            share = i / max(len(heights) - 1, 1)
            width = half[0] + share * (half[1] - half[0]) - 6
            chest = chest_at(float(z), patient)
            y = chest.centre_y - chest.half_y * 0.93 - 6
            ends: tuple[Point, Point] = ((-width, y, float(z)), (width, y, float(z)))
            paint_tube(canvas, ends, (6.0, 6.0), ((0.0, 380 * patient.density), (1.5, 150 * patient.density)), flat=1.6)


def _paint_ribs(canvas: Canvas, patient: Patient, side: int) -> None:
    for number in range(1, 13):
        top = APEX_MM - 4 - (number - 1) * 0.96 * VERTEBRA_MM
        fall = 30 + 7.5 * min(number, 8)
        length = {1: 0.9, 11: 0.5, 12: 0.3}.get(number, 1.0)
        points = [(side * 19.0, spine_y(top, patient) + 16, top), (side * 34.0, spine_y(top, patient) + 27, top - 2)]
        steps = 15
        for i in range(int(steps * length) + 1):
            share = i / steps
            angle = np.radians(66 - 140 * share)
            z = top - 5 - fall * share**1.15
            x, y = chest_at(min(z, APEX_MM - 18), patient).point(float(np.sin(angle)), float(np.cos(angle)), 6.0)
            points.append((side * x, y, z))
        cartilage = len(points) - 4
        for i in range(len(points) - 1):
            bony = i < cartilage or length < 0.6
            layers = _bone(patient) if bony else ((0.0, 105.0), (1.2, 75.0))
            paint_tube(canvas, (points[i], points[i + 1]), (3.6, 3.6), layers, flat=0.58)
        if number in range(1, 8):
            x, y, z = points[-1]
            level = max(min(z + 10, 58), -58)
            chest = chest_at(level, patient)
            goal = (side * 15.0, chest.centre_y - chest.half_y * 0.93 - 6, level)
            paint_tube(canvas, (points[-1], goal), (4.0, 4.0), ((0.0, 105.0), (1.2, 75.0)), flat=0.7)


def _paint_shoulder(canvas: Canvas, patient: Patient, side: int) -> None:
    """Paint clavicle, scapula and, where the scan reaches it, the head of the humerus of a raised arm."""
    front = chest_at(62, patient)
    joint = (side * 26.0, front.centre_y - front.half_y * 0.9 - 8, 66.0)
    bends = (
        joint,
        (side * 66.0, joint[1] + 2, 84.0),
        (side * 108.0, joint[1] + 26, 100.0),
        (side * 150.0, joint[1] + 44, 112.0),
    )
    for start, end in zip(bends[:-1], bends[1:], strict=True):
        paint_tube(canvas, (start, end), (6.2, 6.0), _bone(patient))
    for z in np.arange(-24.0, 100.0, 3.0):
        share = (z + 24) / 124
        chest = chest_at(min(float(z), 60.0), patient)
        ends = []
        for degrees, offset in ((62 - 2 * share, 19.0), (58 - 44 * share, 20.0 + 8 * share)):
            angle = np.radians(degrees)
            x, y = chest.point(float(np.sin(angle)), float(np.cos(angle)), offset)
            ends.append((side * x, y, float(z)))
        paint_tube(canvas, (ends[0], ends[1]), (2.0, 2.2 + 2.2 * share), _bone(patient, 1.2))
    blade = chest_at(60, patient)
    x0, y0 = blade.point(0.8, 0.6, 26)
    x1, y1 = blade.point(0.2, 0.98, 40)
    paint_tube(canvas, ((side * x0, y0, 84), (side * x1, y1, 112)), (3.5, 6.0), _bone(patient))
    paint_tube(
        canvas, ((side * (x1 + 12), y1 - 14, 112), (side * (x1 + 26), y1 - 22, 150)), (22.0, 14.0), _bone(patient, 2.5)
    )
