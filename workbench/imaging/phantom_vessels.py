"""The tubes of the chest phantom: great vessels, trachea and bronchi, and pulmonary trees that fill the lungs.

A pulmonary tree grows by halving a cloud of points spread through the lung: each branch heads for the middle of its
points and forks until one is left. Radii follow r ∝ n^(1/2.7) for n points fed, between Murray's cube law and the
measured exponents of pulmonary arteries.

Runs in: anywhere
Source: Murray, Proc Natl Acad Sci 12 (1926) 207; Huang et al., Morphometry of the human pulmonary vasculature,
J Appl Physiol 81 (1996) 2123.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.imaging.phantom_body import spine_y
from workbench.imaging.phantom_canvas import Canvas, Floats, Point, paint_threads, paint_tube
from workbench.imaging.phantom_patient import Patient

TIP_MM = 0.42
EXPONENT = 1 / 2.7
POINTS_PER_TREE = 1500
HILUM_MM = {-1: (-36.0, 4.0, 14.0), 1: (37.0, 10.0, 20.0)}
ATRIUM_MM = {-1: (-26.0, 12.0, -14.0), 1: (32.0, 14.0, -12.0)}


@dataclass(frozen=True)
class Tree:
    """Branches of one vascular tree; arrays of n segments.

    Parameters
    ----------
    starts, ends : ndarray, float64, shape (n, 3)
        Points (x, y, z), model mm.
    radii_mm : ndarray, float64, shape (n,)
    """

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    radii_mm: NDArray[np.float64]


def grow_tree(root: Point, targets: NDArray[np.float64], rng: np.random.Generator) -> Tree:
    """Grow a tree from `root` so that it reaches every target (x, y, z)."""
    tips = np.array([root], dtype=np.float64)
    node = np.zeros(len(targets), dtype=np.intp)
    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    for level in range(40):
        fed = np.bincount(node, minlength=len(tips))
        middle = np.stack([np.bincount(node, targets[:, i], len(tips)) for i in range(3)], axis=1) / fed[:, None]
        share = np.where(fed == 1, 1.0, rng.uniform(0.36, 0.6, len(tips)) if level else 0.3)
        ends = tips + share[:, None] * (middle - tips)
        length = np.sqrt(((ends - tips) ** 2).sum(axis=1, keepdims=True))
        bend = (tips + ends) / 2 + rng.normal(0, 0.05, ends.shape) * length
        parts += [(tips, bend, fed), (bend, ends, fed)]
        keep = fed[node] > 1
        if not keep.any():
            break
        targets, node = targets[keep], node[keep]
        offset = targets - middle[node]
        spread = np.stack([np.bincount(node, offset[:, i] ** 2, len(tips)) for i in range(3)], axis=1)
        axis = (spread * rng.uniform(0.6, 1.4, spread.shape)).argmax(axis=1)
        high = offset[np.arange(len(node)), axis[node]] > 0
        used, node = np.unique(2 * node + high, return_inverse=True)
        tips = ends[used // 2]
    starts, ends, fed = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Tree(starts, ends, TIP_MM * fed.astype(np.float64) ** EXPONENT)


def paint_lung_vessels(canvas: Canvas, patient: Patient, lung: Floats, rng: np.random.Generator) -> list[Tree]:
    """Paint arteries, veins and bronchi in both lungs; give the four vascular trees."""
    inside = np.flatnonzero(lung > 0.95)
    trees = []
    for side in (-1, 1):
        for is_artery, root in ((True, HILUM_MM[side]), (False, ATRIUM_MM[side])):
            pick = rng.choice(inside, 3 * POINTS_PER_TREE)
            k, j, i = np.unravel_index(pick, lung.shape)
            points = np.stack([canvas.x.flat[i], canvas.y.flat[j], canvas.z.flat[k]], axis=1).astype(np.float64)
            tree = grow_tree(root, points[points[:, 0] * side > 0][:POINTS_PER_TREE], rng)
            if is_artery:
                _paint_bronchi(canvas, tree, lung)
            trees.append(tree)
    whole = Tree(*(np.concatenate([getattr(tree, name) for tree in trees]) for name in ("starts", "ends", "radii_mm")))
    _paint_tree(canvas, whole, patient.blood_hu, lung)
    return trees


def _paint_tree(canvas: Canvas, tree: Tree, blood_hu: float, lung: Floats) -> None:
    thin = tree.radii_mm < 0.75 * canvas.softness_mm
    paint_threads(canvas, (tree.starts[thin], tree.ends[thin]), tree.radii_mm[thin], blood_hu, only=lung)
    for start, end, radius in zip(tree.starts[~thin], tree.ends[~thin], tree.radii_mm[~thin], strict=True):
        paint_tube(canvas, (_point(start), _point(end)), (radius, 0.92 * radius), ((0.0, blood_hu),), only=lung)


def _paint_bronchi(canvas: Canvas, tree: Tree, lung: Floats) -> None:
    """Paint the airway beside each larger artery, with a soft wall."""
    large = np.flatnonzero(tree.radii_mm > 1.5)
    for is_wall in (True, False):
        for start, end, radius in zip(tree.starts[large], tree.ends[large], tree.radii_mm[large], strict=True):
            shift = np.array([0.2, 0.9, 0.45]) * 1.8 * radius
            ends = (_point(start + shift), _point(end + shift))
            wall = 0.4 + 0.15 * radius if is_wall else 0.0
            radii = (0.85 * radius + wall, 0.78 * radius + wall)
            paint_tube(canvas, ends, radii, ((0.0, -180.0 if is_wall else -980.0),), only=lung)


def _point(row: NDArray[np.float64]) -> Point:
    return float(row[0]), float(row[1]), float(row[2])


def paint_great_vessels(canvas: Canvas, patient: Patient) -> None:
    """Paint aorta, its branches, venae cavae, pulmonary trunk, oesophagus, trachea and main bronchi."""
    blood, vein = patient.blood_hu, 0.5 * patient.blood_hu + 22
    down = [(24.0, spine_y(z, patient) - 20, z) for z in (36.0, 0.0, -40.0, -80.0, -120.0, -175.0)]
    gullet = [(3.0 + 6 * (z < 0), spine_y(z, patient) - 25, z) for z in (118.0, 60.0, 0.0, -50.0, -90.0)]
    chains: tuple[tuple[list[Point], float, float], ...] = (
        ([(10, -14, -20), (-9, -24, 14), (-11, -24, 38), (-4, -14, 58), (10, 6, 66), (22, 24, 60), *down], 14.5, blood),
        ([(18, -40, -14), (24, -34, 12), (30, -12, 26), (38, 12, 26)], 12.0, blood),
        ([(22, -24, 18), (2, -8, 20), (-20, -4, 18), (-38, 4, 12)], 10.0, blood),
        ([(-46, -32, 104), (-26, -20, 74), (-25, -16, 40), (-24, -12, -10)], 8.5, vein),
        ([(38, -34, 102), (24, -40, 82), (-24, -28, 68)], 6.5, vein),
        ([(-20, 12, -80), (-18, 18, -110), (-14, 26, -175)], 11.5, vein),
        ([(-3, -10, 66), (-14, -8, 84), (-28, -2, 120)], 6.2, blood),
        ([(7, -2, 70), (12, 2, 90), (20, 2, 125)], 4.5, blood),
        ([(16, 12, 68), (24, 14, 90), (40, 6, 118)], 5.2, blood),
        (gullet, 6.0, 36.0),
    )
    for points, radius, _ in chains:
        _paint_chain(canvas, points, (radius + 1.2, radius + 1.2), -60.0)
    for points, radius, hu in chains:
        _paint_chain(canvas, points, (radius, radius), hu)
    _paint_airways(canvas, patient)


def _paint_airways(canvas: Canvas, patient: Patient) -> None:
    carina = (1.0, spine_y(36, patient) - 35, 36.0)
    top = (0.0, spine_y(140, patient) - 37, 142.0)
    chains: tuple[tuple[list[Point], float, float], ...] = (
        ([top, (1.0, spine_y(90, patient) - 36, 90.0), carina], 10.2, 9.8),
        ([carina, (-16.0, carina[1] - 2, 24), (-34.0, carina[1] - 5, 12)], 8.6, 7.2),
        ([(-32.0, carina[1] - 5, 14), (-44.0, carina[1] - 6, 24)], 6.0, 5.2),
        ([(-34.0, carina[1] - 5, 12), (-40.0, carina[1], -12)], 6.4, 5.0),
        ([carina, (18.0, carina[1], 22), (40.0, carina[1] + 1, 6)], 7.8, 6.6),
        ([(40.0, carina[1] + 1, 6), (46.0, carina[1] + 6, -14)], 6.0, 4.8),
        ([(38.0, carina[1], 8), (48.0, carina[1] - 12, 14)], 5.4, 4.6),
    )
    for wall_mm, hu in ((0.0, 10.0), (-1.4, -985.0)):
        for points, first, last in chains:
            _paint_chain(canvas, points, (first + wall_mm, last + wall_mm), hu)


def _paint_chain(canvas: Canvas, points: list[Point], radii_mm: tuple[float, float], hu: float) -> None:
    for start, end in zip(points[:-1], points[1:], strict=True):
        paint_tube(canvas, (start, end), radii_mm, ((0.0, hu),))
